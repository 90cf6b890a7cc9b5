#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --guests --icount 0 vfs=2 vram-size=128M --timeout 1200
#
# The suite of the VF driver, in a guest. The programs are tests of their own and count
# as one result each. Sleep is that of the guest, which the PF does not refuse.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/guest.sh"

ktap_begin driver

modprobe vgpu_pf
vfs_for_guests 2
guest_start 1 1 2
check "a guest boots with VF1 and VF2" in_guest 1 modprobe -a vgpu_vf vgem
first=$GUEST_NODE second=/dev/dri/renderD129
# First those that need all VRAM to be free, and wait at their end until it is again.
program in_guest 1 vf_memory $first
program in_guest 1 vf_memory-32 $first
program in_guest 1 vf_submit $first $second
for word in "" -32; do
	program in_guest 1 vf_ioctl$word $first
	program in_guest 1 vf_bind$word $first
	program in_guest 1 vf_ban$word $first
done
program in_guest 1 vf_queue $first $second
program in_guest 1 vf_order $first $second
program in_guest 1 vf_kill $first
program in_guest 1 vf_suspend --allowed $first
program in_guest 1 vf_isolation $first
program in_guest 1 vf_garbage --seed 1 $first
program in_guest 1 vf_bind_random --seed 1 $first
program in_guest 1 vf_hang $first $second
program in_guest 1 vf_unplug $second
check_equal "its kernel has nothing to complain about" "" "$(in_guest 1 \
	"dmesg | grep -E 'WARNING|BUG|Oops|Call Trace|refcount_t|stall'")"
check "the guest shuts down" guest_ends 1 'poweroff -f'
check_clean "after all that" 1

check "the VFs are disabled" enable_vfs 0
check "the driver unloads" rmmod vgpu_pf
check_log_clean
ktap_end
