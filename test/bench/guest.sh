# SPDX-License-Identifier: GPL-2.0-only
#
# guest.sh SECONDS PART…: runs in the VM for "make bench". Hands over, for each
# of the parts that figures.py describes, the trace and sched_stats before and
# after.

. ./ktap.sh
. ./sysfs.sh

seconds=$1
shift
tracing=/sys/kernel/tracing

# start STREAM-OPTION…: on all four VFs, and let it settle. With "uneven", the
# work-groups of each VF have a length of their own, so that deadlines fall
# anywhere in them.
start()
{
	uneven=
	if [ "$1" = uneven ]; then
		uneven=37
		shift
	fi
	for vf in 1 2 3 4; do
		stream $(vf_node $vf) ${uneven:+--group-ns $((20000 - vf * uneven))} \
			"$@" > /tmp/stream.$vf 2>&1 &
	done
	sleep 0.5
}

# In order: what was computed is verified.
stop()
{
	kill -TERM $(jobs -p)
	for pid in $(jobs -p); do
		wait $pid || { cat /tmp/stream.?; exit 1; }
	done
}

# record PART SECONDS EVENT…
record()
{
	part=$1 length=$2
	shift 2
	cat $SRIOV/sched_stats > /tmp/$part.before
	echo > $tracing/trace
	for event; do
		echo 1 > $tracing/events/$event/enable
	done
	sleep $length
	for event; do
		echo 0 > $tracing/events/$event/enable
	done
	cat $SRIOV/sched_stats > /tmp/$part.after
	# Without the columns in front of the time.
	sed -n 's/^.* \([0-9]*: [a-z_]*: .*\)/\1/p' $tracing/trace > /tmp/$part.trace
	put /tmp/$part.before /tmp/$part.after /tmp/$part.trace
}

set -e
modprobe vgpu_pf exec_quantum_us=6000
enable_vfs 4
modprobe vgpu_vf
echo 8192 > $tracing/buffer_size_kb
echo x86-tsc > $tracing/trace_clock

for part; do
	case $part in
	steady)	# 20 µs a group, 1 s a job: nothing happens but switches
		start --groups 50000 --depth 4
		record steady $seconds vgpu/vgpu_switch
		;;
	handler)
		start --groups 50000 --depth 4
		record handler 1 irq/irq_handler_entry irq/irq_handler_exit \
			timer/hrtimer_expire_entry timer/hrtimer_expire_exit
		;;
	jobs)	# up to 6 ms a job
		start uneven --groups 300 --vary --depth 4
		record jobs $seconds vgpu/vgpu_switch
		;;
	esac
	stop
done
