#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600 vfs=2 vram-size=64M
#
# Every allocation that the VF driver makes while it is bound and unbound fails once, on
# a kernel that can do that: what was begun is undone, and nothing is left of it. So it
# is with VFs that are disabled, and with those of the kernel's threads while jobs run.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/inject.sh"

VF_DRIVER=/sys/bus/pci/drivers/vgpu_vf

ktap_begin inject_vf

inject_possible || {
	skip "allocations fail" "this kernel has no fault injection: see make test-debug"
	ktap_end
	exit
}

modprobe vgpu_pf
enable_vfs 1
check "vgpu_vf loads" modprobe vgpu_vf
VF_BDF=$(vf_bdf 1)
write_to $VF_BDF $VF_DRIVER/unbind
inject_into vgpu_vf drm_sysfs_minor_alloc
inject_walk "vgpu_vf binds" --undo $VF_DRIVER/unbind $VF_BDF $(traces_of $VF_BDF) \
	$VF_DRIVER/bind $VF_BDF
check_equal "no interrupt is left" "" "$(grep vgpu_vf /proc/interrupts)"
check "and does" write_to $VF_BDF $VF_DRIVER/bind
check "VF1 works" stream $(vf_node 1) --jobs 20

# Others than those of the caller: of the kernel's threads, at any moment.
inject_sometimes 5
wrong=
for round in 1 2 3 4 5 6; do
	timeout -s KILL $((60 * PATIENCE)) stream $(vf_node 1) --jobs 20 > /dev/null 2>&1
	[ $? != 137 ] || wrong="$wrong $round"
done
inject_sometimes 0
check_equal "who lacks memory now and then comes to an end" "" "$wrong"
check "VF1 works when nothing fails any more" stream $(vf_node 1) --jobs 20

# Who leaves cannot be kept from it by want of memory.
inject_walk "vgpu_vf is unbound" --undo $VF_DRIVER/bind $VF_BDF \
	$VF_DRIVER/unbind $VF_BDF
inject_into vgpu_pf pci_device_add
inject_walk "VFs are disabled" --undo $PF/sriov_numvfs 1 $PF/sriov_numvfs 0
enable_vfs 0
check "vgpu_vf unloads" rmmod vgpu_vf
check "vgpu_pf unloads" rmmod vgpu_pf

check_log_clean
ktap_end
