#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600 vfs=2 vram-size=64M
#
# Every allocation that the drivers make fails once, on a kernel that can do that:
# whatever was begun is undone, and nothing is left of it.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/inject.sh"
. "${0%/*}/load.sh"

PF_DRIVER=/sys/bus/pci/drivers/vgpu_pf
VF_DRIVER=/sys/bus/pci/drivers/vgpu_vf

ktap_begin inject

inject_possible || {
	skip "allocations fail" "this kernel has no fault injection: see make test-debug"
	ktap_end
	exit
}

# What there is of a function that has a driver.
traces_of()
{
	for traces in /sys/bus/pci/devices/$1/driver /sys/bus/pci/devices/$1/drm \
		/sys/bus/pci/devices/$1/sriov_admin /sys/kernel/debug/dri/$1; do
		echo --gone $traces
	done
}

traces_of_vfs()
{
	for traces in 0 1; do
		echo --gone $PF/virtfn$traces
		echo --gone $PF/sriov_admin/vf$((traces + 1))/device
	done
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

# The PCI core warns if a new function cannot be added to sysfs, so that one it may.
inject_into vgpu_pf pci_device_add
inject_walk "two VFs are enabled" --undo $PF/sriov_numvfs 0 $(traces_of_vfs) \
	$PF/sriov_numvfs 2
check_equal "none is left" "0 0" "$(numvfs) $(vfs_on_bus)"

inject_into vgpu_pf
enable_vfs 2
for file in $(find $PF/sriov_admin/ -type f | sort); do
	value=$(cat $file 2>/dev/null)
	case $file in
	*/stop)		continue;;
	*bound_us)	continue;;
	*/policy)	value=fixed;;
	*bulk*/vram_quota) value=$((4 << 20));;
	*bulk*cap_us)	value=max;;
	*bulk*reservation_us) value=none;;
	*bulk*priority)	value=high;;
	*bulk*)		value=200;;
	*priority)	value=low;;
	esac
	inject_walk "${file#"$PF"/sriov_admin/}" $file "$value"
done
inject_walk "VF1 pauses" --undo $SRIOV/vf1/resume 1 $SRIOV/vf1/pause 1
inject_walk "the PF is reset" $PF/reset 1
enable_vfs 0

echo 0 > $PF/sriov_drivers_autoprobe
enable_vfs 1
check "vgpu_vf loads" modprobe vgpu_vf
VF_BDF=$(vf_bdf 1)
inject_into vgpu_vf drm_sysfs_minor_alloc
inject_walk "vgpu_vf binds" --undo $VF_DRIVER/unbind $VF_BDF $(traces_of $VF_BDF) \
	$VF_DRIVER/bind $VF_BDF
check_equal "no interrupt is left" "" "$(grep vgpu_vf /proc/interrupts)"
check "and does" write_to $VF_BDF $VF_DRIVER/bind
check "VF1 works" stream $(vf_node 1) --jobs 20

# Others than those of the caller: of the kernel's threads, at any moment.
inject_sometimes 5
for round in 1 2 3 4 5 6; do
	timeout $((60 * PATIENCE)) stream $(vf_node 1) --jobs 20
	[ $? != 124 ] || fail "round $round ends"
done > /tmp/sometimes 2>&1
inject_sometimes 0
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
