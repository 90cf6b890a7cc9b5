# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Domains of libvirt with VFs. To be sourced, after ktap.sh, sysfs.sh and guest.sh.

# check_says WHAT REGEXP COMMAND...: fails, with a message like that
check_says()
{
	says_what=$1 says_regexp=$2
	shift 2
	if "$@" > /tmp/says 2>&1; then
		fail "$says_what" "$* should have failed: $(cat /tmp/says)"
	elif grep -Eq "$says_regexp" /tmp/says; then
		pass "$says_what"
	else
		fail "$says_what" "expected $says_regexp, found: $(cat /tmp/says)"
	fi
}

# The node of a VF is there when vgpu_vf has it and udev knows.
wait_for_node()
{
	udevadm wait --timeout=$((100 * PATIENCE)) /dev/dri/by-path/pci-$(vf_bdf $1)-render
}

# in_domain DOMAIN COMMAND: its agent does that
in_domain()
{
	guestctl run /tmp/$1.agent "$2"
}

# check_domain_works WHAT DOMAIN: its first VF does, and says so
check_domain_works()
{
	check "$1" in_domain $2 "modprobe vgpu_vf && stream $GUEST_NODE --jobs 20"
	if grep -q '^20 jobs, .* verified$' /tmp/ktap.out; then
		pass "$1: results are verified"
	else
		fail "$1: results are verified" "$(cat /tmp/ktap.out)"
	fi
}

# check_driver WHAT DRIVER VF
check_driver()
{
	check_equal "$1" $2 "$(vf_driver $3)"
}

# check_works_in_host WHAT VF
check_works_in_host()
{
	check "$1: vgpu_vf has it again" wait_for_node $2
	check "$1: and it works in the host" stream $(vf_node $2) --jobs 20
}
