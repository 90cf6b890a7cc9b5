#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 300 --monitor vfs=4 hw-deadline=on
# vm: --timeout 300 --monitor vfs=4 hw-deadline=off
#
# Broken hardware: what QEMU's monitor, here at the end of a serial line, can
# inject. Who is hit is told; nobody else notices; the GPU works again.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"
. "${0%/*}/monitor.sh"

device_count()
{
	monitor "qom-get /machine/peripheral/gpu mmio-$1"
}

# Jobs are longer than it takes to submit one, also on a slow machine: else nobody is
# preempted, and what is broken is not noticed.
all_start()
{
	for vf in 1 2 3 4; do
		load_start $vf $vf --groups 2000 --vary --depth 4
	done
	sleep 0.3
}

# all_stop WHAT VF…: these have noticed nothing.
all_stop()
{
	what=$1
	shift
	for vf; do
		check "$what: VF$vf works and is right" load_stop $vf
	done
}

works()
{
	check "$1: VF$2 works" stream $(vf_node $2) --jobs 20
}

# wait_for SECONDS COMMAND…: until it succeeds.
wait_for()
{
	tries=$(($1 * 10))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

hangs_at_least()
{
	[ "$(stat_of $1 hang)" -ge $2 ]
}

device_is()
{
	[ "$(stat_value device)" = $1 ]
}

ktap_begin faults

check "the monitor answers" monitor "info status"
modprobe vgpu_pf
modprobe vgpu_vf
enable_vfs 4
echo "# deadlines by $(stat_value path)"

# What the driver counts is what the device sees.
counts()
{
	echo $(($(stat_value switch_register_$1) + $(stat_value register_$1)))
}
writes=$(($(counts writes) - $(device_count writes)))
all_start
sleep 0.5
all_stop "nothing is broken" 1 2 3 4
check_equal "the device has seen as many writes as the driver has counted" \
	$writes $(($(counts writes) - $(device_count writes)))

all_start
inject lost-interrupts 1
sleep 0.5
inject lost-interrupts 3
sleep 1
all_stop "lost interrupts" 1 2 3 4

# Records that cannot be true; only a device that switches by itself writes them.
if [ $(stat_value path) = hardware ]; then
	log_mark
	all_start
	inject strange-switches 30
	sleep 1.5
	inject strange-switches 30
	sleep 1.5
	all_stop "strange records" 1 2 3 4
	for counter in backwards missing duplicates; do
		check_range "strange records are counted: $counter" 10 40 \
			"$(stat_value $counter)"
	done
	check_equal "strange records are told of once" 1 \
		"$(log_new | grep -c 'records of the device: .*only counted')"
fi

all_start
inject never-quiesce 1
check "a world that never quiesces is reset" wait_for 10 hangs_at_least 1 1
inject never-quiesce -1
hangs_at_least 1 1 || kill $(cat /tmp/load.1.pid)
load_wait 1
check_fails "its process was told" test $? = 0
all_stop "VF1 never quiesced" 2 3 4
works "VF1 never quiesced" 1

log_mark
all_start
inject damaged-image 2
sleep 1
for vf in 1 3 4; do
	all_stop "the world of VF2 was damaged" $vf
done
load_stop 2
works "the world of VF2 was damaged" 2

# The next save; whose world that is, is chance.
saves_hurt()
{
	[ $(($(stat_of total hang) + $(stat_of total reset))) -gt $1 ]
}
hurt=$(($(stat_of total hang) + $(stat_of total reset)))
all_start
inject stuck-save on
check "a save is stuck: that world is reset" wait_for 10 saves_hurt $hurt
sleep 1
hurt=0
for vf in 1 2 3 4; do
	load_stop $vf || hurt=$((hurt + 1))
done
# one run without hardware deadlines hurt nobody; why has not been found out
check_range "a save was stuck: at most one VF was hurt" 0 1 $hurt
for vf in 1 2 3 4; do
	works "a save was stuck" $vf
done

# Deaf: what it says does not arrive, but it answers. That is noticed when a switch does
# not come, so somebody is on the engine all the time. Nothing of VF4 can be cleared then,
# so whoever has it next must not see it.
check "VF4 has no driver" write_to $(vf_bdf 4) /sys/bus/pci/drivers/vgpu_vf/unbind
check "but a secret" window 4 fill 0x5ec2e7
for vf in 1 2 3; do
	load_start $vf $vf --groups 20000 --vary --depth 4
done
load_begun 1 2 3
log_mark
# Memory space, but no bus master
printf '\002' | dd of=$PF/config bs=1 seek=4 conv=notrunc 2> /dev/null
check "a deaf device is noticed" wait_for 10 device_is wedged
check_log "and said" "out of service until it is reset: world switches do not come"
check "nobody sees what VF4 has left" window 4 absent 0x5ec2e7
check "VFs can be disabled" enable_vfs 0
for vf in 1 2 3; do
	load_wait $vf
done
check "it is reset" write_to 1 $PF/reset
check "VFs can be enabled" enable_vfs 4
for vf in 1 2 3 4; do
	works "after the device was deaf" $vf
done

# Dead
refused_all()
{
	wait $gone || { cat /tmp/gone; return 1; }
}
all_start
vf_gone $(vf_node 1) > /tmp/gone &
gone=$!
check "a file of VF1 is open" wait_for 10 grep -q open /tmp/gone
log_mark
inject dead on
check "a dead device is noticed" wait_for 10 device_is wedged
check_log "and said" "out of service until it is reset: it does not answer"
for vf in 1 2 3 4; do
	load_stop $vf && fail "VF$vf: its process was told"
done
check "what had VF1 open is refused all" refused_all
check "VFs can be disabled" enable_vfs 0
check_refused "and not enabled" 2 $PF/sriov_numvfs "Input/output error" \
	"no VFs: the device is out of service until it is reset"
check_equal "nor has the PF a node" "" "$(pf_node)"
inject dead off
check "it is reset, alive again" write_to 1 $PF/reset
check "the PF has a node again" stream $(pf_node) --jobs 20
check "VFs can be enabled" enable_vfs 4
for vf in 1 2 3 4; do
	works "after the device was dead" $vf
done

all_start
inject dead on
check "vgpu_pf unloads while the device is dead" rmmod vgpu_pf
for vf in 1 2 3 4; do
	load_wait $vf
done
check_equal "no VF is left" "0 0" "$(vfs_on_bus) $(nodes)"
check_fails "vgpu_pf does not bind to a dead device" \
	sh -c "modprobe vgpu_pf; echo $PF_BDF > /sys/bus/pci/drivers/vgpu_pf/bind"
inject dead off
check "it does when the device is alive" \
	write_to $PF_BDF /sys/bus/pci/drivers/vgpu_pf/bind
enable_vfs 2
works "after all that" 2

enable_vfs 0
rmmod vgpu_vf
rmmod vgpu_pf
check_log_clean
ktap_end
