#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600 vfs=2 vram-size=256M
#
# Every allocation that the ioctls of a VF make fails once, and every copy from the
# process, on a kernel that can do that: what was refused has changed nothing, so the
# tests of the ioctls do not notice (test/libvgpu/inject.c).

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/inject.sh"

ktap_begin inject_ioctl

inject_possible || {
	skip "ioctls fail" "this kernel has no fault injection: see make test-debug"
	ktap_end
	exit
}

modprobe vgpu_pf
modprobe vgpu_vf
enable_vfs 2
before=$(vram_free 1)
# Not those of DRM, which calls the driver and is called by it: what it has made and then
# cannot tell the process of is there until the file is closed.
inject_into vgpu_vf
inject_behind unlocked_ioctl
inject_copies

# inject_program NAME ARGUMENT...: that test; the faults that it has met
inject_program()
{
	: > /tmp/met
	chmod 666 /tmp/met
	export VGPU_INJECT=/tmp/met
	program "$@" $(vf_node 1)
	unset VGPU_INJECT
	cat /tmp/met >> /tmp/all
	check_vram_free 1 "$before"
}

# By each way into a ring, with nothing left to chance.
modprobe vgem
program vf_refused $(vf_node 1)
rmmod vgem
check_vram_free 1 "$before"

inject_program vf_ioctl
inject_program vf_submit --jobs 20
inject_program vf_queue $(vf_node 2)
inject_program vf_order $(vf_node 2)
inject_program vf_kill
inject_program vf_bind

# The commands of include/uapi/drm/vgpu_drm.h
for ioctl in GEM_CREATE:0x41 VM_CREATE:0x44 VM_BIND:0x46 QUEUE_CREATE:0x47 SUBMIT:0x4a; do
	set -- $(awk -v nr=${ioctl#*:} '$1 == nr { n++; faults += $2; refused += $3
		if ($2 > most) most = $2 }
		END { print n + 0, faults + 0, most + 0, refused + 0 }' /tmp/all)
	check_range "${ioctl%:*}: $1 calls met $2 faults, one of them $3" 1 $2 $4
done

check "VF1 works when nothing fails any more" vf_submit --jobs 10 $(vf_node 1)
enable_vfs 0
check "vgpu_vf unloads" rmmod vgpu_vf
check "vgpu_pf unloads" rmmod vgpu_pf
check_log_clean
ktap_end
