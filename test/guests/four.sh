# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# What four guests make of the GPU. To be sourced, after guest.sh.

# They are small, to be four.
GUEST_MEM=256

# four_measure SECONDS: work begins in guests 1 to 4, without end, and each has always
# some: short jobs and long ones, of short work-groups and long ones. Prints "name value"
# lines, in millionths:
#
#	of_limit	the GPU time of all, of what is possible: the part of the time that
#			is not spent on switches, quantum / (quantum + save + load), by what
#			the device was told to take for both
#	of_share_N	the GPU time of VF N, of a fourth of all
four_measure()
{
	work_start 1 --groups 2000 --vary --depth 6
	work_start 2 --groups 1000 --depth 4
	work_start 3 --groups 50000 --depth 2
	work_start 4 --groups 500 --group-ns 100000 --depth 4
	sleep 0.5
	cat $SRIOV/sched_stats > /tmp/four.before
	sleep $1
	cat $SRIOV/sched_stats > /tmp/four.after
	awk -v switch_ns=300000 '
		FNR == 1 { file++ }
		$1 == "now_ns" { now[file] = $2 }
		$1 == "quantum_ns" { quantum = $2 }
		$1 == "function" { for (i = 1; i <= NF; i++) column[$i] = i }
		$1 ~ /^[1-4]$/ { runtime[$1, file] = $column["runtime_ns"] }
		END {
			for (vf = 1; vf <= 4; vf++)
				all += got[vf] = runtime[vf, 2] - runtime[vf, 1]
			limit = quantum / (quantum + switch_ns)
			printf "of_limit %.0f\n", all / (now[2] - now[1]) / limit * 1000000
			for (vf = 1; vf <= 4; vf++)
				printf "of_share_%d %.0f\n", vf, got[vf] * 4 / all * 1000000
		}' /tmp/four.before /tmp/four.after
}

# four_says NAME: its value, of what was printed to /tmp/four
four_says()
{
	awk -v name=$1 '$1 == name { print $2 }' /tmp/four
}
