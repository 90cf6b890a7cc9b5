# SPDX-License-Identifier: GPL-2.0-only
#
# QEMU's monitor at the end of a serial line, in a VM with --monitor. To be sourced.

stty -F /dev/ttyS2 raw -echo
exec 8<>/dev/ttyS2

# An idle VM whose time is instructions (--icount: "vm" tells its kernel the frequency of
# the TSC) would jump to the end of each wait.
monitor_stay_busy()
{
	while :; do :; done > /dev/null 2>&1 &
	monitor_busy=$!
}

# monitor COMMAND: prints the answer; returns when it is complete.
monitor()
{
	! grep -q tsc_early_khz /proc/cmdline || monitor_stay_busy
	monitor_answer "$1"
	monitor_status=$?
	[ -z "$monitor_busy" ] || kill "$monitor_busy"
	monitor_busy=
	return $monitor_status
}

monitor_answer()
{
	monitor_end=$((${monitor_end:-4710} + 1))
	printf '%s\nprint /d %d\n' "$1" $monitor_end >&8
	while read -r -t 20 line <&8; do
		line=$(printf %s "$line" | tr -d '\r')
		case $line in
		$monitor_end)	return 0;;
		*qemu*)		;;	# the prompt, and the echo behind it
		*)		echo "$line";;
		esac
	done
	echo "# no answer to: $1"
	return 1
}

# inject FAULT VALUE: of the device; see its README
inject()
{
	monitor "qom-set /machine/peripheral/gpu inject-$1 $2"
}
