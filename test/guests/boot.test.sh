#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash disable=SC1091,SC2086
# vm: --reboots --timeout 900 vram-size=256M
#
# VFs that are there again after each boot, see pf/vgpu-sriov: a system that boots twice.

. /vm/ktap.sh
. /vm/sysfs.sh
. /vm/guest.sh
. /vm/libvirt.sh

CONFIG=/etc/vgpu/$PF_BDF.conf
UNIT=vgpu-sriov@$PF_BDF.service

booted()
{
	check_equal "the system is up" running "$(systemctl is-system-running --wait)"
	check "udev is done" udevadm settle
}

# check_provisioned WHAT: as sriov.conf says
check_provisioned()
{
	check_equal "$1: VFs" "4 4" "$(numvfs) $(vfs_on_bus)"
	while read -r file value; do
		case $file in
		sriov_admin/policy)
			check_equal "$1: $file" "[$value]" \
				"$(grep -o '\[.*\]' $PF/$file)" ;;
		*/sched_priority)
			check_equal "$1: $file" "[$value]" \
				"$(grep -o '\[.*\]' $PF/$file)" ;;
		[a-z]*)
			check_equal "$1: $file" "$value" "$(cat $PF/$file)" ;;
		esac
	done < sriov.conf
	check_driver "$1: of VF3" vfio-pci 3
	check_driver "$1: of VF4" vgpu_vf 4
	check "$1: VF4 works" stream $(vf_node 4) --jobs 20
}

# check_config WHAT REGEXP LINE...: the unit fails with such a message, and no VF is
# enabled.
check_config()
{
	config_what=$1 config_regexp=$2
	shift 2
	printf '%s\n' "$@" 'sriov_numvfs 4' > $CONFIG
	config_since=$(date +%s)
	check_fails "$config_what: refused" systemctl start $UNIT
	journalctl --unit=$UNIT --since=@$config_since > /tmp/said
	if grep -Eq "$config_regexp" /tmp/said; then
		pass "$config_what: and said why"
	else
		fail "$config_what: and said why" "expected $config_regexp, found
$(cat /tmp/said)"
	fi
	check_equal "$config_what: no VFs" 0 "$(numvfs)"
}

# Or says what has been.
comes_back()
{
	udevadm wait --timeout=100 /dev/dri/by-path/pci-${PF_BDF%.*}.4-render && return
	systemctl list-jobs
	udevadm info $PF
	journalctl --boot --lines=100 --output=short-monotonic
	return 1
}

# check_comes_back WHAT: the unit is started, and comes to its end
check_comes_back()
{
	check "$1: the unit is started" comes_back
	check "$1: to its end" systemctl start $UNIT
	check_equal "$1: VFs are enabled" "4 4" "$(numvfs) $(vfs_on_bus)"
}

busy()
{
	for n in 1 2 3 4 5 6; do
		systemctl daemon-reload
	done
}

# reload_unheard [COMMAND]: when udev hears of it, the driver is there again; meanwhile
# that runs
reload_unheard()
{
	udevadm control --stop-exec-queue
	modprobe -r vgpu_pf
	modprobe vgpu_pf
	[ -z "$1" ] || $1 &
	udevadm control --start-exec-queue
	udevadm settle
	wait
}

first()
{
	ktap_begin 'first boot'
	booted
	check "udev has loaded vgpu_pf" loaded vgpu_pf
	check_equal "nothing is enabled that nobody asked for" 0 "$(numvfs)"
	check_fails "not without a file for this PF" systemctl start $UNIT

	weight=sriov_admin/vf1/profile/weight
	log_mark
	check_config "a value out of range" \
		"$CONFIG:2: $weight: 0 is refused: Invalid argument" \
		"# comment" "$weight 0"
	check_log "the kernel tells what is allowed" 'weight is out of range, 1 to 10000'
	check_config "a file that is not there" \
		"$CONFIG:1: sriov_admin/vf1/profile/wait: there is no such file" \
		"sriov_admin/vf1/profile/wait 100"
	check_config "a file elsewhere" "$CONFIG:1: ../../x: not a file of" "../../x 1"
	check_config "no value" "$CONFIG:1: $weight: no value" "$weight"

	cp sriov.conf $CONFIG
	check "as it should be: it is enabled, and begins" systemctl enable --now $UNIT
	check_provisioned "now"
	check_fails "now: VF1 has no driver yet" test -e $(vf_device 1)/driver

	# It comes back with the driver.
	modprobe -r vgpu_pf
	check_equal "without a driver: no VFs" 0 "$(vfs_on_bus)"
	modprobe vgpu_pf
	check_comes_back "with it again"
	check_provisioned "with it again"
	reload_unheard
	check_comes_back "reloaded before udev heard of it"
	reload_unheard busy
	check_comes_back "reloaded while systemd was busy"

	# Who is to be there after the boot.
	check "driverctl keeps what is set" driverctl set-override $(vf_bdf 2) vfio-pci
	virsh define domain.xml
	check "a domain is to start by itself" virsh autostart guest1
	check_log_clean
	ktap_end
}

# Time of the system's clock, in µs, at which a property says that something was.
moment()
{
	systemctl show --property=$2 --value $1
}

second()
{
	ktap_begin 'second boot'
	booted
	check_equal "the unit has done its work" "success active" \
		"$(systemctl show --property=Result,ActiveState --value $UNIT | paste -sd' ' -)"
	check_provisioned "after the boot"
	check_driver "after the boot: of VF2, by driverctl" vfio-pci 2
	check_range "VFs are there before libvirtd begins, µs" 1 600000000 \
		$(($(moment libvirtd.service ExecMainStartTimestampMonotonic) -
			$(moment $UNIT ExecMainExitTimestampMonotonic)))
	check_equal "the domain has started by itself" running \
		"$(virsh domstate guest1 | head -n 1)"
	check_domain_works "its VF" guest1
	check_equal "with the VRAM that it was given" 64 \
		"$(in_domain guest1 dmesg | sed -n 's/.* \([0-9]*\) MiB of VRAM.*/\1/p')"
	check "the domain ends" virsh destroy guest1
	check_log_clean
	ktap_end
}

# Each boot is a test with results of its own.
boot()
{
	{ $1; echo $? > /tmp/result; } | sed -u 's/^/    /'
	[ "$(cat /tmp/result)" = 0 ] || printf 'not '
	echo "ok $boots $1 boot"
}

boots=1
[ ! -e /var/lib/vm/boots ] || boots=$(($(cat /var/lib/vm/boots) + 1))
echo $boots > /var/lib/vm/boots
case $boots in
1)
	echo 'KTAP version 1'
	boot first
	systemctl reboot
	# until the end
	exec sleep infinity
	;;
2)
	boot second
	echo 1..2
	;;
*)
	echo 'Bail out! rebooted again'
	;;
esac
