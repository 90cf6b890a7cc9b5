# SPDX-License-Identifier: GPL-2.0-only
#
# cost.sh STAGES: runs in a VM of its own for "make bench": what the VF driver costs the
# CPU. STAGES are the functions at which the stages of SUBMIT begin.

. ./ktap.sh
. ./sysfs.sh

tracing=/sys/kernel/tracing
waits=$tracing/events/gpu_scheduler/drm_sched_job_wait_dep/enable

# cost FILE ARGUMENT...: of all there is, or of a part
cost()
{
	out=$1
	shift
	vf_cost "$@" > $out || { cat $out; exit 1; }
	put $out
}

# submits NAME: nothing but SUBMIT; once more, with the begins of stages traced
submits()
{
	cost /tmp/$1 --submit $(vf_node 1) $PF/resource0
	echo function > $tracing/current_tracer
	cost /tmp/$1-traced --submit $(vf_node 1) $PF/resource0
	cat $tracing/trace > /tmp/$1-trace
	echo nop > $tracing/current_tracer
	put /tmp/$1-trace
}

set -e
modprobe vgpu_pf
modprobe vgpu_vf
modprobe vgem || true
enable_vfs 1
card=/dev/dri/$(basename /sys/devices/platform/vgem/drm/card*)
[ -e "$card" ] || card=
cost /tmp/cost $(vf_node 1) $PF/resource0 $card

# An instruction is a tick of this clock, too.
echo x86-tsc > $tracing/trace_clock
echo "$@" > $tracing/set_ftrace_filter
submits direct
# Jobs go through drm_sched while somebody traces it. This event, of jobs that have to
# wait for others, never comes.
echo 1 > $waits
submits sched
echo 0 > $waits
