#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 1 vfs=4 vram-size=256M --timeout 400
#
# The PF's own render node beside VFs: who cannot reach what is whose, and whom a hang
# costs what. The programs are tests of their own and count as one result each.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/admin.sh"
. "${0%/*}/load.sh"

M=1048576

ktap_begin pf_beside

modprobe vgem
begin()
{
	modprobe vgpu_pf
	modprobe vgpu_vf
	check "the PF gets 64 MiB" set_to pf vram_quota $((64 * M))
	check "VFs are enabled" enable_vfs 3
}

end()
{
	enable_vfs 0
	check "vgpu_vf unloads" rmmod vgpu_vf
	check "vgpu_pf unloads" rmmod vgpu_pf
}

begin
echo "# deadlines by $(stat_value path)"

# Neither finds the other's memory
write_to $(vf_bdf 3) /sys/bus/pci/drivers/vgpu_vf/unbind
window 3 fill 0xcafe0003
before=$(vram_free pf)
program vf_submit --jobs 200 $(pf_node) $(vf_node 1) $(vf_node 2)
program vf_queue $(pf_node) $(vf_node 1)
program vf_order $(pf_node) $(vf_node 1)
program vf_kill $(pf_node)
program vf_memory $(pf_node)
program vf_bind-32 $(pf_node)
program vf_isolation $(pf_node)
program vf_garbage --seed 2 $(pf_node)
check_vram_free pf "$before"
check "VF3 has all of its own" window 3 check 0xcafe0003
load_start node pf --groups 50000 --depth 4
load_start one 1 --groups 50000 --depth 4
load_start two 2 --groups 50000 --depth 4
load_begun node one two
cat $SRIOV/sched_stats > /tmp/before
sleep 1
cat $SRIOV/sched_stats > /tmp/after
check_range "endless work has its share, in percent" 32 34 "$(awk '
	$1 == "function" { for (i = 1; i <= NF; i++) if ($i == "runtime_ns") column = i }
	/^[0-2] / { sign = FILENAME == "/tmp/after" ? 1 : -1
		    all += sign * $column
		    if ($1 == 0) own += sign * $column }
	END { printf "%d", own * 100 / all + 0.5 }' /tmp/before /tmp/after)"
load_kill node
load_kill one
load_kill two

# A hang of the node costs itself
load_start one 1 --groups 200 --vary --depth 4
load_start two 2 --groups 200 --vary --depth 4
hangs=$(stat_of 0 hang)
check "the node hangs: its job is lost" stream $(pf_node) --atomic --groups 2000 --depth 1 \
	--jobs 3 --expect 62
check_equal "the PF's world was reset once" $((hangs + 1)) "$(stat_of 0 hang)"
check "the node works again" stream $(pf_node) --jobs 20

# VRAM is cleared all the same, and all the while
log_mark
(while stream $(pf_node) --atomic --groups 2000 --depth 1 --jobs 3 --expect 62; do
	:
done > /dev/null 2>&1) &
hanging=$!
wrong=
for round in 1 2 3 4 5 6; do
	write_to 1 $(vf_device 3)/reset || wrong="$wrong reset:$round"
	tries=0
	until window 3 check 0 > /dev/null || [ $tries = 100 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	window 3 check 0 > /dev/null || wrong="$wrong dirty:$round"
	window 3 fill 0xcafe000$round || wrong="$wrong fill:$round"
done
check_equal "VF3 is clean after each of 6 resets while the node hangs" "" "$wrong"
kill $hanging
wait $hanging
check_equal "nothing was said against clearing" "" "$(log_new | grep 'scrub')"
for vf in one two; do
	check "VF $vf works and is right" load_stop $vf
done
check_equal "neither was reset" "0 0" "$(stat_of 1 hang) $(stat_of 2 hang)"
check "a node that hangs too often is closed, and opens again" works_again pf

# Jobs that take long do not keep VRAM from being cleared
load_start long pf --groups 20000 --depth 8
load_begun long
check "VF3 is reset behind jobs of 400 ms" write_to 1 $(vf_device 3)/reset
tries=0
until window 3 check 0 > /dev/null || [ $tries = 300 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
check "and is clean" window 3 check 0
check "no job of the node was lost" load_stop long

# Hangs are counted anew
end
begin
program vf_hang $(pf_node) $(vf_node 1)
end

check_log_clean
ktap_end
