#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: vfs=2 vram-size=64M
#
# The mailbox, from the side of a VF that has no driver: what the PF answers,
# what it refuses, and that it says so.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"

ktap_begin mailbox

modprobe vgpu_pf
enable_vfs 2
log_mark
pf_mailbox "$(vf_device 1)" > /tmp/program 2>&1
status=$?
sed 's/^/    /' /tmp/program
check_equal "pf_mailbox" 0 $status
check_log "refusals are told, with what is allowed" \
	'VF1: mailbox request .* refused: handshake comes first: -EACCES'
check_range "but not every one" 1 100 "$(log_new | grep -c 'VF1: mailbox request')"
check_equal "the other VF was not concerned" closed "$(
	awk '$1 == 2 { print $2 }' $SRIOV/sched_stats)"
check_write "VFs can be disabled" 0 $PF/sriov_numvfs
check "vgpu_pf can be unloaded" rmmod vgpu_pf
check_log_clean

ktap_end
