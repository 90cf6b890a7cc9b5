#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 0 vfs=2 vram-size=256M --mem 1024 --timeout 900 --with igt
#
# The generic tests of IGT, which nobody here wrote, on a VF: igt.expected says
# which, and what they say of us other than that all is well. Only if asked for,
# see test/testbed/igt. Many of them sleep and expect others to have come somewhere
# in that time, so time is model time here.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"

# A program hangs if it takes longer, s.
LIMIT=300

# run PROGRAM: all subtests at once, a start takes longer than most of them
run()
{
	run_path=
	for run_dir in /usr/local/libexec/igt-gpu-tools /usr/libexec/igt-gpu-tools; do
		[ ! -x $run_dir/$1 ] || run_path=$run_dir/$1
	done
	if [ -z "$run_path" ]; then
		fail "$1" "is not there"
		return
	fi
	$run_path --list-subtests > /tmp/subtests 2> /dev/null
	timeout $LIMIT $run_path > /tmp/said 2>&1
	run_status=$?
	: > /tmp/wrong
	awk -f "${0%/*}/igt.awk" program=$1 is=expected "${0%/*}/igt.expected" \
		is=subtests /tmp/subtests is=said /tmp/said > /tmp/verdicts
	while IFS="	" read -r verdict name why; do
		case $verdict in
		pass)	pass "$name";;
		skip)	skip "$name" "$why";;
		fail)	fail "$name" "$why"; echo "$name" >> /tmp/wrong;;
		told)	echo "# $name $why";;
		esac
	done < /tmp/verdicts
	[ ! -s /tmp/wrong ] || cp /tmp/said /tmp/igt-$1
	[ $run_status != 124 ] || echo "# $1 took longer than $LIMIT s"
}

ktap_begin igt

modprobe vgpu_pf
modprobe vgpu_vf
modprobe vgem
enable_vfs 2
export IGT_DEVICE=pci:slot=$(vf_bdf 1)

for program in $(sed -n 's/^\([a-z][a-z0-9_]*\).*/\1/p' "${0%/*}/igt.expected"); do
	run $program
done
for said in /tmp/igt-*; do
	[ ! -e $said ] || put $said
done

check_log_clean
ktap_end
