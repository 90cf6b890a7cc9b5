# SPDX-License-Identifier: GPL-2.0-only
#
# Work for VFs in the background. To be sourced, after sysfs.sh.

# load_start NAME VF OPTION…: a stream on that VF.
load_start()
{
	load_name=$1 load_vf=$2
	shift 2
	stream $(vf_node $load_vf) "$@" > /tmp/load.$load_name 2>&1 &
	echo $! > /tmp/load.$load_name.pid
}

# Ends it in order; its exit status.
load_stop()
{
	kill -TERM $(cat /tmp/load.$1.pid) 2>/dev/null
	load_wait $1
}

load_wait()
{
	wait $(cat /tmp/load.$1.pid)
}

load_kill()
{
	kill -KILL $(cat /tmp/load.$1.pid) 2>/dev/null
	wait $(cat /tmp/load.$1.pid) 2>/dev/null
	true
}

load_says()
{
	cat /tmp/load.$1
}
