#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 1 --timeout 400 --with dpdk --allow DMAR: vfs=3 vram-size=64M
#
# VF1 and VF2 have drivers in user space, by VFIO and DPDK: honest ones, and such as do
# what they like. VF3 has vgpu_vf, and must not notice any of it.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"
. "${0%/*}/dpdk.sh"

# One CPU for all of them.
FIVE='0@0,1@0,2@0,3@0,4@0'

witness_start()
{
	load_start witness 3 --groups 20 --vary --depth 4
	wake=$(stat_of 3 wake_max_ns)
}

witness_check()
{
	check "$1: VF3 works and is right" load_stop witness
	check_equal "$1: VF3 was not reset" "0 0 0" \
		"$(stat_of 3 hang) $(stat_of 3 flrs) $(stat_of 3 faults)"
	check_range "$1: VF3 waited for no longer than promised" 0 \
		"$(stat_of 3 latency_bound_ns)" "$(stat_of 3 wake_max_ns)"
}

# all_right N: N completed by each of both, and none is wrong
all_right()
{
	echo "$(dpdk_says completed 1) $(dpdk_says wrong 1) $(dpdk_says completed 2)" \
		"$(dpdk_says wrong 2)"
}

ktap_begin dpdk

modprobe vgpu_pf
modprobe vgpu_vf
echo 0 > $PF/sriov_drivers_autoprobe
enable_vfs 3
dpdk_setup 32
dpdk_take 1 2
dpdk_give 3
V1=$(vf_bdf 1)
V2=$(vf_bdf 2)
check_equal "each has an IOMMU group of its own" 3 "$(for vf in 1 2 3; do
	readlink $(vf_device $vf)/iommu_group; done | sort -u | wc -l)"

check "throughput: all kernels, two VFs" dpdk 0 throughput --submissions 150 $V1 $V2
check_equal "all results are right" "150 0 150 0" "$(all_right)"
check "throughput: four rings each, interrupts, a container for both" \
	dpdk 0 throughput --rings 4 --interrupts --shared --submissions 50 $V1 $V2
check_equal "all results are right" "200 0 200 0" "$(all_right)"
check "throughput: two lcores prepare what two others submit" dpdk $FIVE throughput \
	--yield --producers 2 --batch 8 --submissions 200 $V1 $V2
check_equal "all results are right" "200 0 200 0" "$(all_right)"
check_range "a doorbell for several of them" 25 199 "$(dpdk_says doorbells 1)"

before=$(pf_interrupts)
check "latency" dpdk 0 latency --work empty --submissions 100 $V1
# RUNNABLE and IDLE of each, and some for the beginning and the end
check_range "one interrupt of the PF for each" 50 150 $(($(pf_interrupts) - before))
check_range "the device's own cost was found" 150 1000 "$(dpdk_says device_ns)"
check_range "a fence is not seen before it can be" "$(dpdk_says device_ns)" 1000000 \
	"$(dpdk_says min)"

check "a run is recorded" dpdk 0 throughput --depth 4 --submissions 40 \
	--record /tmp/recording $V1
check "and replayed, by two at once" dpdk 0 replay --from /tmp/recording $V1 $V2
check_equal "all results are as recorded" "40 0 40 0" "$(all_right)"
# The checksum of the last result
dd if=/dev/zero of=/tmp/recording bs=1 seek=$(($(stat -c %s /tmp/recording) - 8)) count=4 \
	conv=notrunc 2> /dev/null
check_fails "a result that is not as recorded is noticed" \
	dpdk 0 replay --from /tmp/recording $V1
check_equal "once" 1 "$(dpdk_says wrong)"
head -c 1000 /tmp/recording > /tmp/cut
check_fails "half a recording is refused" dpdk 0 replay --from /tmp/cut $V1

VGPU_RECORD=/tmp/recorded stream $(vf_node 3) --groups 300 --vary --jobs 12 > /tmp/stream
check_equal "a program on VF3 is recorded" 0 $?
check "and replayed without its driver" dpdk 0 replay --from /tmp/recorded $V1 $V2
check_equal "all results are as recorded" "12 0 12 0" "$(all_right)"

# Beside attackers. What VF1 submits takes 20 µs, and to see the fence as long at most. It
# gives a flood time to be one where each turn on the CPU takes the kernel longer.
jobs=$((30 * PATIENCE))
witness_start
check "a victim beside a flood" dpdk $FIVE mixed --yield --depth 4 --work spin --groups 1 \
	--group-ns 20000 --gap-us 5000 --submissions $jobs $V1 $V2
check_equal "its results are right" "$jobs 0" "$(dpdk_says completed) $(dpdk_says wrong)"
bound=$(stat_of 1 latency_bound_ns)
check_range "99 % of its latencies are within the bound of $bound ns" 20000 \
	$((bound + 100000)) "$(dpdk_says p99)"
check_range "the flood was one" 1000 1000000000 "$(dpdk_says doorbells 2)"
witness_check "a flood of VF2"

# Live figures
witness_start
dpdk 0 flood --depth 4 $V1 $V2 > /tmp/flood 2>&1 &
flood=$!
SOCKET=/var/run/dpdk/rte/dpdk_telemetry.v2
figure()
{
	vgpu-dpdk ask "/vgpu/stats,$1" 2> /dev/null |
		sed -n "s/.*\"$2\": *\([0-9]*\).*/\1/p"
}
until [ -S $SOCKET ] && [ "$(figure 1 completed)" -gt 0 ] 2> /dev/null; do
	kill -0 $flood 2> /dev/null || break
	usleep 10000
done
check "telemetry tells the mode" sh -c "vgpu-dpdk ask /vgpu/mode | grep -q flood"
check "and the functions" sh -c "vgpu-dpdk ask /vgpu/functions | grep -q $V2"
before=$(figure 0 completed)
sleep 0.1
check_range "its figures go on" $((before + 1)) 100000000 "$(figure 0 completed)"
check_range "with latencies" 1 100000000000 "$(vgpu-dpdk ask /vgpu/latency,0 |
	sed -n 's/.*"p99": *\([0-9]*\).*/\1/p')"
killall vgpu-dpdk
wait $flood
check_equal "it ends in order when told to" 0 $?
witness_check "a flood of two"

# Killed in the middle of work: memory that the engine was writing to is free.
witness_start
dpdk 0 throughput $V1 $V2 > /tmp/killed 2>&1 &
killed=$!
until [ "$(figure 1 completed)" -gt 0 ] 2> /dev/null; do
	kill -0 $killed 2> /dev/null || break
	usleep 10000
done
killall -KILL vgpu-dpdk
wait $killed
witness_check "a driver is killed"
check_equal "its memory is back" 32 \
	"$(awk '/HugePages_Free/ { print $2 }' /proc/meminfo)"
check "another one finds all in order" dpdk 0 throughput --submissions 50 $V1 $V2
check_equal "all results are right" "50 0 50 0" "$(all_right)"
check_log_clean

# Anything at all
witness_start
check "garbage everywhere" dpdk 0 fuzz --steps 2000 --seed 7 $V1 $V2
check_equal "after a reset both do good work" "20 0 20 0" "$(all_right)"
check_equal "nobody was left without an answer" "$(dpdk_says requests 1) $(dpdk_says requests 2)" \
	"$(dpdk_says answers 1) $(dpdk_says answers 2)"
check_range "and there were some" 1 1000 "$(dpdk_says answers 1)"
witness_check "garbage"
witness_start
check "a victim beside garbage" dpdk $FIVE mixed --yield --attack fuzz --work spin \
	--groups 1 --group-ns 20000 --gap-us 5000 --submissions 30 $V1 $V2
check_equal "its results are right" "30 0" "$(dpdk_says completed) $(dpdk_says wrong)"
witness_check "garbage beside a victim"
check_range "DMA of VF1 and VF2 to elsewhere was blocked, and attributed" 1 1000 \
	"$(dmesg | grep 'DMAR:.*fault addr' | grep -Ec "${V1#*:}|${V2#*:}")"
check_equal "none of VF3's was" "" "$(dmesg | grep 'DMAR:.*Request device' |
	grep "$(vf_bdf 3 | sed 's/^[^:]*://')")"

# All is as before.
dpdk_give 1 2
for vf in 1 2; do
	check "VF$vf works with vgpu_vf" stream $(vf_node $vf) --jobs 20
done
check_equal "no hugepage is lost" 32 \
	"$(awk '/HugePages_Free/ { print $2 }' /proc/meminfo)"
enable_vfs 0
rmmod vgpu_vf
rmmod vgpu_pf
check_log_clean 'DMAR:'
ktap_end
