#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --guests --icount 0 vfs=3 vram-size=128M --timeout 1500
#
# What happens to guests, from boot to sudden death, and to their VFs. VF3 is at work in
# the host all the time, and must not notice.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"
. "${0%/*}/guest.sh"

# The next owner of VF1 finds it clean, and VF3 is as it was.
check_after()
{
	check_clean "after $1" 1
	check_equal "after $1: nobody else was reset" "0 0 0" \
		"$(stat_of 3 hang) $(stat_of 3 flrs) $(stat_of 3 faults)"
}

# leave_and_work N: its data is in the VRAM that its driver does not use, and it is at
# work
leave_and_work()
{
	in_guest $1 "rmmod vgpu_vf" && leave_traces $1 1 &&
		in_guest $1 "modprobe vgpu_vf" && work_start $1 --groups 500
}

ktap_begin life

modprobe vgpu_pf
modprobe vgpu_vf
vfs_for_guests 3
check "VF3 stays in the host" vf_to vgpu_vf 3
load_start host 3 --groups 100 --group-ns 200000 --depth 2

# Reboots, every other one at work
check "a guest boots with VF1" guest_has 1 1 stream $GUEST_NODE --jobs 3
wrong=
boots=$(in_guest 1 cat /proc/sys/kernel/random/boot_id)
for n in 1 2 3 4 5 6 7 8 9 10; do
	[ $((n % 2)) = 0 ] || work_start 1 --groups 500
	qmp 1 '' RESET guestctl begin /tmp/guest.1/agent 'reboot -f' > /dev/null ||
		wrong="$wrong reset:$n"
	in_guest 1 "modprobe vgpu_vf && stream $GUEST_NODE --jobs 3" > /dev/null ||
		wrong="$wrong work:$n"
	boots="$boots $(in_guest 1 cat /proc/sys/kernel/random/boot_id)"
done
check_equal "it reboots ten times, and works each time" "" "$wrong"
check_equal "these were eleven boots" 11 "$(echo $boots | tr ' ' '\n' | sort -u | wc -l)"

check "it leaves its data in VRAM" leave_traces 1 1
check "it shuts down" guest_ends 1 'poweroff -f'
check_after "a shutdown"

check "a guest boots with VF1" guest_has 1 1 true
check "it leaves its data in VRAM and works" leave_and_work 1
check "its QEMU is killed" guest_kill 1
check_after "a kill"

# panic=-1: its machine is reset, and the next owner is what boots then.
check "a guest boots with VF1" guest_has 1 1 true
check "it leaves its data in VRAM and works" leave_and_work 1
check "its kernel panics" qmp 1 '' RESET \
	guestctl begin /tmp/guest.1/agent 'echo c > /proc/sysrq-trigger'
check "it boots again" in_guest 1 true
check "so it said" grep -q 'Kernel panic' /tmp/guest.1/console.log
check "its data has gone" in_guest 1 "cd /sys/bus/pci/devices/*:01:00.0 &&
	echo 1 > enable && vram resource2 $(bytes_of 1) absent $LEFT"
check "its VF works" in_guest 1 "modprobe vgpu_vf && stream $GUEST_NODE --jobs 3"
check "it shuts down" guest_ends 1 'poweroff -f'
check_after "a panic"

# Snapshot and migration
check "a guest boots with VF1" guest_has 1 1 true
check_equal "migration is refused" 1 \
	"$(qmp 1 '{"execute": "migrate", "arguments": {"uri": "file:/tmp/state"}}' \
		> /tmp/refused; echo $?)"
check "with the reason" grep -q "$(vf_bdf 1): VFIO migration is not supported" /tmp/refused
check "a snapshot is refused, too" sh -c "$(command -v guestctl) qmp /tmp/guest.1/qmp \
	'{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"savevm now\"}}' |
	grep -q 'VFIO migration is not supported'"
check "it can work still" in_guest 1 stream $GUEST_NODE --jobs 3

# Hot-unplug and hot-plug
work_start 1 --groups 500
check "VF1 is unplugged at work" qmp 1 \
	'{"execute": "device_del", "arguments": {"id": "vf1"}}' DEVICE_DELETED
check_equal "the guest has no VF" "" "$(in_guest 1 'ls /dev/dri 2> /dev/null')"
check_after "unplugging"
plug_in='{"execute": "device_add", "arguments": {"driver": "vfio-pci", "id": "vf1",
	"bus": "port1", "host": "'$(vf_bdf 1)'"}}'
plug_in=$(echo $plug_in)
check "VF1 is plugged in" qmp 1 "$plug_in"
check "the guest's driver binds" in_guest 1 \
	"until test -c $GUEST_NODE; do usleep 100000; done"
check "and works" in_guest 1 stream $GUEST_NODE --jobs 3
check "the guest shuts down" guest_ends 1 'poweroff -f'
check_after "that"

# A port whose window is too small for VRAM
GUEST_APPEND=pci=hpmmioprefsize=2M
guest_start 1 -- -device pcie-root-port,id=port1,chassis=1
GUEST_APPEND=
check "a guest without room for VRAM boots" in_guest 1 modprobe vgpu_vf
check "VF1 is plugged in" qmp 1 "$plug_in"
check "the guest's driver says what is wrong" in_guest 1 '
	n=0
	until dmesg | grep "BAR 2 (VRAM) has no address" || [ $n = 300 ]; do
		n=$((n + 1))
		usleep 100000
	done
	[ $n -lt 300 ]'
check "and does not bind" in_guest 1 "! test -e $GUEST_NODE"
check "the guest shuts down" guest_ends 1 'poweroff -f'
check_after "that"

# Two guests swap VFs
check "a guest boots with VF1" guest_has 1 1 true
check "another one boots with VF2" guest_has 2 2 true
for n in 1 2; do
	check "guest $n leaves its data in VRAM" leave_traces $n $n
	check "VF$n is unplugged" qmp $n \
		'{"execute": "device_del", "arguments": {"id": "vf'$n'"}}' DEVICE_DELETED
done
for n in 1 2; do
	vf=$((3 - n))
	check "guest $n gets VF$vf" qmp $n "$(echo "$plug_in" |
		sed "s/vf1/vf$vf/; s/$(vf_bdf 1)/$(vf_bdf $vf)/")"
	check "guest $n finds zeros only" in_guest $n \
		'cd /sys/bus/pci/devices && until [ -e *:01:00.0/resource2 ]; do usleep 100000; done
		cd *:01:00.0 && echo 1 > enable && vram resource2 $((1 << 20)) check 0'
	check "and works with it" in_guest $n \
		"modprobe vgpu_vf && stream $GUEST_NODE --jobs 3"
done
for n in 1 2; do
	check "guest $n shuts down" guest_ends $n 'poweroff -f'
done
check_after "a swap"
check_clean "after a swap" 2

check "VF3 was right all the time" load_stop host
check "the VFs are disabled" enable_vfs 0
check "the drivers unload" rmmod vgpu_vf vgpu_pf
check_log_clean
ktap_end
