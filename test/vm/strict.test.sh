#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 0 vfs=4 hw-deadline=on
# vm: --icount 0 vfs=4 hw-deadline=off
#
# Strict slices, on both paths: a world is asked to leave at its deadline, and
# shares are equal, whatever the work is. Times are exact: one nanosecond of
# model time is one instruction.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"

ktap_begin strict

modprobe vgpu_pf
enable_vfs 4
modprobe vgpu_vf
path=$(stat_value path)
echo "# deadlines by $path"

# A VF can be a slice of 6 ms ahead when it begins and as much behind when it ends. On the
# debug kernel, where moments are others, 0.5 % of a second is less than both.
seconds=1
[ $PATIENCE = 1 ] || seconds=4

# Equal work first, then unequal: jobs of 6 ms at most, of 20 ms, of 1 s, and
# one that has work-groups of 1 µs.
for vf in 1 2 3 4; do
	load_start $vf $vf --groups 300 --vary --depth 6
done
load_begun 1 2 3 4
cat $SRIOV/sched_stats > /tmp/before
sleep $seconds
cat $SRIOV/sched_stats > /tmp/after
for vf in 1 2 3 4; do
	check "VF$vf: results of equal work" load_stop $vf
done
# Millionths of the service that all VFs got meanwhile.
shares()
{
	awk '$1 == "function" { for (i = 1; i <= NF; i++) if ($i == "runtime_ns") c = i }
		$1 ~ /^[1-4]$/ && FNR == NR { before[$1] = $c }
		$1 ~ /^[1-4]$/ && FNR != NR { got[$1] = $c - before[$1]; sum += got[$1] }
		END { for (vf = 1; vf <= 4; vf++) printf "%d\n", got[vf] / sum * 1000000 }' \
		/tmp/before /tmp/after
}
set -- $(shares)
for vf in 1 2 3 4; do
	check_range "VF$vf: a quarter of $seconds s, at most 0.5 % more or less" \
		245000 255000 $1
	shift
done

load_start 1 1 --groups 300 --vary --depth 6
load_start 2 2 --groups 1000 --depth 2
load_start 3 3 --groups 50000 --depth 2
load_start 4 4 --groups 10000 --group-ns 1000 --depth 4
sleep 1.5
cat $SRIOV/sched_stats > /tmp/unequal
for vf in 1 2 3 4; do
	check "VF$vf: results of unequal work" load_stop $vf
done

column()
{
	awk -v row=$1 -v name=$2 '
		$1 == "function" { for (i = 1; i <= NF; i++) if ($i == name) c = i }
		$1 == row { print $c }' /tmp/unequal
}
for vf in 1 2 3 4; do
	if [ $path = hardware ]; then
		check_range "VF$vf: asked to leave at its deadline, always" 0 0 \
			"$(column $vf request_max_ns)"
		check_range "VF$vf: no time lost in a switch" 0 100 \
			"$(column $vf gap_max_ns)"
		check_range "VF$vf: missed no deadline" 0 0 "$(column $vf deadline_misses)"
	else
		check_time "VF$vf: asked to leave in 10 µs, 99 of 100 times" 0 10000 \
			"$(column $vf request_p99_ns)"
		check_time "VF$vf: asked to leave in 40 µs, always" 0 40000 \
			"$(column $vf request_max_ns)"
		check_time "VF$vf: missed no deadline" 0 0 "$(column $vf deadline_misses)"
	fi
	check_range "VF$vf: gone after one work-group" 0 20000 \
		"$(column $vf quiesce_max_ns)"
	check_range "VF$vf: had enough slices to say that" 50 1000000 \
		"$(column $vf deadline)"
	check_range "VF$vf: was never reset" 0 0 "$(column $vf hang)"
done

key()
{
	awk -v key=$1 '$1 == key { print $2 }' /tmp/unequal
}
check_equal "no register was read in an interrupt" 0 "$(key switch_register_reads)"
if [ $path = hardware ]; then
	# The last one may be armed already; a wake-up may change it.
	check_range "one write a switch" 0 \
		$(($(column total slices) + $(key disarms) + $(column total starts) +
		$(column total wakes))) "$(key switch_register_writes)"
fi
for counter in overdue rearmed lost unexpected backwards missing duplicates \
	records_strange; do
	check_equal "$counter: none" 0 "$(key $counter)"
done

enable_vfs 0
rmmod vgpu_vf
rmmod vgpu_pf
check_log_clean
ktap_end
