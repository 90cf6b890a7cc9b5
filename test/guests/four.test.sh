#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --guests --icount 0 --mem 2560 vfs=4 vram-size=128M save-ns=150000 load-ns=150000 --timeout 900
#
# One to four guests at once: each computes, and is right; the GPU is shared fairly, and
# nothing of it is lost.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/guest.sh"
. "${0%/*}/four.sh"

ktap_begin four

modprobe vgpu_pf
vfs_for_guests 4
for n in 1 2 3 4; do
	check "guest $n boots with VF$n" guest_has $n $n true
	for m in $(seq $n); do
		in_guest $m "vf_submit --jobs 20 $GUEST_NODE" > /tmp/guest.$m/said &
		echo $! > /tmp/guest.$m/said.pid
	done
	wrong=
	for m in $(seq $n); do
		wait $(cat /tmp/guest.$m/said.pid) || wrong="$wrong $m"
		sed -n "s/^not ok/# guest $m: &/p" /tmp/guest.$m/said
	done
	check_equal "all kernels, all results in $n guests at once" "" "$wrong"
done

four_measure 5 > /tmp/four
sed 's/^/# /' /tmp/four
for n in 1 2 3 4; do
	check "guest $n was right" work_stop $n
	check_equal "VF$n was not reset" "0 0" "$(stat_of $n hang) $(stat_of $n faults)"
done
check_range "the total is the limit, within 0.5 %" 995000 1005000 "$(four_says of_limit)"
for n in 1 2 3 4; do
	check_range "guest $n has its share, within 1 %" 990000 1010000 \
		"$(four_says of_share_$n)"
done

for n in 1 2 3 4; do
	check "guest $n shuts down" guest_ends $n 'poweroff -f'
done
check "the VFs are disabled" enable_vfs 0
check "the driver unloads" rmmod vgpu_pf
check_log_clean
ktap_end
