#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 1 --timeout 400 vfs=4 vram-size=64M
#
# vram_quota: how much VRAM each VF has, before and while it is enabled; nobody
# else's is touched, and nobody sees what was in it before.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"
. "${0%/*}/admin.sh"

M=1048576

quota()
{
	get vf$1 vram_quota
}

quotas()
{
	echo $(cat $ADMIN/vf*/profile/vram_quota | awk '{ print $1 / 1048576 }')
}

set_quota()
{
	set_to vf$1 vram_quota $(($2 * M))
}

# Ranges of all functions, by place: each begins behind the one before, within VRAM.
misplaced()
{
	total=$(awk '$1 == "total" { print $2 }' $SRIOV/vram_provisioned)
	ranges | while read -r number start end bytes state; do
		echo $((start)) $((end)) $number $bytes
	done | sort -n | awk -v total=$total '
		NR > 1 && $1 <= last { print "overlap of " $3 }
		$2 >= total { print "beyond VRAM: " $3 }
		$2 - $1 + 1 != $4 { print "size of " $3 }
		{ last = $2 }'
}

# owns VF…: each of them has what it has written.
owns()
{
	for vf; do
		window $vf check 0xcafe000$vf || return 1
	done
}

mark()
{
	for vf; do
		window $vf fill 0xcafe000$vf || return 1
	done
}

in_place()
{
	check_equal "$1: ranges are apart" "" "$(misplaced)"
}

ktap_begin quota

modprobe vgpu_pf
echo 0 > $PF/sriov_drivers_autoprobe
check_equal "nobody has VRAM in the beginning" "0 0 0 0" "$(quotas)"

# Before VFs are enabled
set_quota 1 8
set_quota 2 4
check "1 byte is accepted" set_to vf3 vram_quota 1
check_equal "and rounded up to a granule" "8 4 2 0" "$(quotas)"
in_place "before VFs are enabled"
log_mark
check "VFs are enabled" enable_vfs 4
check_equal "they have what was said" "8 4 2 0" "$(quotas)"
check_log "that VF4 has none is told" "VF4 has no VRAM"
in_place "with VFs enabled"
wrong=
for vf in 1 2 3; do
	window $vf check 0 || wrong="$wrong dirty:$vf"
	window $vf fill 0xcafe000$vf || wrong="$wrong fill:$vf"
done
check_equal "each finds zeros and fills what it has" "" "$wrong"
check "nobody fills what is somebody else's" owns 1 2 3

# While they are enabled
check "VF4 gets 40 MiB" set_quota 4 40
check_equal "and has them" "8 4 2 40" "$(quotas)"
check "it finds zeros" window 4 check 0
check "the others have their own" owns 1 2 3
mark 4

was=$(ranges)
refused "more than is free" $((13 * M)) $(profile vf3 vram_quota) \
	"No space left on device" "VF3: vram_quota $((13 * M)): at most $((8 * M)) are free in one piece"
check_equal "nothing has changed" "$was" "$(ranges)"
check "VF3 has its own" owns 3

check "VF1 shrinks" set_quota 1 4
check_equal "to what was said" "4 4 2 40" "$(quotas)"
check "it finds zeros" window 1 check 0
check "the others have their own" owns 2 3 4
in_place "VF1 has shrunk"
mark 1

check "VF2 grows into the room behind it or elsewhere" set_quota 2 8
check_equal "to what was said" "4 8 2 40" "$(quotas)"
check "it finds zeros" window 2 check 0
check "the others have their own" owns 1 3 4
in_place "VF2 has grown"
mark 2

# Whoever gets what VF4 had finds nothing of it.
check "VF4 shrinks" set_quota 4 2
check "VF3 takes what it had" set_quota 3 40
check_equal "as was said" "4 8 40 2" "$(quotas)"
check "it finds zeros" window 3 check 0
check "VF1 and VF2 have their own" owns 1 2
in_place "VF3 and VF4 have changed roles"

check "VF1 loses all" set_quota 1 0
check_equal "and has none" "0 8 40 2" "$(quotas)"
check "VF1 gets some again" set_quota 1 2
check "it finds zeros" window 1 check 0

# FLR
mark 1 2 3 4
check "VF2 is reset" write_to 1 $(vf_device 2)/reset
tries=0
until window 2 check 0 > /dev/null || [ $tries = 50 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
check "and clean" window 2 check 0
check_equal "its quota is as it was" "2 8 40 2" "$(quotas)"
check "the others have their own" owns 1 3 4

# In use
modprobe vgpu_vf
echo 1 > $PF/sriov_drivers_autoprobe
check "a driver is bound to VF2" write_to $(vf_bdf 2) /sys/bus/pci/drivers/vgpu_vf/bind
load_start 2 2 --groups 300 --depth 4
was=$(ranges)
refused "VF2 is not changed while it is used" $((4 * M)) $(profile vf2 vram_quota) \
	"Device or resource busy" "VF2: vram_quota $((4 * M)): in use, unbind its driver first"
refused "nor are all of them" $((2 * M)) $BULK/vram_quota "Device or resource busy" \
	"VF2: vram_quota $((2 * M)): in use, unbind its driver first"
check_equal "nothing has changed" "$was" "$(ranges)"
check "VF1 and VF3 have their own" owns 1 3
check "VF3 can be changed" set_quota 3 20
check "VF2 has not noticed" load_stop 2
log_mark
check "the driver is unbound" write_to $(vf_bdf 2) /sys/bus/pci/drivers/vgpu_vf/unbind
check "VF2 can be changed then" set_quota 2 16
check "bound again" write_to $(vf_bdf 2) /sys/bus/pci/drivers/vgpu_vf/bind
check "it works with what it has now" stream $(vf_node 2) --jobs 20
check_log "and knows how much that is" "16 MiB of VRAM"
rmmod vgpu_vf
echo 0 > $PF/sriov_drivers_autoprobe

# All of them
refused "too much for all" $((16 * M)) $BULK/vram_quota "No space left on device" \
	"vram_quota $((16 * M)) for each of 4 VFs: at most $((14 * M)) bytes each"
check_equal "nothing has changed" "2 16 20 2" "$(quotas)"
check_write "8 MiB for each" $((8 * M)) $BULK/vram_quota
check_equal "they have them" "8 8 8 8" "$(quotas)"
in_place "8 MiB for each"
wrong=
for vf in 1 2 3 4; do
	window $vf check 0 || wrong="$wrong $vf"
done
check_equal "and find zeros" "" "$wrong"
check_write "2 MiB for each" $((2 * M)) $BULK/vram_quota
check_write "then all that there is, however small the gaps were" $((14 * M)) $BULK/vram_quota
check_equal "they have it" "14 14 14 14" "$(quotas)"
in_place "14 MiB for each"

# What cannot be moved is in the way: then it is as it was.
modprobe vgpu_vf
for vf in 1 2 3 4; do
	set_quota $vf 0
done
set_quota 1 24
set_quota 2 14
echo 1 > $PF/sriov_drivers_autoprobe
check "a driver is bound to VF2" write_to $(vf_bdf 2) /sys/bus/pci/drivers/vgpu_vf/bind
was=$(ranges)
refused "nobody else moves VF2" $((14 * M)) $BULK/vram_quota "No space left on device" \
	"VF4: vram_quota $((14 * M)): at most $((10 * M)) are free in one piece"
check_equal "all have what they had" "$was" "$(ranges)"
check "VF2 works" stream $(vf_node 2) --jobs 20
check "VF1 finds zeros" window 1 check 0
rmmod vgpu_vf
echo 0 > $PF/sriov_drivers_autoprobe

# VF2 is reset all the while: it may prevent a change, but nobody loses by that.
set_quota 1 0
check_write "8 MiB for each" $((8 * M)) $BULK/vram_quota
resetting=$(vf_device 2)/reset
while echo 1 > $resetting; do :; done &
resetter=$!
wrong=
for mib in 2 8 2 8 4 8; do
	write_to $((mib * M)) $BULK/vram_quota > /dev/null
	set -- $(quotas)
	[ $1 != 0 ] && [ "$1 $1" = "$3 $4" ] || wrong="$wrong $mib:$*"
done
kill $resetter
wait $resetter 2>/dev/null
check_equal "all others have the old or the new quota" "" "$wrong"
in_place "after that"

# VF1 does not let go, so the PF cannot clear. That ends nothing, and the
# administrator can end it.
until write_to $((8 * M)) $BULK/vram_quota > /dev/null; do sleep 0.1; done
echo 1 > $PF/sriov_drivers_autoprobe
modprobe vgpu_vf
for vf in 2 3 4; do
	write_to $(vf_bdf $vf) /sys/bus/pci/drivers/vgpu_vf/unbind
done
check_write "policy rr" rr $ADMIN/policy
set_to vf1 exec_quantum_us 0
load_start 1 1 --groups 40000 --depth 4
load_begun 1
log_mark
set_quota 3 2 > /tmp/quota.out 2>&1 &
setter=$!
sleep 25
check_log "it is told that VRAM waits to be cleared" "VRAM waits to be cleared"
check_equal "settings can be read, as can quotas" "0 8" \
	"$(get vf1 exec_quantum_us) $(($(get vf1 vram_quota) / M))"
check "and changed" set_to vf1 exec_quantum_us 5000
check_write "VF1 is paused" 1 $SRIOV/vf1/pause
wait $setter
check_equal "VF3 has its quota" "0 2" "$? $(quotas | cut -d ' ' -f 3)"
check_write "VF1 goes on" 1 $SRIOV/vf1/resume
check "VF1 has noticed nothing" load_stop 1
check_equal "VRAM is still cleared" "" "$(log_new | grep 'cannot be scrubbed')"
rmmod vgpu_vf
write_to eevdf $ADMIN/policy
set_to vf1 exec_quantum_us auto
echo 0 > $PF/sriov_drivers_autoprobe

# The end
check "VFs are disabled" enable_vfs 0
check_equal "nobody has VRAM" "0 0 0 0" "$(quotas)"
check "two VFs are enabled" enable_vfs 2
check_equal "they get the same" "30 30 0 0" "$(quotas)"
check "VF1 gives half of it to VF3, which is not enabled" set_quota 1 14
check "which takes it" set_quota 3 14
in_place "VF3 has some before it is enabled"
enable_vfs 0
check_equal "nobody has VRAM" "0 0 0 0" "$(quotas)"

rmmod vgpu_pf
check_log_clean
ktap_end
