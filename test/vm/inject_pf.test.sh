#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600 vfs=2 vram-size=64M
#
# Every allocation that the PF driver makes fails once, on a kernel that can do that,
# while it is bound, and whatever an administrator writes: what was begun is undone, and
# nothing is left of it.

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
check "vgpu_pf unloads" rmmod vgpu_pf

check_log_clean
ktap_end
