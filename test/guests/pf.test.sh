#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --guests --icount 0 vfs=2 vram-size=128M --timeout 600
#
# All of the GPU for one guest: the PF driver runs there, and the VF driver on the PF's
# own render node. Afterwards the host has it again, with VFs.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/guest.sh"

ktap_begin pf

modprobe vgpu_pf
modprobe vgpu_vf
check "the host uses the PF" stream $(pf_node) --jobs 20
vfs_for_guests 0
check "the PF is given away" pf_to vfio-pci
check_equal "the host has no node any more" "" "$(ls /dev/dri 2> /dev/null | grep render)"

check "a guest with the PF starts" guest_start 1 pf
check "it boots" in_guest 1 true
check "its PF driver binds" in_guest 1 'modprobe vgpu_pf && grep -q vgpu_pf /proc/interrupts'
check "so does the VF driver" in_guest 1 "modprobe vgpu_vf && test -c $GUEST_NODE"
check "it says that there are no VFs" in_guest 1 \
	"dmesg | grep -q 'VFs are not possible: no SR-IOV capability'"
check_equal "nothing is there to enable, set or count them with" "sriov_admin/pf totalvfs 0" \
	"$(in_guest 1 "cd $GUEST_DEVICE; ls -d sriov_*vfs sriov_admin/*f* 2> /dev/null
		grep totalvfs /sys/kernel/debug/dri/0000:01:00.0/sriov/sched_stats" |
		paste -sd' ' -)"
# the first one, which finds all VRAM free
program in_guest 1 vf_memory $GUEST_NODE
program in_guest 1 vf_submit --jobs 40 $GUEST_NODE
check "interrupts come" in_guest 1 \
	"awk '/ring0/ { n += \$2 } END { exit !n }' /proc/interrupts"
program in_guest 1 vf_ioctl $GUEST_NODE
program in_guest 1 vf_isolation $GUEST_NODE
program in_guest 1 vf_bind $GUEST_NODE
program in_guest 1 vf_garbage --seed 1 --rounds 10 $GUEST_NODE
program in_guest 1 vf_ban $GUEST_NODE
program in_guest 1 vf_suspend --allowed $GUEST_NODE
check "the GPU is reset in the guest" in_guest 1 \
	"echo 1 > $GUEST_DEVICE/reset"
check "the node works again" in_guest 1 \
	". /vm/load.sh; node_of() { echo $GUEST_NODE; }; works_again pf"
check_equal "its kernel has nothing to complain about" "" "$(in_guest 1 \
	"dmesg | grep -E 'WARNING|BUG|Oops|Call Trace|refcount_t|stall'")"
check "the drivers unload there" in_guest 1 'rmmod vgpu_vf && rmmod vgpu_pf'
check "the guest leaves its data in VRAM" in_guest 1 "cd $GUEST_DEVICE &&
	echo 1 > enable && vram resource2 \$(stat -c %s resource2) fill $LEFT"
check "it shuts down" guest_ends 1 'poweroff -f'

# The next owner may be killed at work, too.
check "another guest with the PF starts" guest_start 2 pf
check "its drivers bind" in_guest 2 "modprobe vgpu_pf && modprobe vgpu_vf"
guestctl begin /tmp/guest.2/agent "stream --groups 50000 --depth 4 $GUEST_NODE"
usleep 300000
check "it is killed at work" guest_kill 2

check "the host takes the PF back" pf_to vgpu_pf
check "its node works" stream $(pf_node) --jobs 20
check "VFs are enabled" enable_vfs 2
check "VF1 finds nothing of what guests have left" clean $(vf_device 1) $LEFT
check "VF2 works" vf_to vgpu_vf 2
check "and computes" stream $(vf_node 2) --jobs 20

check "the VFs are disabled" enable_vfs 0
check "the drivers unload" rmmod vgpu_vf vgpu_pf
check_log_clean
ktap_end
