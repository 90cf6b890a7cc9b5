# SPDX-License-Identifier: GPL-2.0-only
#
# share.sh: runs in a VM that can have guests, for "make bench": how long the same work
# takes on the PF without SR-IOV, on a VF, on a VF in a guest, and on the PF in a guest
# that has all of the GPU. Hands over what "throughput" prints, for each.

. ./ktap.sh
. ./sysfs.sh
. ./guest.sh

# work WHERE COMMAND…
work()
{
	share_of=/tmp/share.$1
	shift
	"$@" > $share_of || { cat $share_of; exit 1; }
	put $share_of
}

set -e
modprobe vgpu_pf
modprobe vgpu_vf
work pf throughput $(pf_node)
enable_vfs 1
work vf throughput $(vf_node 1)
enable_vfs 0

vfs_for_guests 1
guest_start 1 1
work vf_in_guest in_guest 1 "modprobe vgpu_vf && throughput $GUEST_NODE"
guest_ends 1 'poweroff -f'
enable_vfs 0

pf_to vfio-pci
guest_start 2 pf
work pf_in_guest in_guest 2 "modprobe vgpu_pf && modprobe vgpu_vf && throughput $GUEST_NODE"
guest_ends 2 'poweroff -f'
