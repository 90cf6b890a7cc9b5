# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# A guest beside VFs whose drivers in user space do what they can. To be sourced, after
# dpdk.sh and guest.sh.

HUGEPAGES=32
SOCKET=/var/run/dpdk/rte/dpdk_telemetry.v2

flood_completed()
{
	vgpu-dpdk ask "/vgpu/stats,$1" 2> /dev/null |
		sed -n 's/.*"completed": *\([0-9]*\).*/\1/p'
}

# flood_start VF...: endless work and doorbells of three VFs, which vfio-pci has; returns
# when each of them has had the engine
flood_start()
{
	flood_bdfs=
	for flood_vf; do
		flood_bdfs="$flood_bdfs $(vf_bdf $flood_vf)"
	done
	dpdk 0 flood $flood_bdfs > /tmp/flood 2>&1 &
	flood=$!
	for flood_vf in $(seq 0 $(($# - 1))); do
		until [ -S $SOCKET ] && [ "$(flood_completed $flood_vf)" -gt 0 ] 2> /dev/null; do
			kill -0 $flood || return
			usleep 10000
		done
	done
}

# flood_stop: in order
flood_stop()
{
	killall vgpu-dpdk
	wait $flood
}
