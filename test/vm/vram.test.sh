#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 1 vfs=7 vram-size=64M
#
# VRAM: who owns what, and that nobody reads what another one has written.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"

# Ranges in the order of their number: each begins behind the one before.
overlaps()
{
	ranges | while read -r number start end bytes state; do
		[ $((end - start + 1)) -eq $bytes ] || echo "size of $number"
		[ -z "$last" ] || [ $((start)) -gt $((last)) ] ||
			echo "overlap of $number"
		last=$end
	done
}

ktap_begin vram

modprobe vgpu_pf
echo 0 > $PF/sriov_drivers_autoprobe

wrong=
for n in $(seq $TOTALVFS); do
	enable_vfs $n
	wrong="$wrong$(overlaps)"
	[ $(ranges | wc -l) = $((n + 1)) ] || wrong="$wrong lines:$n"
	[ $(ranges | awk '$1 > 0 { print $4 }' | sort -u | wc -l) = 1 ] ||
		wrong="$wrong unequal:$n"
	enable_vfs 0
done
check_equal "ranges are equal and apart, with 1 to $TOTALVFS VFs" "" "$wrong"
check_equal "without VFs only the PF owns VRAM" 0 "$(ranges | awk '$1 > 0' | wc -l)"

enable_vfs 3
wrong=
for vf in 1 2 3; do
	window $vf check 0 || wrong="$wrong dirty:$vf"
	window $vf fill 0xdead000$vf || wrong="$wrong fill:$vf"
done
for vf in 1 2 3; do
	window $vf check 0xdead000$vf || wrong="$wrong lost:$vf"
done
check_equal "3 VFs fill all they own, and nobody else's" "" "$wrong"

# Other owners of the same memory.
for n in 1 2 5 $TOTALVFS; do
	enable_vfs 0
	enable_vfs $n
	wrong=
	for vf in $(seq $n); do
		window $vf check 0 || wrong="$wrong $vf"
		window $vf fill 0xbeef000$vf
	done
	check_equal "with $n VFs then, each finds zeros only" "" "$wrong"
done

check "VF2 is reset" write_to 1 $(vf_device 2)/reset
# The scrubbing is begun by an event and is done before the VF is let in again.
tries=0
until window 2 check 0 > /dev/null || [ $tries = 50 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
check "it finds zeros only" window 2 check 0
check "VF1 still has its own" window 1 check 0xbeef0001
check "VF3 still has its own" window 3 check 0xbeef0003

enable_vfs 0
check "vgpu_pf unloads" rmmod vgpu_pf
check "and loads" modprobe vgpu_pf
enable_vfs 3
wrong=
for vf in 1 2 3; do
	window $vf check 0 || wrong="$wrong $vf"
done
check_equal "each VF finds zeros only" "" "$wrong"
rmmod vgpu_pf

check_log_clean
ktap_end
