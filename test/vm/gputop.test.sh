#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: vfs=2 vram-size=256M --with gputop
#
# What files of a VF tell in /proc/PID/fdinfo, as gputop (IGT's, from Debian's
# package intel-gpu-tools) understands it: each process with its memory and
# what it uses of which engine.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"

# The last of three pictures, one a second. Without a size of its own a serial
# line counts as 80 columns and 24 lines.
top()
{
	gputop -n 3 -d 1 < /dev/ttyS0 > /tmp/top.frames || return
	tr '\033' '\n' < /tmp/top.frames |
		awk '/^\[H/ { n = 0 } { lines[n++] = $0 }
			END { for (i = 0; i < n; i++) printf "%s\n", lines[i] }' |
		sed 's/^\[[0-9;]*[HJm]//' > /tmp/top
}

pid_of()
{
	cat /tmp/load.$1.pid
}

# The line of a process: PID, MEM, RSS, a bar for each engine, NAME.
row()
{
	awk -v pid=$(pid_of $1) '$1 == pid' /tmp/top
}

# Tenths of a percent of all engines together.
busy()
{
	row $1 | tr '|' '\n' |
		awk '/^ *[0-9.]+%/ { sum += $1 * 10 } END { print sum + 0 }'
}

engines()
{
	sed -n 's/^drm-\(engine\|cycles\)-\([^:]*\):.*/\2/p' /proc/$(pid_of $1)/fdinfo/* |
		sort -u
}

# What a process says that it has, of all regions together, as gputop prints it.
memory()
{
	cat /proc/$(pid_of $1)/fdinfo/* | awk -v key="drm-$2-" '
		BEGIN { unit["KiB"] = 1024; unit["MiB"] = 1048576; unit["GiB"] = 1073741824 }
		/^drm-client-id:/ { skip = seen[$2]++ }
		!skip && index($1, key) == 1 && !index($1, "cycles") {
			sum += $2 * ($3 in unit ? unit[$3] : 1)
		}
		END {
			for (i = 1; i < 4 && sum >= 1024; i++)
				sum = int(sum / 1024)
			print sum substr("BKMG", i, 1)
		}'
}

ktap_begin gputop

modprobe vgpu_pf
modprobe vgpu_vf
enable_vfs 2

check "gputop runs when nobody uses the GPU" top
check "and says so" grep -q 'No GPU clients' /tmp/top

load_start one 1 --groups 2000
load_start two 1 --groups 2000
load_start other 2 --groups 2000
for tries in 1 2 3 4 5 6 7 8 9 10; do
	top
	[ "$(busy one)" = 0 ] || [ "$(busy two)" = 0 ] || [ "$(busy other)" = 0 ] || break
done
for name in one two other; do
	check_equal "$name: a process" stream "$(row $name | awk '{ print $NF }')"
	check_equal "$name: its memory" "$(memory $name total) $(memory $name resident)" \
		"$(row $name | awk '{ print $2, $3 }')"
	check_range "$name: is busy, in tenths of a percent" 1 1000 "$(busy $name)"
done
check_equal "a table for each VF, with its engines" \
	"$(echo PID MEM RSS $(engines one) NAME; echo PID MEM RSS $(engines other) NAME)" \
	"$(awk '$1 == "PID" { $1 = $1; print }' /tmp/top)"

# What is queued ends, then it has nothing to do.
kill -STOP $(pid_of other)
for tries in 1 2 3 4 5 6 7 8 9 10; do
	top
	[ "$(busy other)" != 0 ] || break
done
check_equal "a process that is stopped is there still" stream \
	"$(row other | awk '{ print $NF }')"
check_equal "but not busy" 0 "$(busy other)"
check_range "while another one is" 1 1000 "$(busy one)"
kill -CONT $(pid_of other)

for name in one two other; do
	check "$name ends well" load_stop $name
done
check "gputop runs when all are gone" top
check "and says so" grep -q 'No GPU clients' /tmp/top

check_log_clean
ktap_end
