#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 1 --timeout 300 vfs=63 vram-size=256M vf-window-size=64M
#
# As many VFs as SR-IOV gives by default, all of them at work.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"

ktap_begin many

modprobe vgpu_pf
# A CPU has about 200 interrupt vectors: not more than two for each VF.
modprobe vgpu_vf max_rings=1
check_equal "63 VFs are possible" 63 $TOTALVFS
check "all of them are enabled" enable_vfs 63
check_equal "all of them have a render node" "63 63" "$(vfs_on_bus) $(nodes)"
check_equal "VRAM is divided among them" 63 \
	"$(awk '$1 ~ /^[0-9]+$/ && $1 > 0 { print $4 }' $SRIOV/vram_provisioned | wc -l)"

for vf in $(seq 63); do
	load_start $vf $vf --groups 400 --jobs 4
done
wrong=
for vf in $(seq 63); do
	load_wait $vf || wrong="$wrong VF$vf: $(load_says $vf);"
done
check_equal "all of them compute at the same time, and are right" "" "$wrong"
wrong=
for vf in $(seq 63); do
	[ "$(stat_of $vf deadline_misses) $(stat_of $vf hang)" = "0 0" ] ||
		wrong="$wrong VF$vf"
done
check_equal "nobody missed a deadline" "" "$wrong"
check_refused "64 VFs are refused" 64 $PF/sriov_numvfs \
	"Numerical result out of range"

check "all of them are disabled" enable_vfs 0
check_equal "none is left" "0 0" "$(vfs_on_bus) $(nodes)"
rmmod vgpu_vf
rmmod vgpu_pf
check_log_clean
ktap_end
