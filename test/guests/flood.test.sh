#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --guests --icount 0 --with dpdk vfs=4 vram-size=128M --timeout 600
#
# A guest that wants little of the GPU, beside three VFs that want all: their drivers, in
# user space, flood rings and doorbells.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/guest.sh"
. "${0%/*}/dpdk.sh"
. "${0%/*}/flood.sh"

ktap_begin flood

modprobe vgpu_pf
dpdk_setup $HUGEPAGES
vfs_for_guests 4
check "a guest boots with VF1" guest_has 1 1 true
check "its work is done, with nobody beside it" in_guest 1 "latency $GUEST_NODE 20 5000"
check "VF2, VF3 and VF4 are flooded" flood_start 2 3 4
in_guest 1 "latency $GUEST_NODE 100 5000" > /tmp/latency
check_equal "the guest's work is done, beside them" 0 $?
sed 's/^/# /' /tmp/latency
# SUBMIT, 20 µs on the engine, and to see the fence come on top of the waiting; it is the
# whole that is compared here.
bound=$(stat_of 1 latency_bound_ns)
check_range "99 % of its latencies are within the scheduler's bound of $bound ns" 20000 \
	"$bound" "$(awk '$1 == "p99_ns" { print $2 }' /tmp/latency)"
check_range "so is each of its waits for the engine" 0 "$bound" "$(stat_of 1 wake_max_ns)"
check "the flood ends in order" flood_stop
for n in 1 2 3; do
	check_range "it was one, of VF$((n + 1))" 1000 1000000000 "$(dpdk_says doorbells $n)"
	check_equal "and its results were right" 0 "$(dpdk_says wrong $n)"
done
check_equal "VF1 was not reset" "0 0" "$(stat_of 1 hang) $(stat_of 1 faults)"
check "the guest shuts down" guest_ends 1 'poweroff -f'
check "the VFs are disabled" enable_vfs 0
check "the driver unloads" rmmod vgpu_pf
check_log_clean
ktap_end
