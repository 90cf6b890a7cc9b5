# SPDX-License-Identifier: GPL-2.0-only
#
# guests.sh SECONDS JOBS: runs in a VM that can have guests, for "make bench". Hands over
# how four guests at work share the GPU, for so long; and how long one guest waits for
# each of so many small jobs, alone, and while the other VFs are flooded.

. ./ktap.sh
. ./sysfs.sh
. ./guest.sh
. ./four.sh
. ./dpdk.sh
. ./flood.sh

set -e
modprobe vgpu_pf
dpdk_setup $HUGEPAGES
vfs_for_guests 4
for n in 1 2 3 4; do
	guest_has $n $n true
done
four_measure $1 > /tmp/four
for n in 1 2 3 4; do
	work_stop $n
done
for n in 2 3 4; do
	guest_ends $n 'poweroff -f'
done
in_guest 1 "latency $GUEST_NODE $2 5000" > /tmp/alone
flood_start 2 3 4
in_guest 1 "latency $GUEST_NODE $2 5000" > /tmp/beside
echo bound_ns $(stat_of 1 latency_bound_ns) >> /tmp/beside
echo engine_max_ns $(stat_of 1 wake_max_ns) >> /tmp/beside
flood_stop
put /tmp/four /tmp/alone /tmp/beside
