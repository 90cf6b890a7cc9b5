# SPDX-License-Identifier: GPL-2.0-only
#
# Faults put into the kernel's allocations, one after the other. To be sourced, after
# ktap.sh. Only the debug kernel can do that.
#
#	inject_possible			can this kernel?
#	inject_into MODULE [FIRST [LAST]]
#					only below functions of MODULE, and not below FIRST of
#					the kernel, nor any behind it, up to LAST
#	inject_behind FUNCTION		then: only below those functions of the module that
#					are behind that one
#	inject_beside MODULE		then: not below functions of that other module
#	inject_copies			then: copies from and to processes, too
#	inject_walk WHAT ARGUMENT…	as of the program "inject": each allocation of a
#					write fails once
#	traces_of BDF			for inject_walk: what there is of a function that has
#					a driver
#	inject_sometimes PERCENT	each allocation with that chance; 0: none

INJECT=/sys/kernel/debug

inject_possible()
{
	[ -e /proc/self/fail-nth ] && [ -e $INJECT/failslab ]
}

inject_set()
{
	echo $2 > $INJECT/failslab/$1
}

# First address, and that of the next symbol.
inject_range()
{
	awk -v name=$1 '
		$3 == name { first = $1; next }
		$2 ~ /[tTwW]/ { all[n++] = $1 }
		END {
			end = "ffffffffffffffff"
			for (i = 0; i < n; i++)
				if (all[i] > first && all[i] < end)
					end = all[i]
			print first, end
		}' /proc/kallsyms
}

# All of a module's code: its last function is shorter than a page.
inject_module_range()
{
	awk -v module="[$1]" '
		$4 == module && $2 ~ /[tT]/ {
			if (!first || $1 < first) first = $1
			if ($1 > last) last = $1
		}
		END { print first, last }' /proc/kallsyms | {
		read -r inject_first inject_last
		printf '%s %x\n' $inject_first $((0x$inject_last + 4096))
	}
}

inject_into()
{
	set -- $(inject_module_range $1) ${2:+$(inject_range $2)} ${3:+$(inject_range $3)}
	inject_set stacktrace-depth 32
	inject_set require-start 0x$1
	inject_set require-end 0x$2
	inject_set reject-start 0x${3:-0}
	inject_set reject-end 0x${6:-${4:-0}}
	inject_set verbose 0
	inject_set probability 0
	# those that may sleep as well
	inject_set ignore-gfp-wait N
	# Of all kinds of objects but these: that there is no /proc/irq/N is a warning;
	# a block of VRAM that cannot be split is freed by gpu_buddy of 6.12 while it is
	# in the tree of the free ones; and what the debuggers note about each of the
	# others, which then watch less, and say so.
	for inject_kind in /sys/kernel/slab/*/failslab; do
		echo 1 > $inject_kind
	done 2>/dev/null
	for inject_kind in proc_dir_entry gpu_buddy_block \
		kmemleak_object kmemleak_scan_area debug_objects_cache; do
		echo 0 > /sys/kernel/slab/$inject_kind/failslab
	done
	inject_set cache-filter Y
	# Whole pages: the kernel warns if it has none, so let it have them. A copy to or
	# from a process is no allocation. Both would count: so nowhere.
	for inject_kind in fail_page_alloc fail_usercopy; do
		echo 1 > $INJECT/$inject_kind/require-start
		echo 1 > $INJECT/$inject_kind/require-end
	done
}

inject_behind()
{
	set -- $(inject_range $1)
	inject_set require-start 0x$2
}

inject_beside()
{
	set -- $(inject_module_range $1)
	inject_set reject-start 0x$1
	inject_set reject-end 0x$2
}

inject_copies()
{
	for inject_limit in stacktrace-depth require-start require-end verbose probability; do
		cat $INJECT/failslab/$inject_limit > $INJECT/fail_usercopy/$inject_limit
	done
}

inject_walk()
{
	inject_what=$1
	shift
	inject "$@" > /tmp/inject
	inject_status=$?
	check_equal "$inject_what; $(sed -n 's/^# in all: //p' /tmp/inject)" "0 " \
		"$inject_status $(sed '/^#/d' /tmp/inject)"
	grep '^# alloc' /tmp/inject
}

traces_of()
{
	for traces in /sys/bus/pci/devices/$1/driver /sys/bus/pci/devices/$1/drm \
		/sys/bus/pci/devices/$1/sriov_admin /sys/kernel/debug/dri/$1; do
		echo --gone $traces
	done
}

inject_sometimes()
{
	inject_set times -1
	inject_set interval 1
	inject_set probability $1
}
