# SPDX-License-Identifier: GPL-2.0-only
#
# share.sh: runs in a VM of its own for "make bench": how long the same work takes on
# the PF without SR-IOV, and on a VF. Hands over what "throughput" prints, for each.

. ./ktap.sh
. ./sysfs.sh

# work WHERE NODE
work()
{
	throughput $2 > /tmp/share.$1 || { cat /tmp/share.$1; exit 1; }
	put /tmp/share.$1
}

set -e
modprobe vgpu_pf
modprobe vgpu_vf
work pf $(pf_node)
enable_vfs 1
work vf $(vf_node 1)
