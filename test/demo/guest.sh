# SPDX-License-Identifier: GPL-2.0-only
#
# guest.sh WIDTH HEIGHT LIMIT: runs in the VM for "make demo".

. ./ktap.sh
. ./sysfs.sh

width=$1 height=$2 limit=$3
tracing=/sys/kernel/tracing
part=$((height / 3))
passes="120, 80 and 240"

run()
{
	echo "# $*"
	eval "$*" || exit 1
}

# Share of GPU time since the last call, of each VF, as a bar and a number.
live()
{
	cat $SRIOV/sched_stats > /tmp/live.new
	awk -v begin=$begin '
		$1 == "now_ns" && FNR != NR { now = $2 }
		$1 == "now_ns" && FNR == NR { was = $2 }
		$1 == "function" { for (i = 1; i <= NF; i++) column[$i] = i }
		$1 ~ /^[1-4]$/ && FNR == NR { before[$1] = $column["runtime_ns"] }
		$1 ~ /^[1-4]$/ && FNR != NR {
			share[$1] = ($column["runtime_ns"] - before[$1]) / (now - was)
		}
		$1 == "total" && FNR != NR { slices = $column["slices"] }
		END {
			printf "%6.2f s ", (now - begin) / 1e9
			for (vf = 1; vf <= 4; vf++) {
				bar = ""
				for (i = 0; i < int(share[vf] * 16 + .5); i++)
					bar = bar "#"
				printf " %5.1f %% %-16s", share[vf] * 100, bar
			}
			printf "%6d\n", slices
		}' /tmp/live.old /tmp/live.new
	mv /tmp/live.new /tmp/live.old
}

run modprobe vgpu_pf
run "echo 4 > $PF/sriov_numvfs"
run modprobe vgpu_vf

echo 16384 > $tracing/buffer_size_kb
echo 1 > $tracing/events/vgpu/vgpu_switch/enable

echo
echo "VF1, VF2 and VF3 draw a third of a picture each, $passes times."
echo "VF4 runs kernels of 200 ms, one after the other, without end."
echo
printf '%8s  %-25s%-25s%-25s%-25s%6s\n' time VF1 VF2 VF3 VF4 slices
cat $SRIOV/sched_stats > /tmp/live.old
begin=$(stat_value now_ns)
stream $(vf_node 4) --groups 10000 --depth 3 > /tmp/endless 2>&1 &
endless=$!
vf=0
for times in $(echo $passes | tr -dc '0-9 '); do
	vf=$((vf + 1))
	draw $(vf_node $vf) $width $height $(((vf - 1) * part)) $part $limit \
		$times /tmp/part.$vf > /tmp/tiles.$vf 2>&1 &
	echo $! > /tmp/draw.$vf.pid
done

# Until each of them has drawn, or given up. Verification comes then.
drawing()
{
	for vf in 1 2 3; do
		[ ! -e /tmp/part.$vf ] || continue
		! kill -0 $(cat /tmp/draw.$vf.pid) 2>/dev/null || return 0
	done
	return 1
}
while drawing; do
	sleep 0.1
	live
done
cat $SRIOV/sched_stats > /tmp/stats
cat $tracing/trace > /tmp/trace
kill -TERM $endless
wait $endless
echo $? > /tmp/endless.status
for vf in 1 2 3; do
	wait $(cat /tmp/draw.$vf.pid)
	echo $? > /tmp/tiles.$vf.status
done
echo

put /tmp/stats /tmp/trace /tmp/part.? /tmp/tiles.? /tmp/endless /tmp/*.status
run "echo 0 > $PF/sriov_numvfs"
run rmmod vgpu_vf vgpu_pf
exit $(cat /tmp/*.status | sort -n | tail -n 1)
