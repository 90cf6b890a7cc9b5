# SPDX-License-Identifier: GPL-2.0-only
#
# dpdk_vm.sh cost | flood: runs in a VM for "make bench": drivers in user space. Hands over
# the harness' JSON, and what of the host belongs to it.
#
# cost: what a submission costs the CPU; how many there are a second; how long from the
# doorbell until a fence is seen, beside the PF's interrupts on the same CPU and without.
# flood: VF4 has vgpu_vf and work now and then, beside endless work and doorbells of
# three VFs.

. ./ktap.sh
. ./sysfs.sh
. ./dpdk.sh

set -e
modprobe vgpu_pf
echo 0 > $PF/sriov_drivers_autoprobe
enable_vfs 4
dpdk_setup 32
dpdk_take 1 2 3
V1=$(vf_bdf 1)

# keep NAME: the figures of the last run
keep()
{
	mv /tmp/dpdk.json /tmp/$1.json
	put /tmp/$1.json
}

# measure NAME OPTION...: and how many interrupts the PF got meanwhile
measure()
{
	name=$1
	shift
	before=$(pf_interrupts)
	dpdk 0 "$@" $V1
	keep $name
	echo $(($(pf_interrupts) - before)) > /tmp/$name.interrupts
	put /tmp/$name.interrupts
}

measure_costs()
{
	. ./monitor.sh
	measure cost cost
	measure single throughput --work empty --submissions 10000
	measure batch throughput --work empty --batch 32 --submissions 10000
	measure latency_shared latency --work empty --submissions 2000
	inject lost-interrupts 1000000
	measure latency_alone latency --work empty --submissions 2000
	inject lost-interrupts 0
}

measure_flood()
{
	modprobe vgpu_vf
	dpdk_give 4
	dpdk 0 flood $V1 $(vf_bdf 2) $(vf_bdf 3) > /tmp/flood &
	flood=$!
	until [ "$(stat_of 3 slices)" -gt 0 ]; do
		usleep 10000
	done
	# Less than its share
	for n in $(seq 40); do
		stream $(vf_node 4) --jobs 1 --groups 50 > /dev/null
		usleep 5000
	done
	cat $SRIOV/sched_stats > /tmp/sched_stats
	cat $PF/sriov_admin/vf4/profile/sched_latency_bound_us > /tmp/bound
	killall vgpu-dpdk
	wait $flood
	keep flood
	put /tmp/sched_stats /tmp/bound
}

case $1 in
cost)	measure_costs ;;
flood)	measure_flood ;;
esac
