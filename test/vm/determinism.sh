# SPDX-License-Identifier: GPL-2.0-only
#
# Everything at once, for the test that runs it twice in model time and compares
# what comes out: jobs of all lengths, waking and sleeping, a hang, garbage, a
# reset, a picture; traced.

. ./ktap.sh
. ./sysfs.sh
. ./load.sh

tracing=/sys/kernel/tracing

set -e
modprobe vgpu_pf
enable_vfs 4
modprobe vgpu_vf
echo 8192 > $tracing/buffer_size_kb
echo 1 > $tracing/events/vgpu/enable
echo 1 > $tracing/events/irq/enable

load_start 2 2 --groups 300 --vary --depth 4
load_start 3 3 --groups 50000 --depth 2
load_start 4 4 --groups 20 --depth 8
draw $(vf_node 1) 128 128 0 128 200 4 /tmp/picture
stream $(vf_node 1) --atomic --groups 2000 --depth 1 --jobs 1 --expect 62
vf_garbage --seed 7 --rounds 40 $(vf_node 1)
echo 1 > $(vf_device 1)/reset
stream $(vf_node 1) --jobs 20
for vf in 2 4; do
	load_stop $vf
	load_says $vf
done
load_kill 3

cat $SRIOV/sched_stats
cat $tracing/trace > /tmp/trace
cat $SRIOV/sched_stats > /tmp/output
put /tmp/trace /tmp/picture /tmp/output
enable_vfs 0
rmmod vgpu_vf vgpu_pf
