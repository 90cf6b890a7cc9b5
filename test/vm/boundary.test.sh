#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: vfs=2 vram-size=32M boundary=off
#
# A device that cannot let a world finish its command buffer: policy coop is refused,
# in words.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/admin.sh"

ktap_begin boundary

rule="policy coop: policy coop needs a device that ends slices at command buffers"
log_mark
modprobe vgpu_pf policy=coop
check_log "policy=coop is refused by the PF" "$rule"
check_equal "so there is no driver" "" "$(ls -d $ADMIN 2>/dev/null)"
rmmod vgpu_pf
check "vgpu_pf loads with policy=fixed" modprobe vgpu_pf policy=fixed
check_equal "the policy is that" "[fixed]" "$(tr ' ' '\n' < $ADMIN/policy | grep '\[')"
refused "coop is refused there, too" coop $ADMIN/policy "Operation not supported" "$rule"
check_equal "and nothing has changed" "[fixed]" "$(tr ' ' '\n' < $ADMIN/policy | grep '\[')"
rmmod vgpu_pf
check_log_clean
ktap_end
