#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 1 vfs=7 vram-size=8M
#
# A device with too little VRAM for all its VFs.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"

ktap_begin small

modprobe vgpu_pf
modprobe vgpu_vf

granule=$(awk '$1 == "granule" { print $2 }' $SRIOV/vram_provisioned)
total=$(awk '$1 == "total" { print $2 }' $SRIOV/vram_provisioned)
pf=$(ranges | awk '$5 == "pf" { print $4 }')
most=$(((total - pf) / granule))
check_range "there is VRAM for some VFs, but not for all" 1 $((TOTALVFS - 1)) $most

for n in $((most + 1)) $TOTALVFS; do
	check_refused "$n VFs are refused" $n $PF/sriov_numvfs \
		"No space left on device" \
		"no VRAM for $n VFs: $((total - pf)) bytes in granules of $granule are enough for $most"
	check_equal "and nothing has changed" "0 0 0" \
		"$(numvfs) $(vfs_on_bus) $(ranges | awk '$1 > 0' | wc -l)"
done
check "$most VFs are possible" enable_vfs $most
check_equal "all of them work" $most "$(nodes)"
check "the last one computes" stream $(vf_node $most) --jobs 10

check "all off" enable_vfs 0
rmmod vgpu_vf
rmmod vgpu_pf
check_log_clean
ktap_end
