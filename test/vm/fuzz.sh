# SPDX-License-Identifier: GPL-2.0-only
#
# fuzz.sh [CALLS [SEED [SECONDS]]]: random sequences of ioctls on a VF, for SECONDS at
# most. The kernel's log must stay clean, nothing may be left of them, and work goes on.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"

ktap_begin fuzz
modprobe vgpu_pf
# What does not end is not worth waiting for.
modprobe vgpu_vf job_timeout_ms=100
enable_vfs 2
before=$(vram_free 1)

log_mark
{
	timeout ${3:-$((200 * PATIENCE))} vf_fuzz --calls ${1:-20000} --seed ${2:-1} \
		$(vf_node 1) 2>&1
	echo $? > /tmp/fuzz
} | sed 's/^/    /'
check_equal "random ioctls" 0 "$(cat /tmp/fuzz)"
check "jobs run after that" vf_submit --jobs 10 $(vf_node 1)
check_vram_free 1 "$before"
check "vgpu_vf unloads" rmmod vgpu_vf
check_log_clean
ktap_end
