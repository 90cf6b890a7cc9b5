# SPDX-License-Identifier: GPL-2.0-only
#
# The GPU and its VFs as sysfs, debugfs and /dev show them. To be sourced.

# The n-th GPU, from 0: folder of its PF in sysfs.
pf_device()
{
	pf_skip=${1:-0}
	for pf_d in /sys/bus/pci/devices/*; do
		[ "$(cat $pf_d/vendor):$(cat $pf_d/device)" = 0x1234:0x7690 ] ||
			continue
		[ $pf_skip -gt 0 ] || { echo $pf_d; return 0; }
		pf_skip=$((pf_skip - 1))
	done
	return 1
}

PF=$(pf_device) || { echo "Bail out! no GPU"; exit 1; }
PF_BDF=${PF##*/}
TOTALVFS=$(cat $PF/sriov_totalvfs)
SRIOV=/sys/kernel/debug/dri/$PF_BDF/sriov

# Folder of VF n, from 1, and its address.
vf_device()
{
	readlink -f $PF/virtfn$(($1 - 1))
}

vf_bdf()
{
	basename "$(vf_device $1)"
}

# Render node of VF n.
vf_node()
{
	for vf_n in $(vf_device $1)/drm/renderD*; do
		[ -e "$vf_n" ] || return 1
		echo /dev/dri/${vf_n##*/}
	done
}

# Render node of the PF itself.
pf_node()
{
	for pf_n in $PF/vgpu_pf.render.*/drm/renderD*; do
		[ -e "$pf_n" ] || return 1
		echo /dev/dri/${pf_n##*/}
	done
}

# node_of VF, or of the PF: its render node
node_of()
{
	if [ "$1" = pf ]; then
		pf_node
	else
		vf_node $1
	fi
}

vf_driver()
{
	basename "$(readlink $(vf_device $1)/driver 2>&1)"
}

numvfs()
{
	cat $PF/sriov_numvfs
}

# How many functions of our VF id the bus has.
vfs_on_bus()
{
	grep -l 0x7691 /sys/bus/pci/devices/*/device 2>/dev/null | wc -l
}

# Render nodes of all VFs.
nodes()
{
	ls -d /sys/bus/pci/devices/*/drm/renderD* 2>/dev/null | wc -l
}

enable_vfs()
{
	write_to "$1" $PF/sriov_numvfs
}

loaded()
{
	[ -d /sys/module/$1 ]
}

# References to a module, or "none" if it is not loaded.
references()
{
	cat /sys/module/$1/refcnt 2>/dev/null || echo none
}

# stat_value KEY, stat_of FUNCTION COLUMN: from sched_stats as it is now.
stat_value()
{
	awk -v key=$1 '$1 == key { print $2; exit }' $SRIOV/sched_stats
}

stat_of()
{
	awk -v row=$1 -v name=$2 '
		$1 == "function" { for (i = 1; i <= NF; i++) if ($i == name) column = i }
		$1 == row { print $column }' $SRIOV/sched_stats
}

# Counts of what there is in the kernel, one a line: name and number.
objects()
{
	echo 3 > /proc/sys/vm/drop_caches
	for objects_cache in /sys/kernel/slab/*/shrink; do
		echo 1 > $objects_cache
	done 2>/dev/null
	# not those of files and processes, which the shell itself makes; nor IOVAs, of
	# which each CPU keeps some hundred that were freed
	awk '$1 ~ /^(kmalloc|kernfs|drm|dma|vgpu|iommu|vmap|pool_workqueue)/ &&
		$1 != "iommu_iova" { print "slab:" $1, $2 }' /proc/slabinfo
	echo "interrupts $(grep -c vgpu /proc/interrupts)"
	echo "nodes $(ls /dev/dri 2>/dev/null | grep -c renderD)"
	echo "iommu_groups $(ls /sys/kernel/iommu_groups | wc -l)"
	echo "debugfs $(ls /sys/kernel/debug/dri 2>/dev/null | wc -l)"
	echo "threads $(ps -o comm | grep -c '^vgpu')"
	echo "vmalloc $(grep -c vgpu /proc/vmallocinfo)"
}

# leaks_growing ROUNDS FILE…: what has become more from each file to the next by as many
# as one in a round; slab caches grow now and then by whole pages, but not like that.
leaks_growing()
{
	leaks_least=$1
	shift
	awk -v rounds=$leaks_least '
		FNR == 1 { file++ }
		{ n[$1, file] = $2; names[$1] }
		END {
			for (name in names) {
				least = name ~ /^slab:/ ? rounds : 1
				counts = n[name, 1]
				for (i = 2; i <= file && n[name, i] - n[name, i - 1] >= least; i++)
					counts = counts ", " n[name, i]
				if (i > file)
					print name ": " counts
			}
		}' "$@"
}

# check_leaks WHAT ROUNDS COMMAND…: runs it ROUNDS times, and again as often. If something
# seems to leak, up to twice more: what leaks does so each time. The VM has slab_nomerge,
# or a cache has the name of another one.
# The debug kernel, where a round takes half a minute and kmemleak watches as well, has
# half of the rounds.
check_leaks()
{
	leaks_what=$1 leaks_rounds=$2
	shift 2
	[ ${PATIENCE:-1} = 1 ] || leaks_rounds=$((leaks_rounds / 2))
	"$@" > /dev/null 2>&1
	objects > /tmp/leaks.0
	leaks_wrong= leaks_files=/tmp/leaks.0
	for leaks_batch in 1 2 3 4; do
		for leaks_n in $(seq $leaks_rounds); do
			"$@" > /tmp/leaks.out 2>&1 ||
				leaks_wrong="$leaks_wrong$(cat /tmp/leaks.out)"
		done
		objects > /tmp/leaks.$leaks_batch
		leaks_files="$leaks_files /tmp/leaks.$leaks_batch"
		leaks_found=$(leaks_growing $leaks_rounds $leaks_files)
		[ $leaks_batch = 1 ] || [ "$leaks_found" ] || break
	done
	check_equal "$leaks_what, $((leaks_rounds * leaks_batch + 1)) times" "" "$leaks_wrong"
	check_equal "$leaks_what: no objects are left" "" "$leaks_found"
}

# Number and range of each function, as printed.
ranges()
{
	sed -n '/^function/,$p' $SRIOV/vram_provisioned | tail -n +2
}

bytes_of()
{
	ranges | awk -v vf=$1 '$1 == vf { print $4 }'
}

# Each VF's own window: all of what it owns.
window()
{
	echo 1 > $(vf_device $1)/enable
	vram $(vf_device $1)/resource2 $(bytes_of $1) $2 $3
}

# seen_by VF, or pf: what its driver shows in debugfs
seen_by()
{
	if [ "$1" = pf ]; then
		cat /sys/kernel/debug/dri/vgpu_pf.render.*/vgpu_vf
	else
		cat "/sys/kernel/debug/dri/$(vf_bdf $1)/vgpu_vf"
	fi
}

# vram_free VF, or pf: bytes, as its driver sees it
vram_free()
{
	seen_by $1 | sed -n 's/^vram: .* bytes, \([0-9]*\) free.*/\1/p'
}

# check_vram_free VF BYTES, or pf BYTES
# The memory of dead processes comes back when their last job has ended.
check_vram_free()
{
	tries=0
	while [ "$(vram_free $1)" != $2 ] && [ $tries -lt 100 ]; do
		tries=$((tries + 1))
		usleep 100000
	done
	check_equal "nothing is left of all files, VF $1" $2 "$(vram_free $1)"
}
