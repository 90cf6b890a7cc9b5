#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: vfs=4 vram-size=256M --timeout 300
# vm: vfs=4 vram-size=256M --cpus 2 hw-deadline=off --timeout 300
#
# The VF driver: its user interface, isolation, and what it survives. The
# programs are tests of their own and count as one result each.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"

ktap_begin vf

modprobe vgpu_pf
modprobe vgpu_vf
enable_vfs 4
before=$(vram_free 1)

log_mark
echo 2 > /sys/module/drm/parameters/debug
program vf_ioctl $(vf_node 1)
echo 0 > /sys/module/drm/parameters/debug
check_log "what was wrong is in the log, for who asks for it" "QUEUE_CREATE: ring 4: not 0…3"
program vf_submit --jobs 400 $(vf_node 1) $(vf_node 2) $(vf_node 3) $(vf_node 4)
program vf_isolation $(vf_node 1)
program vf_ioctl-32 $(vf_node 1)
program vf_garbage --seed 1 $(vf_node 1)
program vf_garbage --seed 2 $(vf_node 2)
program vf_hang $(vf_node 1) $(vf_node 2)
program vf_suspend $(vf_node 3)

# Files that are torn away at any moment
wrong=
for round in 1 2 3 4 5 6 7 8; do
	vf_bind_random --seed $round $(vf_node 1) > /dev/null 2>&1 &
	other=$!
	vf_submit --seed $round $(vf_node 1) > /dev/null 2>&1 &
	pid=$!
	usleep $((round * 60000))
	kill -9 $pid $other
	wait $other 2> /dev/null
	wait $pid 2> /dev/null
	[ $? = 137 ] || wrong="$wrong $round"
done
check_equal "16 processes are killed at work" "" "$wrong"
check_vram_free 1 "$before"
program vf_submit --jobs 10 $(vf_node 1)
check_vram_free 1 "$before"

program vf_unplug $(vf_node 3)
program vf_submit --jobs 10 $(vf_node 3)

# Unbound and removed at work
vf_submit $(vf_node 2) > /dev/null 2>&1 &
pid=$!
usleep 200000
check "VF2 is unbound at work" write_to $(vf_bdf 2) /sys/bus/pci/drivers/vgpu_vf/unbind
wait $pid
check_equal "its process ends by itself" 1 $?
vf_submit $(vf_node 4) > /dev/null 2>&1 &
pid=$!
usleep 200000
check "all VFs are disabled at work" enable_vfs 0
wait $pid
check_equal "its process ends by itself, too" 1 $?
check "vgpu_vf unloads" rmmod vgpu_vf
check "vgpu_pf unloads" rmmod vgpu_pf

check_log_clean
ktap_end
