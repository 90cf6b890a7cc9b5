# SPDX-License-Identifier: GPL-2.0-only
#
# QEMU's monitor at the end of a serial line, in a VM with --monitor. To be sourced.

stty -F /dev/ttyS2 raw -echo
exec 8<>/dev/ttyS2

# monitor COMMAND: prints the answer; returns when it is complete.
monitor()
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
