#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --guests --icount 0 vfs=3 vram-size=64M --timeout 2100
#
# A guest is killed at random moments, from when it gets its VF to when it is at work:
# KILLS times (20), from SEED (1) on. The next owner finds a clean VF each time, nothing
# is left in the host, and nobody else notices.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"
. "${0%/*}/guest.sh"

# From the kernel's command line
setting()
{
	setting_value=$(sed -n "s/.*\\<$1=\\([0-9]*\\).*/\\1/p" /proc/cmdline)
	echo ${setting_value:-$2}
}

# random LIMIT: below that
random()
{
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	random=$((seed / 65536 % $1))
}

kills=$(setting kills 20)
seed=$(setting seed 1)

# All that a guest does with a VF; in this order it is never long at one thing. The
# console tells how far it got.
cat > /tmp/deeds <<END
at() { echo "doing \$1" > /dev/ttyS0; }
at plug
cd /sys/bus/pci/devices
until [ -e *:01:00.0/resource2 ]; do usleep 10000; done
at fill
echo 1 > *:01:00.0/enable
vram *:01:00.0/resource2 \$((1 << 18)) fill $LEFT
at bind
modprobe vgpu_vf
until test -c $GUEST_NODE; do usleep 10000; done
while :; do
	at submit
	vf_submit --jobs 4 $GUEST_NODE
	at stream
	stream $GUEST_NODE --groups 1000 --jobs 20
	at atomic
	stream $GUEST_NODE --atomic --groups 2000 --jobs 1
	at garbage
	vf_garbage --rounds 2 $GUEST_NODE
done
END

ktap_begin kills

modprobe vgpu_pf
modprobe vgpu_vf
vfs_for_guests 2
check "VF2 stays in the host" vf_to vgpu_vf 2
load_start host 2 --groups 100 --group-ns 200000 --depth 2

# As it is after booting, without a VF
guest_start 1 -- -device pcie-root-port,id=port1,chassis=1
check "a guest boots" in_guest 1 true
check "it learns what to do" in_guest 1 "echo '$(base64 /tmp/deeds | tr -d '\n')' |
	base64 -d > /tmp/deeds"
check "migration tells what happens" qmp 1 \
	'{"execute": "migrate-set-capabilities", "arguments": {"capabilities": [{"capability": "events", "state": true}]}}'
check "its state is kept" qmp 1 \
	'{"execute": "migrate", "arguments": {"uri": "file:/tmp/state"}}' '"completed"'
guest_kill 1

plug_in='{"execute": "device_add", "arguments": {"driver": "vfio-pci", "id": "vf1",
	"bus": "port1", "host": "'$(vf_bdf 1)'"}}'
plug_in=$(echo $plug_in)
life()
{
	guest_start 1 -- -device pcie-root-port,id=port1,chassis=1 \
		-incoming file:/tmp/state || return
	in_guest 1 true || return
	qmp 1 "$plug_in" > /dev/null || return
	guestctl begin /tmp/guest.1/agent 'sh /tmp/deeds > /dev/null 2>&1' || return
	random 2500
	usleep ${random}000
	guest_kill 1
	sed -n 's/\r//; s/^doing //p' /tmp/guest.1/console.log | tail -n 1 >> /tmp/doing
}

used=$(ranges)
wrong=
n=0
while [ $n -lt $kills ]; do
	n=$((n + 1))
	life > /tmp/said 2>&1 || wrong="$wrong $n: $(cat /tmp/said)"
	vf_to none 1
	clean $(vf_device 1) $LEFT > /tmp/said 2>&1 ||
		wrong="$wrong $n after $random ms: $(cat /tmp/said)"
	vf_to vfio-pci 1
done
check_equal "$n kills: the next owner finds a clean VF" "" "$wrong"
check_equal "no VRAM is lost" "$used" "$(ranges)"
echo "# killed at: $(sort /tmp/doing | uniq -c | tr -s '\n ' ' ')"
check_range "a third at work, or more" $((n / 3)) $n "$(grep -vc 'plug\|fill\|bind' /tmp/doing)"
check_equal "VF2 was not reset" "0 0 0" \
	"$(stat_of 2 hang) $(stat_of 2 flrs) $(stat_of 2 faults)"
check "VF2 was right all the time" load_stop host

# vfio-pci does not reset a VF that it loses while QEMU has it: who is next does.
check "a guest can have VF1 still" guest_has 1 1 stream $GUEST_NODE --jobs 20
check "it leaves its data in VRAM" leave_traces 1 1
check "and works on" in_guest 1 modprobe vgpu_vf
work_start 1 --groups 500
kill -STOP $(cat /tmp/guest.1/pid)
echo vgpu_vf > $(vf_device 1)/driver_override
bdf=$(vf_bdf 1)
echo $bdf > $(vf_device 1)/driver/unbind &
while [ -e /proc/$!/stack ] && ! grep -q vfio_unregister /proc/$!/stack; do
	usleep 1000
done
check "vfio-pci waits for the end of its QEMU" test -d /proc/$!
log_mark
kill -KILL $(cat /tmp/guest.1/pid)
wait $!
check "vgpu_vf gets VF1" vf_to vgpu_vf 1
check_log "and resets it" 'left open by its last user: reset'
check "it works in the host" stream $(vf_node 1) --jobs 3
vf_to none 1
check "the guest's data has gone" sh -c "echo 1 > $(vf_device 1)/enable &&
	vram $(vf_device 1)/resource2 $(bytes_of 1) absent $LEFT"
echo 0 > $(vf_device 1)/enable
vf_to vfio-pci 1

check "a guest can have it again" guest_has 1 1 stream $GUEST_NODE --jobs 20
check "it shuts down" guest_ends 1 'poweroff -f'
check "the VFs are disabled" enable_vfs 0
check "the drivers unload" rmmod vgpu_vf vgpu_pf
check_log_clean
ktap_end
