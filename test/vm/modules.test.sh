#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 1 --timeout 300 --append slab_nomerge vfs=4 vram-size=64M
#
# The drivers come and go, idle and at work; nothing is left behind.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"

bad_parameter()
{
	check_refused_module "$1=$2 is refused" vgpu_pf $1=$2 \
		"$1=$2: must be 0 or $3"
}

ktap_begin modules

# exec_quantum_us and preempt_timeout_us, in µs
bad_parameter exec_quantum_us 1 "100 to 100000000"
bad_parameter exec_quantum_us 99 "100 to 100000000"
bad_parameter exec_quantum_us 100000001 "100 to 100000000"
bad_parameter preempt_timeout_us 100000001 "1 to 100000000"
check_refused_module "exec_quantum_us=-1 is refused" vgpu_pf \
	exec_quantum_us=-1 "invalid for parameter"
check_refused_module "exec_quantum_us=fast is refused" vgpu_pf \
	exec_quantum_us=fast "invalid for parameter"
for good in exec_quantum_us=0 exec_quantum_us=100 exec_quantum_us=100000000 \
	preempt_timeout_us=0 preempt_timeout_us=1 preempt_timeout_us=100000000; do
	check "$good is accepted" modprobe vgpu_pf $good
	rmmod vgpu_pf
done

round()
{
	modprobe vgpu_pf &&
	modprobe vgpu_vf &&
	enable_vfs 3 &&
	stream $(vf_node 2) --jobs 5 &&
	enable_vfs 0 &&
	rmmod vgpu_vf &&
	rmmod vgpu_pf
}
check_leaks "load, enable, work, disable, unload" 6 round

# At work
at_work()
{
	modprobe vgpu_pf
	modprobe vgpu_vf
	enable_vfs 4
	for vf in 1 2 3 4; do
		load_start $vf $vf --groups 300 --vary --depth 4
	done
	load_begun 1 2 3 4
}

# Each stream ends, with an error: not by itself, and not never.
check_ended()
{
	wrong=
	for vf in 1 2 3 4; do
		load_wait $vf && wrong="$wrong stream $vf did not notice;"
		load_says $vf | grep -Eq \
			'No such device|Operation canceled|Input/output error' ||
			wrong="$wrong stream $vf: $(load_says $vf);"
	done
	check_equal "every process was told" "" "$wrong"
}

for n in 1 2; do
	at_work
	check "vgpu_pf is unbound while 4 VFs work" \
		write_to $PF_BDF /sys/bus/pci/drivers/vgpu_pf/unbind
	check_equal "no VF is left" "0 0" "$(vfs_on_bus) $(nodes)"
	check_ended
	check "vgpu_pf is bound again" \
		write_to $PF_BDF /sys/bus/pci/drivers/vgpu_pf/bind
	enable_vfs 4
	check "and the VFs work" stream $(vf_node 4) --jobs 20
	enable_vfs 0
	check "vgpu_vf unloads" rmmod vgpu_vf
	check "vgpu_pf unloads" rmmod vgpu_pf
done

at_work
check "VFs are disabled while they work" enable_vfs 0
check_ended
enable_vfs 4
check "new ones work" stream $(vf_node 1) --jobs 20
enable_vfs 0
rmmod vgpu_vf
rmmod vgpu_pf

at_work
check "VF2 is unbound while it works" \
	write_to $(vf_bdf 2) /sys/bus/pci/drivers/vgpu_vf/unbind
load_wait 2
check_equal "its process was told" 1 $?
for vf in 1 3 4; do
	check "VF$vf has not noticed" load_stop $vf
done
check "VF2 is bound again" write_to $(vf_bdf 2) /sys/bus/pci/drivers/vgpu_vf/bind
check "and works" stream $(vf_node 2) --jobs 20
enable_vfs 0
rmmod vgpu_vf
rmmod vgpu_pf

# The module cannot go while a process has its node open.
at_work
check_fails "vgpu_vf does not unload under open files" rmmod vgpu_vf
check "vgpu_pf unloads while 4 VFs work" rmmod vgpu_pf
check_ended
check "then vgpu_vf unloads" rmmod vgpu_vf

round_at_work()
{
	at_work
	rmmod vgpu_pf || return 1
	for vf in 1 2 3 4; do
		load_wait $vf && return 1
	done
	rmmod vgpu_vf
}
check_leaks "unload while 4 VFs work" 4 round_at_work

check_log_clean
ktap_end
