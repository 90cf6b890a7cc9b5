#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --guests --icount 0 vfs=4 vram-size=128M --timeout 600 --allow DMAR
#
# DMA of a hostile guest to where it has no memory: it is blocked, and the host is told
# whose it was.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"
. "${0%/*}/guest.sh"

TIMES=100

ktap_begin iommu

modprobe vgpu_pf
modprobe vgpu_vf
vfs_for_guests 4
groups=
for vf in 1 2 3 4; do
	groups="$groups $(ls $(vf_device $vf)/iommu_group/devices)"
done
check_equal "each VF has an IOMMU group of its own" \
	" $(vf_bdf 1) $(vf_bdf 2) $(vf_bdf 3) $(vf_bdf 4)" "$groups"
check "interrupts are remapped" sh -c "dmesg | grep -q 'Enabled IRQ remapping'"
check_equal "for VFIO, too: no interrupt is allowed without it" N \
	"$(cat /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts)"

check "VF3 stays in the host" vf_to vgpu_vf 3
load_start host 3 --groups 100 --group-ns 200000 --depth 2
check "a guest boots with VF2" guest_has 2 2 true
work_start 2 --groups 300 --vary --depth 4

# Its driver leaves it a ring, and its kernel lets it map what a driver has.
GUEST_APPEND=iomem=relaxed
check "the hostile guest boots with VF1" guest_start 1 1
check "it takes a ring for itself" in_guest 1 modprobe vgpu_vf max_rings=2
log_mark
program in_guest 1 wild '/sys/bus/pci/devices/*:01:00.0' 3 $TIMES
check "its VF works still, also for good work" in_guest 1 stream $GUEST_NODE --jobs 10
log_new > /tmp/log
vf1=$(vf_bdf 1)
vf1=${vf1#*:}
check "the host's log tells of reading, by VF1" grep -q \
	"DMAR: .DMA Read.* Request device .$vf1. fault addr 0x40000000" /tmp/log
check "and of writing" grep -q "DMAR: .DMA Write.* Request device .$vf1." /tmp/log
check_equal "of nobody else" "" \
	"$(grep 'Request device' /tmp/log | grep -v "Request device .$vf1.")"
check_range "not of each of $((TIMES * 12)) times" 1 $((TIMES * 6)) \
	"$(grep -c 'Request device' /tmp/log)"
check_range "the PF has counted them" $((TIMES * 12)) 1000000 "$(stat_of 1 faults)"

check "VF3 was right all the time" load_stop host
check "guest 2 was right all the time" work_stop 2
for vf in 2 3; do
	check_equal "VF$vf was not reset" "0 0" "$(stat_of $vf hang) $(stat_of $vf faults)"
done
for n in 1 2; do
	check "guest $n shuts down" guest_ends $n 'poweroff -f'
done
check_clean "after wild DMA" 1
check "the VFs are disabled" enable_vfs 0
check "the drivers unload" rmmod vgpu_vf vgpu_pf
check_equal "the log has nothing else to complain about" "" "$(dmesg |
	grep -E 'WARNING|BUG|Oops|Call Trace|refcount_t|stall|nobody cared')"
ktap_end
