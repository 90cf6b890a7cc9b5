#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 1 vfs=7 vram-size=64M
#
# VFs on and off: every count, every illegal one, bind and unbind, and what is
# left afterwards.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"

ktap_begin sriov

check "vgpu_pf loads" modprobe vgpu_pf
check_equal "the PF has its driver" vgpu_pf \
	"$(basename "$(readlink $PF/driver)")"
check_equal "no VF yet" "0 0" "$(numvfs) $(vfs_on_bus)"

# Without vgpu_vf first: only the PF's part.
wrong=
n=0
while [ $n -le $TOTALVFS ]; do
	enable_vfs $n || wrong="$wrong enable:$n"
	[ "$(numvfs) $(vfs_on_bus)" = "$n $n" ] || wrong="$wrong count:$n"
	enable_vfs 0 || wrong="$wrong disable:$n"
	[ "$(numvfs) $(vfs_on_bus)" = "0 0" ] || wrong="$wrong left:$n"
	n=$((n + 1))
done
check_equal "each count from 0 to $TOTALVFS, and back to 0" "" "$wrong"

check_refused "one VF too many" $((TOTALVFS + 1)) $PF/sriov_numvfs \
	"Numerical result out of range"
check_refused "65535 VFs" 65535 $PF/sriov_numvfs "Numerical result out of range"
check_refused "65536 VFs" 65536 $PF/sriov_numvfs "Invalid argument"
check_refused "-1 VFs" -1 $PF/sriov_numvfs "Invalid argument"
check_refused "a word as number of VFs" many $PF/sriov_numvfs "Invalid argument"
check_equal "nothing was enabled by that" "0 0" "$(numvfs) $(vfs_on_bus)"

enable_vfs 2
check_refused "another count while VFs are enabled" 3 $PF/sriov_numvfs \
	"Device or resource busy" "2 VFs already enabled"
check_equal "the two VFs are still there" "2 2" "$(numvfs) $(vfs_on_bus)"
enable_vfs 0

# With vgpu_vf.
check "vgpu_vf loads" modprobe vgpu_vf
wrong=
for n in 1 $TOTALVFS 4; do
	enable_vfs $n || wrong="$wrong enable:$n"
	[ "$(nodes)" = $n ] || wrong="$wrong nodes:$n:$(nodes)"
	enable_vfs 0 || wrong="$wrong disable:$n"
	[ "$(nodes)" = 0 ] || wrong="$wrong left:$n:$(nodes)"
done
check_equal "every VF gets a render node while it exists" "" "$wrong"

enable_vfs 4
wrong=
for round in 1 2 3 4 5 6 7 8; do
	for n in 1 2 3 4; do
		bdf=$(vf_bdf $n)
		write_to $bdf /sys/bus/pci/drivers/vgpu_vf/unbind ||
			wrong="$wrong unbind:$round:$n"
	done
	[ "$(nodes)" = 0 ] || wrong="$wrong left:$round"
	for n in 4 3 2 1; do
		write_to "$(vf_bdf $n)" /sys/bus/pci/drivers/vgpu_vf/bind ||
			wrong="$wrong bind:$round:$n"
	done
	[ "$(nodes)" = 4 ] || wrong="$wrong nodes:$round:$(nodes)"
done
check_equal "8 rounds of unbind and bind of 4 VFs" "" "$wrong"
check "a VF works after that" stream $(vf_node 3) --jobs 10

# Whoever waits for the end of that must not keep drivers of VFs from leaving.
admin=$PF/sriov_admin
disturb()
{
	while :; do
		echo 2097152 > $admin/vf7/profile/vram_quota
		echo 0 > $admin/vf7/profile/vram_quota
		echo 1 > $SRIOV/vf1/pause
		echo 1 > $SRIOV/vf1/resume
		cat $admin/vf1/profile/vram_quota $admin/policy
	done > /dev/null 2>&1
}
disturb &
disturber=$!
wrong=
for round in 1 2 3 4 5 6 7 8; do
	enable_vfs 0 || wrong="$wrong disable:$round"
	enable_vfs 4 || wrong="$wrong enable:$round"
done
kill $disturber
wait $disturber 2>/dev/null
check_equal "8 rounds of disable and enable while others write" "" "$wrong"

enable_vfs 0
check "vgpu_vf unloads" rmmod vgpu_vf
check "vgpu_pf unloads" rmmod vgpu_pf

check_log_clean
ktap_end
