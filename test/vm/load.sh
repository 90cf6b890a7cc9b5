# SPDX-License-Identifier: GPL-2.0-only
#
# Work for VFs in the background. To be sourced, after sysfs.sh.

# load_start NAME VF OPTION…: a stream on that VF, or pf.
load_start()
{
	load_name=$1 load_vf=$2
	shift 2
	rm -f /tmp/load.$load_name.begun
	stream --begun /tmp/load.$load_name.begun $(node_of $load_vf) "$@" \
		> /tmp/load.$load_name 2>&1 &
	echo $! > /tmp/load.$load_name.pid
}

# load_begun NAME…: each has submitted as many jobs as it queues.
load_begun()
{
	for load_name; do
		load_tries=$((300 * ${PATIENCE:-1}))
		while [ ! -e /tmp/load.$load_name.begun ] && [ $load_tries -gt 0 ]; do
			load_tries=$((load_tries - 1))
			sleep 0.1
		done
	done
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

# works_again VF, or pf: sooner or later. Who is reset twice in a row is closed, or just
# open again, when it is the second time.
works_again()
{
	tries=60
	until stream $(node_of $1) --jobs 5; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 1
	done
}
