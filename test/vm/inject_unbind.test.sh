#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600 vfs=2 vram-size=64M
#
# Allocations fail, on a kernel that can do that, where nobody can be told: now and then
# while jobs run, those of the kernel's threads, too; and every one when the VF driver is
# unbound and when VFs are disabled, which no want of memory can prevent.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/inject.sh"

VF_DRIVER=/sys/bus/pci/drivers/vgpu_vf

ktap_begin inject_unbind

inject_possible || {
	skip "allocations fail" "this kernel has no fault injection: see make test-debug"
	ktap_end
	exit
}

modprobe vgpu_pf
enable_vfs 1
check "vgpu_vf loads" modprobe vgpu_vf
VF_BDF=$(vf_bdf 1)
# In drm_minor_alloc() of 6.12 the device of a node may be an error that is released
# like a device.
inject_into vgpu_vf drm_sysfs_minor_alloc

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
# The PF has its node back then; binding it is in inject_vf.
inject_into vgpu_pf
inject_beside vgpu_vf
inject_walk "VFs are disabled" --undo $PF/sriov_numvfs 1 $PF/sriov_numvfs 0
enable_vfs 0
check "vgpu_vf unloads" rmmod vgpu_vf
check "vgpu_pf unloads" rmmod vgpu_pf

check_log_clean
ktap_end
