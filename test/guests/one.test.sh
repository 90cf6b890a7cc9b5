#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --guests --icount 0 vfs=2 vram-size=128M --timeout 400
#
# One guest with one VF, from boot to shutdown, beside another VF that is in use in the
# host.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"
. "${0%/*}/guest.sh"

ktap_begin one

modprobe vgpu_pf
modprobe vgpu_vf
vfs_for_guests 2
wrong=
for vf in 1 2; do
	[ "$(ls $(vf_device $vf)/iommu_group/devices)" = "$(vf_bdf $vf)" ] || wrong="$wrong $vf"
done
check_equal "each VF has an IOMMU group of its own" "" "$wrong"
check "interrupts are remapped" sh -c "dmesg | grep -q 'Enabled IRQ remapping'"
check "VF2 stays in the host" vf_to vgpu_vf 2
load_start host 2 --groups 2000 --depth 2

check "a guest with VF1 starts" guest_start 1 1
check "it boots" in_guest 1 true
check "its driver binds" in_guest 1 "modprobe vgpu_vf && test -c $GUEST_NODE"
program in_guest 1 vf_submit --jobs 40 $GUEST_NODE
check "interrupts come" in_guest 1 \
	"awk '/vgpu_vf/ { n += \$2 } END { exit !n }' /proc/interrupts"
program in_guest 1 vf_ioctl $GUEST_NODE
program in_guest 1 vf_isolation $GUEST_NODE
program in_guest 1 vf_garbage --seed 1 --rounds 10 $GUEST_NODE
check "its VF can be used still" in_guest 1 stream --jobs 20 $GUEST_NODE
check_equal "its kernel has nothing to complain about" "" "$(in_guest 1 \
	"dmesg | grep -E 'WARNING|BUG|Oops|Call Trace|refcount_t|stall'")"

check_range "the host sees its GPU time" 1 1000000000000 "$(stat_of 1 runtime_ns)"
check_range "its faults" 1 1000000 "$(stat_of 1 faults)"
check "VF2 goes on, and all it did was right" load_stop host
check_equal "VF2 was not reset" "0 0 0" \
	"$(stat_of 2 hang) $(stat_of 2 flrs) $(stat_of 2 faults)"

check "the guest leaves its data in VRAM" leave_traces 1 1
check "it shuts down" guest_ends 1 'poweroff -f'
check_clean "after the shutdown" 1

check "the VFs are disabled" enable_vfs 0
check "the drivers unload" rmmod vgpu_vf vgpu_pf
check_log_clean
ktap_end
