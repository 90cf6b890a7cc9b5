#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: vfs=4 vram-size=256M --timeout 400 --append slab_nomerge
# vm: vfs=4 vram-size=256M --cpus 2 hw-deadline=off --timeout 400 --append slab_nomerge
#
# The PF's own render node: the VF driver on function 0, its VRAM, its comings and
# goings. The programs are tests of their own and count as one result each.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/admin.sh"
. "${0%/*}/load.sh"

M=1048576
BUSY="Device or resource busy"

# The last fence of a process that has ended goes a little later.
unused()
{
	tries=0
	while [ "$(references vgpu_vf)" != 0 ] && [ $tries -lt 100 ]; do
		tries=$((tries + 1))
		usleep 100000
	done
}

ktap_begin pf_render

modprobe vgpu_pf
echo "# deadlines by $(stat_value path)"
check_equal "the PF lends its function" 1 "$(ls -d $PF/vgpu_pf.render.* | wc -l)"
check_equal "without a driver there is no node" "" "$(pf_node)"
check "vgpu_vf loads" modprobe vgpu_vf
check "the PF has a render node" test -c "$(pf_node)"
total=$(awk '$1 == "total" { print $2 }' $SRIOV/vram_provisioned)
check_equal "with all VRAM but the images" $((total - 2 * M)) "$(get pf vram_quota)"

# Alone
before=$(vram_free pf)
program vf_ioctl $(pf_node)
program vf_submit --jobs 400 $(pf_node)
program vf_isolation $(pf_node)
program vf_bind $(pf_node)
program vf_ban $(pf_node)
program vf_garbage --seed 1 $(pf_node)
program vf_bind_random --seed 1 $(pf_node)
check_vram_free pf "$before"
check_equal "it is the PF that has run" 0 "$(seen_by pf | sed -n 's/^function: //p')"
check_range "and its time was counted" 1000000 10000000000000 "$(stat_of 0 runtime_ns)"
load_start info pf --groups 300 --depth 4
load_begun info
check_equal "fdinfo tells whose it is" "$PF_BDF" "$(sed -n 's/^drm-pdev:[[:blank:]]*//p' \
	/proc/$(cat /tmp/load.info.pid)/fdinfo/* | sort -u)"

# What is open is not taken away
line="PF: its VRAM cannot change while its render node is open"
refused "no VFs then" 2 $PF/sriov_numvfs "$BUSY" "$line"
refused "no quota of a VF" $((8 * M)) $(profile vf1 vram_quota) "$BUSY" "$line"
refused "no quota of all VFs" $((8 * M)) $BULK/vram_quota "$BUSY" "$line"
refused "no other quota of the PF" $((8 * M)) $(profile pf vram_quota) "$BUSY" "$line"
check_equal "no VF has any" "0 0 0 0" "$(echo $(cat $ADMIN/vf*/profile/vram_quota))"
check "its process has not noticed" load_stop info

# By default it gives way to VFs
check "VFs are enabled" enable_vfs 2
check_equal "the PF has no node then" "" "$(pf_node)"
check_equal "and no VRAM" 0 "$(get pf vram_quota)"
check "VF1 works" stream $(vf_node 1) --jobs 20
check "VFs are disabled" enable_vfs 0
check "the PF has its node again" stream $(pf_node) --jobs 20
check "a VF gets a quota" set_to vf2 vram_quota $((8 * M))
check_equal "the PF has no node then" "" "$(pf_node)"
check "the VF gives it back" set_to vf2 vram_quota 0
check "the PF has its node again" stream $(pf_node) --jobs 20

# With a quota it has a part of its own
refused "more than there is" $total $(profile pf vram_quota) "No space left on device" \
	"PF: vram_quota $total: at most $((total - 2 * M)),"
refused "no number" much $(profile pf vram_quota) "Invalid argument" \
	"PF: vram_quota much: must be auto, or a number of bytes"
check "the PF gets 64 MiB" set_to pf vram_quota $((64 * M))
check_equal "and has them" $((64 * M)) "$(get pf vram_quota)"
program vf_memory-32 $(pf_node)
unused
node=$(pf_node)
check "VFs are enabled" enable_vfs 3
check_equal "the node is still there" "$node" "$(pf_node)"
check_equal "at the end of VRAM" "$((total - 64 * M)) $((total - 1))" \
	"$(ranges | awk '$5 == "render" { print $2, $3 }' | while read -r from to; do
		echo $((from)) $((to)); done)"
check_equal "the VFs have a third of the rest each" "$(((total - 66 * M) / 3 / 2 / M * 2))" \
	"$(($(bytes_of 3) / M))"
refused "what VFs have it cannot get" $((128 * M)) $(profile pf vram_quota) \
	"No space left on device" "PF: vram_quota $((128 * M)): at most [0-9]*, behind"

check "VFs are disabled" enable_vfs 0

# Unbound, and bound again
driver=/sys/bus/auxiliary/drivers/vgpu_vf
for round in 1 2; do
	load_start out pf --groups 300 --depth 4
	load_begun out
	device=$(basename $PF/vgpu_pf.render.*)
	check "the node is unbound at work" write_to $device $driver/unbind
	load_wait out
	check_equal "its process was told" 1 $?
	check "and bound again" write_to $device $driver/bind
	check "it works" stream $(pf_node) --jobs 20
done

# Resets of the PF
load_start out pf --groups 300 --depth 4
load_begun out
check "the PF is reset at work" write_to 1 $PF/reset
load_wait out
check_equal "its process was told" 1 $?
check "the node works again" works_again pf
check_equal "it lost VRAM" 1 "$(seen_by pf |
	sed -n 's/^vram: .* lost \([0-9]*\) times/\1/p')"

# Sleep
if [ -e /sys/power/pm_test ]; then
	echo devices > /sys/power/pm_test
	# or it stays there for 5 s, without rest
	echo 0 > /sys/module/suspend/parameters/pm_test_delay
	load_start asleep pf --groups 300 --depth 4
	load_begun asleep
	check "the host sleeps and wakes" write_to freeze /sys/power/state
	check "no work of the node was lost" load_stop asleep
fi

# No node at all
check "the PF gets nothing" set_to pf vram_quota 0
check_equal "so it has no node" "" "$(pf_node)"
enable_vfs 2
check_equal "the VFs have all" $(((total - 2 * M) / 2 / 2 / M * 2)) "$(($(bytes_of 2) / M))"
enable_vfs 0
check_equal "still none" "" "$(pf_node)"
check "back to the default" set_to pf vram_quota auto
check "the node works" stream $(pf_node) --jobs 20

# Any order
load_start out pf --groups 300 --depth 4
load_begun out
check_fails "vgpu_vf does not unload under an open node" rmmod vgpu_vf
check "vgpu_pf unloads while the node works" rmmod vgpu_pf
load_wait out
check_equal "its process was told" 1 $?
check "vgpu_pf loads behind vgpu_vf" modprobe vgpu_pf
check "the node works" stream $(pf_node) --jobs 20
unused
check "vgpu_vf unloads first" rmmod vgpu_vf
check "vgpu_pf unloads" rmmod vgpu_pf

round()
{
	modprobe vgpu_pf &&
	modprobe vgpu_vf &&
	stream $(pf_node) --jobs 5 &&
	enable_vfs 1 &&
	enable_vfs 0 &&
	stream $(pf_node) --jobs 5 &&
	unused &&
	rmmod vgpu_vf &&
	rmmod vgpu_pf
}
check_leaks "load, work, give way, come back, unload" 8 round

check_log_clean
ktap_end
