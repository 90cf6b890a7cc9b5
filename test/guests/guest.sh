# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Guests of the VM that this runs in. To be sourced, after ktap.sh and sysfs.sh.
#
# Guest N has its files in /tmp/guest.N: the sockets agent and qmp, console.log,
# qemu.log, pid. What it does is told by "in_guest".

GUEST_MEM=512
# More for its kernel's command line
GUEST_APPEND=
# The node of a guest's only VF, or PF,
GUEST_NODE=/dev/dri/renderD128
# and its device
GUEST_DEVICE=/sys/bus/pci/devices/0000:01:00.0

# vfs_for_guests COUNT: enables VFs that guests can have
vfs_for_guests()
{
	case $(grep -m 1 -ow 'svm\|vmx' /proc/cpuinfo) in
	svm)	modprobe kvm_amd;;
	vmx)	modprobe kvm_intel;;
	esac
	modprobe -a vfio-pci vfio_iommu_type1
	echo 0 > $PF/sriov_drivers_autoprobe
	enable_vfs $1
	for guest_vf in $(seq $1); do
		vf_to vfio-pci $guest_vf
	done
}

# vf_to DRIVER VF: that driver has it then, or none
vf_to()
{
	echo $1 > $(vf_device $2)/driver_override
	[ ! -e $(vf_device $2)/driver ] ||
		vf_bdf $2 > $(vf_device $2)/driver/unbind
	vf_bdf $2 > /sys/bus/pci/drivers_probe
	[ $1 = none ] || [ "$(vf_driver $2)" = $1 ]
}

# Guests have the features that their host has left, see test/testbed/vm.
guest_clearcpuid()
{
	grep -o 'clearcpuid=[^ ]*' /proc/cmdline
}

# pf_to DRIVER: the same with the PF, which has no VFs
pf_to()
{
	echo $1 > $PF/driver_override
	[ ! -e $PF/driver ] || echo $PF_BDF > $PF/driver/unbind
	echo $PF_BDF > /sys/bus/pci/drivers_probe
	[ "$(basename "$(readlink $PF/driver)")" = $1 ]
}

# guest_start N [VF|pf...] [-- QEMU-ARGUMENT...]: it begins to boot
# Ports have room for the VRAM of a VF that is plugged in later.
# A PC with PCI Express, where devices can come and go, and a firmware that does no more
# than to start the kernel.
guest_start()
{
	guest=/tmp/guest.$1
	shift
	rm -rf $guest
	mkdir $guest
	guest_devices=
	guest_ports=0
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		guest_ports=$((guest_ports + 1))
		guest_bdf=$PF_BDF
		[ "$1" = pf ] || guest_bdf=$(vf_bdf $1)
		guest_devices="$guest_devices
			-device pcie-root-port,id=port$guest_ports,chassis=$guest_ports
			-device vfio-pci,id=vf$1,host=$guest_bdf,bus=port$guest_ports"
		shift
	done
	[ $# = 0 ] || shift
	qemu-system-x86_64 -nodefaults -no-user-config -display none \
		-M q35 -bios qboot.rom -accel kvm -cpu host -smp 1 -m $GUEST_MEM \
		-kernel /vm/vmlinux -initrd /vm/guest.cpio \
		-append "console=ttyS0 loglevel=4 panic=-1 mitigations=off tsc=reliable
			no_timer_check nokaslr cryptomgr.notests
			pci=hpmmioprefsize=1G $(guest_clearcpuid) $GUEST_APPEND" \
		-serial file:$guest/console.log \
		-device virtio-serial-pci \
		-chardev socket,id=agent,path=$guest/agent,server=on,wait=off \
		-device virtconsole,chardev=agent \
		-qmp unix:$guest/qmp,server=on,wait=off \
		-pidfile $guest/pid -daemonize \
		$guest_devices "$@" > $guest/qemu.log 2>&1
}

# qmp N COMMAND [EVENT [PROGRAM ARGUMENT...]], see guestctl
qmp()
{
	qmp_guest=$1
	shift
	guestctl qmp /tmp/guest.$qmp_guest/qmp "$@"
}

# guest_ends N COMMAND: it does that, and its QEMU ends by itself
guest_ends()
{
	guest_pid=$(cat /tmp/guest.$1/pid)
	qmp $1 '' SHUTDOWN guestctl begin /tmp/guest.$1/agent "$2" && gone $guest_pid
}

# guest_kill N: by its QEMU, without a warning
guest_kill()
{
	guest_pid=$(cat /tmp/guest.$1/pid)
	kill -KILL $guest_pid
	gone $guest_pid
}

# gone PID: waits for the end of all threads of a process that is no child. Before that
# it has its files, and with them its VFs: vfio-pci does not reset a VF that is unbound
# while it is in use.
gone()
{
	while grep -qs '^State:.[^Z]' /proc/$1/task/*/status; do
		usleep 20000
	done
}

# What the owner of a VF leaves in its VRAM, for check_clean to look for
LEFT=0xdead0fed

# leave_traces N VF: guest N fills all VRAM of its VF, which it does not use any more
leave_traces()
{
	in_guest $1 "rmmod vgpu_vf; cd $GUEST_DEVICE && echo 1 > enable &&
		vram resource2 $(bytes_of $2) fill $LEFT &&
		vram resource2 $(bytes_of $2) check $LEFT"
}

# check_clean WHAT VF: its next owner finds nothing, and then the next guest can have it
check_clean()
{
	vf_to none $2
	check "$1: its next owner finds a clean VF" clean $(vf_device $2) $LEFT
	vf_to vfio-pci $2
}

# guest_has N VF COMMAND...: it boots with that VF; when its driver is there the COMMAND
# runs in it
guest_has()
{
	has_guest=$1
	guest_start $1 $2 || return
	shift 2
	in_guest $has_guest "modprobe vgpu_vf && test -c $GUEST_NODE && $*"
}

# work_start N [OPTION...]: a stream in guest N, without end; work_stop N: it was right
work_start()
{
	work_guest=$1
	shift
	in_guest $work_guest \
		"stream $GUEST_NODE $* > /tmp/stream 2>&1 & echo \$! > /tmp/stream.pid"
}

work_stop()
{
	in_guest $1 'kill -TERM $(cat /tmp/stream.pid)
		while [ -d /proc/$(cat /tmp/stream.pid) ]; do usleep 10000; done
		cat /tmp/stream; grep -q verified /tmp/stream' > /tmp/guest.$1/work
	work_status=$?
	sed "s/^/guest $1: /" /tmp/guest.$1/work
	return $work_status
}
