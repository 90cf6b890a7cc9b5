#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: vfs=2 vram-size=256M --timeout 300
# vm: vfs=2 vram-size=256M --cpus 2 hw-deadline=off --timeout 300
#
# Queues of the VF driver: order, batches, priorities, bans, processes that go. The
# programs are tests of their own and count as one result each.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"

ktap_begin queue

modprobe vgpu_pf
modprobe vgpu_vf
modprobe vgem
enable_vfs 2

before=$(vram_free 1)
for word in "" -32; do
	program vf_queue$word $(vf_node 1) $(vf_node 2)
	program vf_order$word $(vf_node 1) $(vf_node 2)
	program vf_kill$word $(vf_node 1)
	program vf_ban$word $(vf_node 1)
done
check_vram_free 1 "$before"
check_equal "no queue is left" 0 "$(wc -l < /sys/kernel/debug/dri/$(vf_bdf 1)/queues)"

# Tools draw what a GPU does from drm_sched's tracepoints. Newer kernels call them
# job_run and job_done.
tracing=/sys/kernel/tracing
traced()
{
	grep -Ec " ($1|$2): " $tracing/trace
}

echo 1 > $tracing/events/gpu_scheduler/enable
check "a process submits 20 jobs while drm_sched is traced" stream $(vf_node 1) --jobs 20
echo 0 > $tracing/events/gpu_scheduler/enable
check_range "the trace has their begins" 20 25 "$(traced drm_run_job drm_sched_job_run)"
check_range "and their ends" 20 25 "$(traced drm_sched_process_job drm_sched_job_done)"

for gap in 700000 1000000; do
	write_to 1 $PF/reset
	usleep $gap
	check "the PF is reset twice in a row" write_to 1 $PF/reset
	for vf in 1 2; do
		check "VF$vf works again, without being bound again" works_again $vf
	done
done

enable_vfs 0
check "vgpu_vf unloads" rmmod vgpu_vf
check "vgpu_pf unloads" rmmod vgpu_pf
check_log_clean
ktap_end
