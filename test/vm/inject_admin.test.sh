#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600 vfs=2 vram-size=64M
#
# Every allocation that the PF driver makes when VFs are enabled, and whatever an
# administrator writes, fails once, on a kernel that can do that: what was begun is undone,
# and nothing is left of it.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/inject.sh"

ktap_begin inject_admin

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

# What the PCI core itself makes for a new function may not fail: of 6.12 it warns if that
# has no name or cannot be added, and uses a file of a resource that it has freed.
inject_into vgpu_pf pci_setup_device pci_create_sysfs_dev_files
inject_walk "two VFs are enabled" --undo $PF/sriov_numvfs 0 $(traces_of_vfs) \
	$PF/sriov_numvfs 2
check_equal "none is left" "0 0" "$(numvfs) $(vfs_on_bus)"

inject_into vgpu_pf
enable_vfs 2
# Before there are weights, which it would not take.
inject_walk "policy" --undo $PF/sriov_admin/policy eevdf $PF/sriov_admin/policy fixed
for file in $(find $PF/sriov_admin/ -type f | sort); do
	value=$(cat $file 2>/dev/null)
	case $file in
	*/stop|*_bound_us|*/policy) continue;;
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
