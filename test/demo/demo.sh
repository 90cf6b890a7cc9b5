# SPDX-License-Identifier: GPL-2.0-only
#
# demo.sh WIDTH HEIGHT LIMIT [guests]: runs in the VM for "make demo", and for
# "make demo-guests": then each VF is in a guest.

. ./ktap.sh
. ./sysfs.sh
. ./guest.sh

width=$1 height=$2 limit=$3 guests=$4
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

# on VF COMMAND: where its driver is, in a folder of its own; $NODE is its render node
on()
{
	if [ "$guests" ]; then
		in_guest $1 "mkdir -p /tmp/$1; cd /tmp/$1; NODE=$GUEST_NODE; $2"
	else
		mkdir -p /tmp/$1
		(cd /tmp/$1; NODE=$(vf_node $1); eval "$2")
	fi
}

# take VF FILE [NAME]: NAME of the VF for "put"
take()
{
	on $1 "base64 $2" | base64 -d > /tmp/${3:-$2.$1}
}

run modprobe vgpu_pf
if [ "$guests" ]; then
	vfs_for_guests 4
	for vf in 1 2 3 4; do
		echo "# guest $vf boots, with VF$vf ($(vf_bdf $vf)) and nothing else of the GPU"
		guest_has $vf $vf dmesg | grep 'MiB of VRAM' || exit 1
	done
else
	run "echo 4 > $PF/sriov_numvfs"
	run modprobe vgpu_vf
fi

echo 16384 > $tracing/buffer_size_kb
echo 1 > $tracing/events/vgpu/vgpu_switch/enable

echo
echo "VF1, VF2 and VF3 draw a third of a picture each, $passes times."
echo "VF4 runs kernels of 200 ms, one after the other, without end."
echo
printf '%8s  %-25s%-25s%-25s%-25s%6s\n' time VF1 VF2 VF3 VF4 slices
cat $SRIOV/sched_stats > /tmp/live.old
begin=$(stat_value now_ns)
on 4 '(stream $NODE --groups 10000 --depth 3 > endless 2>&1 & echo $! > pid; wait $!
	echo $? > status) > /dev/null 2>&1 &'
vf=0
for times in $(echo $passes | tr -dc '0-9 '); do
	vf=$((vf + 1))
	on $vf "(draw \$NODE $width $height $(((vf - 1) * part)) $part $limit \
		$times part > tiles 2>&1; echo \$? > status) > /dev/null 2>&1 &"
done

# Until each of them has drawn, or given up. Verification comes then.
drawing()
{
	for vf in 1 2 3; do
		on $vf '[ -e part ] || [ -e status ]' || return 0
	done
	return 1
}
while drawing; do
	sleep 0.1
	live
done
cat $SRIOV/sched_stats > /tmp/stats
cat $tracing/trace > /tmp/trace
on 4 'kill -TERM $(cat pid)'
for vf in 1 2 3 4; do
	on $vf 'until [ -s status ]; do usleep 100000; done'
	take $vf status
done
for vf in 1 2 3; do
	take $vf part
	take $vf tiles
done
take 4 endless endless
echo

put /tmp/stats /tmp/trace /tmp/part.? /tmp/tiles.? /tmp/endless /tmp/status.?
if [ "$guests" ]; then
	for vf in 1 2 3 4; do
		guest_ends $vf 'poweroff -f' > /dev/null
	done
fi
run "echo 0 > $PF/sriov_numvfs"
[ "$guests" ] || run rmmod vgpu_vf
run rmmod vgpu_pf
exit $(cat /tmp/status.? | sort -n | tail -n 1)
