#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --guests --icount 0 --with bzimage vfs=2 vram-size=128M --timeout 900
#
# Guests that sleep (S3), and what becomes of their VFs: QEMU resets the VF of a guest
# that wakes up; one whose guest is killed in its sleep has a next owner. VF2 is at work
# in the host all the time, and must not notice.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"
. "${0%/*}/guest.sh"

# guest_sleeps COMMAND: guest 1 does that, which puts it to sleep
guest_sleeps()
{
	qmp 1 '' SUSPEND guestctl begin /tmp/guest.1/agent "$1"
}

# qboot, which other guests have, cannot wake them up.
guest_with_bios()
{
	guest_start 1 1 -- -bios /usr/share/seabios/bios-256k.bin -kernel /vm/vmlinuz-* &&
		in_guest 1 "modprobe vgpu_vf && test -c $GUEST_NODE"
}

ktap_begin sleep

modprobe vgpu_pf
modprobe vgpu_vf
vfs_for_guests 2
check "VF2 stays in the host" vf_to vgpu_vf 2
load_start host 2 --groups 100 --group-ns 200000 --depth 2

check "a guest with a BIOS boots with VF1" guest_with_bios
boot=$(in_guest 1 cat /proc/sys/kernel/random/boot_id)
resets=$(stat_of 1 flrs)
work_start 1 --groups 500
check "it sleeps, with jobs in rings and contents in VRAM" guest_sleeps \
	"vf_suspend --mem $GUEST_NODE > /tmp/slept 2>&1; echo \$? > /tmp/status"
check "until somebody wakes it up" qmp 1 '{"execute": "system_wakeup"}'
program in_guest 1 'cat /tmp/slept; exit $(cat /tmp/status)'
check "work of before goes on, and was right" work_stop 1
check_range "its VF was reset meanwhile" $((resets + 1)) $((resets + 4)) "$(stat_of 1 flrs)"
check_equal "it has not booted again" "$boot" \
	"$(in_guest 1 cat /proc/sys/kernel/random/boot_id)"
check_equal "its kernel has nothing to complain about" "" "$(in_guest 1 \
	"dmesg | grep -E 'WARNING|BUG|Oops|Call Trace|refcount_t|stall'")"

# SeaBIOS has woken it up, but its power management has no registers any more: it cannot
# switch itself off.
check "its QEMU is killed" guest_kill 1
check_clean "after a sleep" 1

check "a guest with a BIOS boots with VF1" guest_with_bios
check "it leaves its data in VRAM" leave_traces 1 1
check "and sleeps" guest_sleeps 'modprobe vgpu_vf && echo mem > /sys/power/state'
check "its QEMU is killed" guest_kill 1
check_clean "after a kill in its sleep" 1
check "a guest can have VF1 again" guest_has 1 1 stream $GUEST_NODE --jobs 20
check "it shuts down" guest_ends 1 'poweroff -f'
check_clean "after that" 1

check_equal "VF2 was not reset" "0 0 0" \
	"$(stat_of 2 hang) $(stat_of 2 flrs) $(stat_of 2 faults)"
check "VF2 was right all the time" load_stop host
check "the VFs are disabled" enable_vfs 0
check "the drivers unload" rmmod vgpu_vf vgpu_pf
check_log_clean
ktap_end
