#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: vfs=2 vram-size=128M --cpus 2 --timeout 300
#
# The VF driver's memory and address spaces: placement, eviction, sharing, mappings.
# The programs are tests of their own and count as one result each.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"

ktap_begin memory

modprobe vgpu_pf
modprobe vgpu_vf
modprobe vgem
enable_vfs 2

log_mark
for test in vf_memory vf_evict vf_share vf_bind vf_bind_moved; do
	program $test $(vf_node 1)
	program $test-32 $(vf_node 2)
done
for seed in 1 2; do
	program vf_bind_random --seed $seed $(vf_node $seed)
done

# Held by a process while the driver, then the function goes.
for how in unbound disabled; do
	mkfifo /tmp/$how
	vf_share --hold $(vf_node 2) < /tmp/$how > /tmp/held &
	pid=$!
	exec 3> /tmp/$how
	tries=0
	while ! grep -q ready /tmp/held && [ $tries -lt 300 ]; do
		tries=$((tries + 1))
		usleep 100000
	done
	if [ $how = unbound ]; then
		check "VF2 is unbound" write_to $(vf_bdf 2) /sys/bus/pci/drivers/vgpu_vf/unbind
	else
		check "VFs are disabled" enable_vfs 0
	fi
	exec 3>&-
	wait $pid
	check_equal "a process that uses it finds what it may: $how" 0 $?
	sed 's/^/    /' /tmp/held
	[ $how = disabled ] || write_to $(vf_bdf 2) /sys/bus/pci/drivers/vgpu_vf/bind
done
check "vgpu_vf unloads" rmmod vgpu_vf
check_log_clean
ktap_end
