#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 0 vfs=2 vram-size=256M
#
# How much the VF driver does while interrupts are off: the handler of a ring completes
# at most four jobs, its thread the rest.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"

ktap_begin interrupt

modprobe vgpu_pf
modprobe vgpu_vf
enable_vfs 2

# Chains of jobs, among them rings full of such as have been held up, then end so fast
# that the CPU does not keep up.
tracing=/sys/kernel/tracing
mount -t tracefs none $tracing 2>/dev/null
echo 'name ~ "ring*"' > $tracing/events/irq/irq_handler_entry/filter
echo 'driver == "vgpu_vf"' > $tracing/events/dma_fence/dma_fence_signaled/filter
for event in irq/irq_handler_entry irq/irq_handler_exit dma_fence/dma_fence_signaled; do
	echo 1 > $tracing/events/$event/enable
done
program vf_order $(vf_node 1) $(vf_node 2)
echo 0 > $tracing/events/enable

# most in a handler, handlers, jobs in threads
awk '/ irq_handler_entry: / { inside = 1; jobs = 0; handlers++ }
	/ irq_handler_exit: / { inside = 0 }
	/ dma_fence_signaled: / && inside && ++jobs > most { most = jobs }
	/ dma_fence_signaled: / && !inside && $1 ~ /^irq\/.*-ring/ { threads++ }
	END { print most + 0, handlers + 0, threads + 0 }' $tracing/trace > /tmp/counts
read -r most handlers threads < /tmp/counts
echo "# $handlers interrupts, $threads jobs were left to threads"
check_equal "an interrupt completes this many jobs at most" 4 "$most"
check_range "threads complete the rest" 20 1000 "$threads"

enable_vfs 0
check "vgpu_vf unloads" rmmod vgpu_vf
check "vgpu_pf unloads" rmmod vgpu_pf
check_log_clean
ktap_end
