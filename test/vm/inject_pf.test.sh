#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600 vfs=2 vram-size=64M
#
# Every allocation that the PF driver makes while it is bound fails once, on a kernel that
# can do that: what was begun is undone, and nothing is left of it.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/inject.sh"

PF_DRIVER=/sys/bus/pci/drivers/vgpu_pf

ktap_begin inject_pf

inject_possible || {
	skip "allocations fail" "this kernel has no fault injection: see make test-debug"
	ktap_end
	exit
}

check "vgpu_pf loads" modprobe vgpu_pf

# In drm_minor_alloc() of 6.12 the device of a node may be an error that is released
# like a device.
inject_into vgpu_pf drm_sysfs_minor_alloc
write_to $PF_BDF $PF_DRIVER/unbind
inject_walk "vgpu_pf binds" --undo $PF_DRIVER/unbind $PF_BDF $(traces_of $PF_BDF) \
	$PF_DRIVER/bind $PF_BDF
check_equal "no interrupt is left" "" "$(grep vgpu_pf /proc/interrupts)"
check "and does" write_to $PF_BDF $PF_DRIVER/bind

check "vgpu_pf unloads" rmmod vgpu_pf

check_log_clean
ktap_end
