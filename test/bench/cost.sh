# SPDX-License-Identifier: GPL-2.0-only
#
# cost.sh: runs in a VM of its own for "make bench": what the VF driver costs the CPU.

. ./ktap.sh
. ./sysfs.sh

set -e
modprobe vgpu_pf
modprobe vgpu_vf
modprobe vgem || true
enable_vfs 1
card=/dev/dri/$(basename /sys/devices/platform/vgem/drm/card*)
[ -e "$card" ] || card=
vf_cost $(vf_node 1) $PF/resource0 $card > /tmp/cost || { cat /tmp/cost; exit 1; }
put /tmp/cost
