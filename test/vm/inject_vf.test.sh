#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600 vfs=2 vram-size=64M
#
# Every allocation that the VF driver makes while it is bound, to a VF and to the PF's
# node, fails once, on a kernel that can do that: what was begun is undone, and nothing is
# left of it.

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
check "vgpu_vf loads" modprobe vgpu_vf
inject_into vgpu_vf drm_sysfs_minor_alloc
NODE=$(basename $PF/vgpu_pf.render.*)
NODE_DRIVER=$(readlink -f $PF/$NODE/driver)
write_to $NODE $NODE_DRIVER/unbind
inject_walk "vgpu_vf binds to the PF's node" --undo $NODE_DRIVER/unbind $NODE \
	--gone $PF/$NODE/driver --gone $PF/$NODE/drm --gone /sys/kernel/debug/dri/$NODE \
	$NODE_DRIVER/bind $NODE
check_equal "no interrupt is left" "" "$(grep vgpu_vf /proc/interrupts)"
check "and does" write_to $NODE $NODE_DRIVER/bind
check "the node works" stream $(pf_node) --jobs 20

enable_vfs 1
VF_BDF=$(vf_bdf 1)
write_to $VF_BDF $VF_DRIVER/unbind
inject_walk "vgpu_vf binds" --undo $VF_DRIVER/unbind $VF_BDF $(traces_of $VF_BDF) \
	$VF_DRIVER/bind $VF_BDF
check_equal "no interrupt is left" "" "$(grep vgpu_vf /proc/interrupts)"
check "and does" write_to $VF_BDF $VF_DRIVER/bind
check "VF1 works" stream $(vf_node 1) --jobs 20
enable_vfs 0
check "vgpu_vf unloads" rmmod vgpu_vf
check "vgpu_pf unloads" rmmod vgpu_pf

check_log_clean
ktap_end
