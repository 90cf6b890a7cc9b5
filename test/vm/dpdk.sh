# SPDX-License-Identifier: GPL-2.0-only
#
# VFs for the DPDK harness. To be sourced, after sysfs.sh.

# dpdk_setup HUGEPAGES: what it needs of the system
dpdk_setup()
{
	modprobe vfio-pci
	modprobe vfio_iommu_type1
	mkdir -p /var/run
	echo $1 > /proc/sys/vm/nr_hugepages
}

# dpdk_take VF…: from whatever driver they have, for vfio-pci
dpdk_take()
{
	for dpdk_vf; do
		dpdk_d=$(vf_device $dpdk_vf)
		[ ! -e $dpdk_d/driver ] || echo ${dpdk_d##*/} > $dpdk_d/driver/unbind
		echo vfio-pci > $dpdk_d/driver_override
		echo ${dpdk_d##*/} > /sys/bus/pci/drivers/vfio-pci/bind
	done
}

# dpdk_give VF…: to vgpu_vf
dpdk_give()
{
	for dpdk_vf; do
		dpdk_d=$(vf_device $dpdk_vf)
		[ ! -e $dpdk_d/driver ] || echo ${dpdk_d##*/} > $dpdk_d/driver/unbind
		echo vgpu_vf > $dpdk_d/driver_override
		echo ${dpdk_d##*/} > /sys/bus/pci/drivers/vgpu_vf/bind || return
	done
}

# dpdk LCORES ARGUMENT…: the harness, for a while
dpdk()
{
	dpdk_lcores=$1
	shift
	rm -f /tmp/dpdk.json
	timeout $((200 * ${PATIENCE:-1})) vgpu-dpdk --in-memory --no-pci --iova-mode=va \
		--log-level=error --log-level=vgpu:notice --lcores "$dpdk_lcores" -- \
		"$@" --json /tmp/dpdk.json
}

# pf_interrupts: those for the event queue, until now
pf_interrupts()
{
	awk '/vgpu_pf-events/ { print $2 }' /proc/interrupts
}

# dpdk_says KEY [N]: of the N-th function (1)
dpdk_says()
{
	sed 's/[{},]/\n/g' /tmp/dpdk.json | awk -v key="\"$1\":" -v n="${2:-1}" '
		$1 == "\"device\":" { seen++ }
		$1 == key && seen == n { gsub(/"/, "", $2); print $2; exit }'
}
