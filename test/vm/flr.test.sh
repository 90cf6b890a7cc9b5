#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 1 vfs=2 vram-size=32M bandwidth=16
#
# FLR on a device that scrubs more slowly than a CPU reads: until VRAM is clean
# nobody sees what was in it, and a driver that is bound meanwhile waits. A VF without
# VRAM is closed by it as well.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"

ktap_begin flr

modprobe vgpu_pf
echo 0 > $PF/sriov_drivers_autoprobe
enable_vfs 2
check "VF1 fills its VRAM" window 1 fill 0xbeef0001
check "VF2 fills its VRAM" window 2 fill 0xbeef0002

check "VF2 is reset" write_to 1 $(vf_device 2)/reset
check "nothing of before is there" window 2 absent 0xbeef0002
tries=0
wrong=
until window 2 check 0 > /dev/null || [ $tries = 50 ]; do
	window 2 absent 0xbeef0002 || wrong="$wrong $tries"
	tries=$((tries + 1))
done
check_equal "nor at any time until it is clean" "" "$wrong"
check "it finds zeros only then" window 2 check 0
check "VF1 still has its own" window 1 check 0xbeef0001

modprobe vgpu_vf
echo 1 > $PF/sriov_drivers_autoprobe
check "VF2 is reset again" write_to 1 $(vf_device 2)/reset
check "its driver waits and binds" write_to $(vf_bdf 2) /sys/bus/pci/drivers/vgpu_vf/bind
check "it works" vf_submit --jobs 0 $(vf_node 2)

rmmod vgpu_vf
echo 0 > $PF/sriov_drivers_autoprobe
enable_vfs 0
check "VF1 has VRAM, VF2 has none" write_to 2097152 $PF/sriov_admin/vf1/profile/vram_quota
enable_vfs 2
check "an FLR closes VF2 all the same" pf_mailbox --reset $(vf_device 2)
enable_vfs 0
rmmod vgpu_pf
check_log_clean
ktap_end
