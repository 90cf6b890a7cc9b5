#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash disable=SC1091,SC2086
# vm: --system --timeout 900 vram-size=256M
#
# VFs in domains of libvirt: managed by it or not, plugged while a guest runs, one VF
# wanted by two, and what it says when it cannot be.

. /vm/ktap.sh
. /vm/sysfs.sh
. /vm/guest.sh
. /vm/libvirt.sh

ktap_begin libvirt

check_equal "the system is up" running "$(systemctl is-system-running --wait)"
check "udev is done" udevadm settle
check "udev has loaded vgpu_pf" loaded vgpu_pf
modprobe vgpu_vf
enable_vfs 4

# The examples of the documentation are the files that are used here.
sed 's/guest1/guest2/; s/function=.0x1./function="0x2"/' domain.xml > /tmp/guest2.xml
sed "s/guest1/guest3/; s/managed='yes'/managed='no'/; s/function='0x1'/function='0x3'/" \
	domain.xml > /tmp/guest3.xml
for xml in domain.xml /tmp/guest2.xml /tmp/guest3.xml; do
	check "$xml is valid" virt-xml-validate $xml domain
	check "$xml is accepted" virsh define $xml
done

# What libvirt knows.
check_equal "nodedev: the PF lists its VFs" 4 \
	"$(virsh nodedev-dumpxml --xpath "//capability[@type='virt_functions']/address" \
		pci_0000_01_00_0 | grep -c '<address')"
check_equal "nodedev: a VF names its PF" \
	'<address domain="0x0000" bus="0x01" slot="0x00" function="0x0"/>' \
	"$(virsh nodedev-dumpxml --xpath "//capability[@type='phys_function']/address" \
		pci_0000_01_00_4)"
check_equal "nodedev: nothing else is in the IOMMU group of a VF" 1 \
	"$(virsh nodedev-dumpxml --xpath '//iommuGroup/address' pci_0000_01_00_4 |
		grep -c '<address')"
check "free-vf: one that no domain has" sh -c './free-vf pci_0000_01_00_0 > /tmp/free.xml'
check_equal "free-vf: VF4" 0x4 "$(sed -n 's/.*function="\(.*\)".*/\1/p' /tmp/free.xml)"
check "free-vf: it is given to a domain" virsh attach-device guest2 /tmp/free.xml --config
check_says "free-vf: then there is no other" 'no VF of pci_0000_01_00_0 is free' \
	./free-vf pci_0000_01_00_0
check "free-vf: it is taken back" virsh detach-device guest2 /tmp/free.xml --config

# managed='yes'
check "managed: a domain starts" virsh start guest1
check_driver "managed: vfio-pci has its VF" vfio-pci 1
check_driver "managed: and no other" vgpu_vf 2
check_domain_works "managed: the VF in the guest" guest1

# Somebody else wants it.
sed "s/guest1/guest4/" domain.xml > /tmp/guest4.xml
virsh define /tmp/guest4.xml
check_says "a VF in use: not for a second domain" \
	'PCI device 0000:01:00.1 is in use by driver QEMU, domain guest1' virsh start guest4
check_says "a VF in use: not back to the host" \
	'PCI device 0000:01:00.1 is in use by driver QEMU, domain guest1' \
	virsh nodedev-reattach pci_0000_01_00_1
check_domain_works "a VF in use: it did not notice" guest1
check_says "its state is not saved" 'VFIO migration is not supported' \
	virsh save guest1 /tmp/saved
check_domain_works "and it goes on" guest1

# Plugged in and out.
check "plug: VF2" virsh attach-device guest1 hostdev.xml --live
check_driver "plug: vfio-pci has it" vfio-pci 2
check "plug: it comes up in the guest" in_domain guest1 '
	n=0
	until [ -e /dev/dri/renderD129 ] || [ $n = 300 ]; do n=$((n + 1)); usleep 100000; done
	stream /dev/dri/renderD129 --jobs 20 || { dmesg | tail -n 20; false; }'
check "unplug: VF2" virsh detach-device guest1 hostdev.xml --live
check_works_in_host "unplug" 2
check "unplug: it is gone in the guest" in_domain guest1 '! [ -e /dev/dri/renderD129 ]'
check_domain_works "unplug: the other VF" guest1

# Two, and one of them goes while it works.
check "two: another domain starts" virsh start guest2
check_domain_works "two: in the second" guest2
check_says "two: what one has is not plugged into the other" \
	'PCI device 0000:01:00.2 is in use by driver QEMU, domain guest2' \
	virsh attach-device guest1 hostdev.xml --live
in_domain guest1 "stream $GUEST_NODE > /tmp/stream 2>&1 & echo \$!" > /tmp/stream.pid
check "destroy: a domain that works" virsh destroy guest2
check_works_in_host "destroy" 2
check "destroy: the other one goes on" in_domain guest1 "
	kill -TERM $(cat /tmp/stream.pid) && while [ -d /proc/$(cat /tmp/stream.pid) ]; do
		usleep 100000; done; cat /tmp/stream; grep verified /tmp/stream"

# Its QEMU is killed.
kill -KILL $(cat /run/libvirt/qemu/guest1.pid)
check_works_in_host "kill" 1
check_equal "kill: libvirt knows" 'shut off' "$(virsh domstate guest1 | head -n 1)"

# It shuts down by itself, after a reboot.
check "again: the domain starts" virsh start guest1
check_domain_works "again: its VF" guest1
guestctl begin /tmp/guest1.agent 'poweroff -f'
check_works_in_host "shutdown" 1

# managed='no'
check_says "unmanaged: refused while vgpu_vf has it" \
	'Unmanaged PCI device 0000:01:00.3 must be manually detached from the host' \
	virsh start guest3
check_driver "unmanaged: nothing was changed" vgpu_vf 3
check "unmanaged: nodedev-detach" virsh nodedev-detach pci_0000_01_00_3
check_driver "unmanaged: vfio-pci has it" vfio-pci 3
check "unmanaged: the domain starts" virsh start guest3
check_domain_works "unmanaged: the VF in the guest" guest3
check "unmanaged: destroyed" virsh destroy guest3
check_driver "unmanaged: vfio-pci keeps it" vfio-pci 3
check "unmanaged: nodedev-reattach" virsh nodedev-reattach pci_0000_01_00_3
check_works_in_host "unmanaged" 3

# The same by driver_override, and by driverctl.
vf_to vfio-pci 3
check "driver_override: the domain starts" virsh start guest3
check "driver_override: and ends" virsh destroy guest3
check_driver "driver_override: vfio-pci keeps it" vfio-pci 3
echo > $(vf_device 3)/driver_override
vf_bdf 3 > $(vf_device 3)/driver/unbind
vf_bdf 3 > /sys/bus/pci/drivers_probe
check_works_in_host "driver_override" 3
check "driverctl: set-override" driverctl --nosave set-override $(vf_bdf 3) vfio-pci
check "driverctl: the domain starts" virsh start guest3
check "driverctl: and ends" virsh destroy guest3
check "driverctl: unset-override" driverctl unset-override $(vf_bdf 3)
check_works_in_host "driverctl" 3
check_driver "driverctl: no other VF has changed its driver" vgpu_vf 4

# Pools of VFs are for network cards.
virsh net-define network.xml
check "pool: a network of hostdevs is accepted" virsh net-start pool
echo "<interface type='network'><source network='pool'/></interface>" > /tmp/interface.xml
check "pool: a domain starts" virsh start guest1
check_says "pool: but it wants a network card" \
	'The PF device for VF .*0000:01:00.3 has no network device name' \
	virsh attach-device guest1 /tmp/interface.xml --live
check "pool: the domain ends" virsh destroy guest1

check_works_in_host "pool" 1

# Who disables VFs takes them from guests: these see that they are unplugged.
check "disabled: a domain starts" virsh start guest1
check_domain_works "disabled: its VF" guest1
check "disabled: no VF any more" enable_vfs 0
check "disabled: nor in the guest" in_domain guest1 '! [ -e /dev/dri/renderD128 ]'
check "disabled: the guest can go" virsh destroy guest1
check_log_clean
ktap_end
