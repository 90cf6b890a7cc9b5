#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 1 --timeout 300 vfs=4 vram-size=64M hw-deadline=on
# vm: --icount 1 --timeout 300 vfs=4 vram-size=64M hw-deadline=off
#
# What the administrator does to a VF at work: preempt timeout, pause, resume, stop.
# The others do not notice.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"
. "${0%/*}/admin.sh"

ktap_begin control

modprobe vgpu_pf
echo "# deadlines by $(stat_value path)"

# The device itself keeps the preempt timeout
modprobe vgpu_vf
enable_vfs 2
set_to vf1 preempt_timeout_us 100000
load_start 2 2 --groups 300 --depth 4
check "100 ms allow 40 ms without a preemption point" stream $(vf_node 1) --atomic \
	--groups 2000 --depth 1 --jobs 3
check_equal "VF1 was not reset" 0 "$(stat_of 1 hang)"
set_to vf1 preempt_timeout_us 5000
check "5 ms do not" stream $(vf_node 1) --atomic --groups 2000 --depth 1 --jobs 3 --expect 62
check_range "VF1 was reset" 1 2 "$(stat_of 1 hang)"
check "VF2 has not noticed" load_stop 2
check_equal "VF2 was not reset" 0 "$(stat_of 2 hang)"
set_to vf1 preempt_timeout_us 16000

# Stop, pause, resume
runtime_moves()
{
	moves_was=$(stat_of $1 runtime_ns)
	sleep 0.1
	[ "$(stat_of $1 runtime_ns)" -gt "$moves_was" ]
}
at_rest()
{
	! runtime_moves $1
}
control=$SRIOV/vf1
for vf in 1 2; do
	load_start $vf $vf --groups 300 --vary --depth 4
done
sleep 0.1
refused "resume of a VF that is not paused" 1 $control/resume "Operation not permitted" \
	"VF1: resume: it is not paused"
check_write "VF1 is paused" 1 $control/pause
check_equal "sched_stats says so" "parked paused" "$(stat_of 1 scheduled) $(stat_of 1 control)"
check "VF1 does not run" at_rest 1
check "VF2 does" runtime_moves 2
refused "a second pause" 1 $control/pause "Stale file handle" "VF1: pause: it is already"
check_write "VF1 goes on" 1 $control/resume
check "VF1 runs" runtime_moves 1
check_write "nothing is asked for by 0" 0 $control/pause
check "VF1 still runs" runtime_moves 1
check "VF1: no work was lost" load_stop 1
refused "pause of VF3, which is not enabled" 1 $SRIOV/vf3/pause "Operation not permitted" \
	"VF3: pause: the VF is not enabled"

load_start 1 1 --groups 300 --vary --depth 4
sleep 0.1
check_write "VF1 is not stopped by 0" 0 $ADMIN/vf1/stop
check "VF1 runs" runtime_moves 1
check_write "VF1 is stopped" 1 $ADMIN/vf1/stop
check "VF1 does not run" at_rest 1
check "VF2 does" runtime_moves 2
refused "a second stop" 1 $ADMIN/vf1/stop "Stale file handle" "VF1: stop: it is already"
refused "resume of a VF that is stopped" 1 $control/resume "Operation not permitted" \
	"VF1: resume: it is not paused"
refused "pause of a VF that is stopped" 1 $control/pause "Operation not permitted" \
	"VF1: pause: it is stopped"
check "VF1 is reset" write_to 1 $(vf_device 1)/reset
load_wait 1
check_equal "VF1 is ready" ready "$(stat_of 1 control)"
check "VF1 works" stream $(vf_node 1) --jobs 20
# Without a preempt timeout nobody can make it leave; it is not waited for, either
set_to vf1 preempt_timeout_us 0
load_start 1 1 --atomic --groups 1000 --group-ns 6000000 --depth 1 --jobs 1
sleep 0.5
refused "a pause that takes too long" 1 $control/pause "timed out" \
	"VF1: pause: still under way"
check_equal "it is still to come" pausing "$(stat_of 1 control)"
refused "a second one meanwhile" 1 $control/pause "already in progress" "VF1: pause: under way"
check_write "it can be taken back" 1 $control/resume
check_equal "VF1 is ready" ready "$(stat_of 1 control)"
check "VF1: its work is done" load_wait 1
set_to vf1 preempt_timeout_us 16000
write_to 1 $control/pause
check_write "a paused VF can be stopped, by debugfs, too" 1 $control/stop
enable_vfs 0
enable_vfs 2
check "VF1, enabled again, works" stream $(vf_node 1) --jobs 20
enable_vfs 0
rmmod vgpu_vf
rmmod vgpu_pf
check_log_clean
ktap_end
