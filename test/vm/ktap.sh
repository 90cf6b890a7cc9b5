# SPDX-License-Identifier: GPL-2.0-only
#
# KTAP (Documentation/dev-tools/ktap.rst) for busybox sh. To be sourced.
#
#	ktap_begin NAME			before everything
#	ktap_end			closes with the totals; exit status says it
#	pass WHAT, fail WHAT [WHY]	one result
#	skip WHAT WHY
#	check WHAT COMMAND…		passes if the command succeeds
#	check_fails WHAT COMMAND…	passes if it does not
#	check_equal WHAT WANT GOT	texts
#	check_range WHAT MIN MAX GOT	integers, limits included
#	check_time WHAT MIN MAX GOT	the same of what the kernel's own instructions decide:
#					is skipped, and tells why, where each is many
#	check_write WHAT VALUE FILE	writing succeeds
#	check_refused WHAT VALUE FILE ERROR [REGEXP]
#					writing fails with the errno text ERROR and
#					the kernel log gained a line like REGEXP
#	check_refused_module WHAT MODULE PARAMETER REGEXP
#					modprobe fails, with such a line in the log
#	log_mark			what follows counts as new
#	log_new				prints the kernel log since the mark
#	check_log WHAT REGEXP		the kernel log since the mark has it
#	check_log_clean [REGEXP]	no warning, oops, leak… since ktap_begin, other than
#					lines like REGEXP

ktap_passed=0
ktap_failed=0
ktap_skipped=0
ktap_marks=0

ktap_number()
{
	echo $((ktap_passed + ktap_failed + ktap_skipped))
}

pass()
{
	ktap_passed=$((ktap_passed + 1))
	echo "ok $(ktap_number) $1"
}

fail()
{
	ktap_failed=$((ktap_failed + 1))
	echo "not ok $(ktap_number) $1"
	[ -z "$2" ] || echo "$2" | sed 's/^/# /'
}

skip()
{
	ktap_skipped=$((ktap_skipped + 1))
	echo "ok $(ktap_number) $1 # SKIP $2"
}

check()
{
	ktap_what=$1
	shift
	# In this shell, whose children a command may want to wait for.
	if "$@" > /tmp/ktap.out 2>&1; then
		pass "$ktap_what"
	else
		fail "$ktap_what" "$* exited with $?
$(cat /tmp/ktap.out)"
	fi
}

check_fails()
{
	ktap_what=$1
	shift
	if "$@" > /tmp/ktap.out 2>&1; then
		fail "$ktap_what" "$* should have failed
$(cat /tmp/ktap.out)"
	else
		pass "$ktap_what"
	fi
}

check_equal()
{
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "expected '$2', found '$3'"
	fi
}

check_range()
{
	case $4 in
	''|*[!0-9-]*)
		fail "$1" "expected $2…$3, found '$4'"
		return;;
	esac
	if [ "$4" -ge "$2" ] && [ "$4" -le "$3" ]; then
		pass "$1"
	else
		fail "$1" "expected $2…$3, found $4"
	fi
}

# With KASAN each access to memory is several, each lock and allocation hundreds. To
# decide that this is such a kernel, nothing counts but how it was built.
ktap_kernel_is_slow()
{
	zcat /proc/config.gz 2>/dev/null | grep -qx CONFIG_KASAN=y
}

check_time()
{
	if ktap_kernel_is_slow && [ "$4" -gt "$3" ] 2>/dev/null; then
		# Not by its name: that would look like one of its reports.
		skip "$1" "$4 is more than $3: this kernel checks each access to memory, so each takes many instructions"
	else
		check_range "$@"
	fi
}

# The shell's redirection reports the errno of open(), echo that of write().
write_to()
{
	(echo "$1" > "$2") 2>&1
}

check_write()
{
	if ktap_out=$(write_to "$2" "$3"); then
		pass "$1"
	else
		fail "$1" "$ktap_out"
	fi
}

check_refused()
{
	log_mark
	if ktap_out=$(write_to "$2" "$3"); then
		fail "$1" "'$2' was accepted, expected: $4"
		return
	fi
	case $ktap_out in
	*"$4"*)	;;
	*)	fail "$1" "expected: $4, found: $ktap_out"
		return;;
	esac
	if [ -n "$5" ] && ! log_new | grep -Eq "$5"; then
		fail "$1" "no log line like '$5' in:
$(log_new)"
		return
	fi
	pass "$1"
}

check_refused_module()
{
	log_mark
	if ktap_out=$(modprobe "$2" "$3" 2>&1); then
		fail "$1" "'$2 $3' was accepted"
		rmmod "$2"
	elif ! log_new | grep -Eq "$4"; then
		fail "$1" "no log line like '$4' in:
$(log_new)"
	else
		pass "$1"
	fi
}

log_mark()
{
	ktap_marks=$((ktap_marks + 1))
	echo "ktap: mark $ktap_marks" > /dev/kmsg
}

log_new()
{
	dmesg | sed "1,/ktap: mark $ktap_marks\$/d"
}

check_log()
{
	if log_new | grep -Eq "$2"; then
		pass "$1"
	else
		fail "$1" "no log line like '$2' in:
$(log_new)"
	fi
}

check_log_clean()
{
	ktap_out=$(dmesg | sed '1,/ktap: begin/d' | grep -E \
		'WARNING|BUG|Oops|panic|Call Trace|UBSAN|KASAN|refcount_t|sysfs: cannot|DMAR:.*fault|AER:|possible circular|rcu:.*stall|soft lockup|hung_task|blocked for more|irq .*nobody cared|leak' |
		grep -Ev "${1:-^\$}" | head -n 20)
	if [ -z "$ktap_out" ]; then
		pass "no warnings in the kernel log"
	else
		fail "no warnings in the kernel log" "$ktap_out"
	fi
}

ktap_begin()
{
	echo "KTAP version 1"
	echo "# $1"
	echo "ktap: begin $1" > /dev/kmsg
}

ktap_end()
{
	echo "1..$(ktap_number)"
	echo "# totals: pass:$ktap_passed fail:$ktap_failed skip:$ktap_skipped"
	[ "$ktap_failed" -eq 0 ]
}

# program NAME ARGUMENT...: a test of its own, which counts as one result
program()
{
	timeout $((200 * ${PATIENCE:-1})) "$@" > /tmp/program 2>&1
	status=$?
	sed 's/^/    /' /tmp/program
	if [ $status = 0 ] && grep -q '^1\.\.[1-9]' /tmp/program; then
		pass "$*"
	else
		fail "$*" "status $status"
	fi
}
