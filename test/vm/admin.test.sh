#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600 vfs=4 vram-size=64M
#
# sriov_admin/: every file, what it takes and what it refuses, and that nobody else
# is touched by it.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/admin.sh"

INVALID="Invalid argument"
RANGE="Numerical result out of range"

# accepted FUNCTION SETTING VALUE READS
accepted()
{
	if out=$(set_to $1 $2 "$3"); then
		check_equal "$1/$2 takes $3" "$4" "$(get $1 $2)"
	else
		fail "$1/$2 takes $3" "$out"
	fi
}

# not_taken FUNCTION SETTING VALUE ERROR LINE: and nothing has changed
not_taken()
{
	was=$(get $1 $2)
	refused "$1/$2 refuses '$3'" "$3" $(profile $1 $2) "$4" "$5"
	[ "$(get $1 $2)" = "$was" ] || fail "$1/$2 has changed by that" "$(get $1 $2)"
}

ktap_begin admin

modprobe vgpu_pf

# The tree
check_equal "a directory for the PF and for each possible VF" \
	".bulk_profile overhead_target_permille pf policy vf1 vf2 vf3 vf4" \
	"$(ls -A $ADMIN | sort | tr '\n' ' ' | sed 's/ $//')"
settings="cap_us exec_quantum_ms exec_quantum_us lag_bound_us preempt_timeout_us \
reservation_us sched_latency_bound_us sched_priority"
check_equal "files of the PF" "$settings vram_quota weight" "$(echo $(ls $ADMIN/pf/profile))"
check_equal "files of a VF" "$settings vram_quota weight" "$(echo $(ls $ADMIN/vf4/profile))"
check_equal "the PF has a device, and cannot be stopped" "device profile" \
	"$(echo $(ls $ADMIN/pf))"
check_equal "a VF has none before it is enabled" "profile stop" "$(echo $(ls $ADMIN/vf1))"
check_equal "the PF's device is the PF" "$(readlink -f $PF)" "$(readlink -f $ADMIN/pf/device)"
check_equal "files for all functions can be written only" "" \
	"$(find $BULK -type f ! -perm 200)"
check_equal "bounds can be read only, by root" "" \
	"$(find $ADMIN -name '*_bound_us' ! -perm 400)"

# What it begins with
for setting in "exec_quantum_ms 6" "exec_quantum_us 6000" "preempt_timeout_us 16000" \
	"sched_priority low [normal] high" "weight 100" "cap_us max" "reservation_us none"; do
	check_equal "all functions: ${setting%% *}" "${setting#* }" "$(of_all ${setting%% *})"
done
check_equal "no VF has VRAM" 0 "$(cat $ADMIN/vf*/profile/vram_quota | sort -u)"
check_equal "the policy" "[eevdf]" "$(tr ' ' '\n' < $ADMIN/policy | grep '\[')"
check_equal "the target of the overhead" 50 "$(cat $ADMIN/overhead_target_permille)"

# What is possible
for f in pf vf4; do
	accepted $f exec_quantum_ms 1 1
	accepted $f exec_quantum_ms 100000 100000
	accepted $f exec_quantum_ms 0 0
	check_equal "$f: no deadline is 0 in us, too" 0 "$(get $f exec_quantum_us)"
	accepted $f exec_quantum_ms 0x10 16
	accepted $f exec_quantum_us 100 100
	check_equal "$f: 0.1 ms are not no deadline" 1 "$(get $f exec_quantum_ms)"
	accepted $f exec_quantum_us 100000000 100000000
	accepted $f exec_quantum_us auto 6000
	accepted $f preempt_timeout_us 0 0
	accepted $f preempt_timeout_us 1 1
	accepted $f preempt_timeout_us 100000000 100000000
	accepted $f preempt_timeout_us 16000 16000
	accepted $f weight 1 1
	accepted $f weight 10000 10000
	accepted $f weight 100 100
	accepted $f sched_priority low "[low] normal high"
	accepted $f sched_priority high "low normal [high]"
	accepted $f sched_priority normal "low [normal] high"
	accepted $f cap_us "400 1000" "400 1000"
	accepted $f cap_us "10000000  10000000" "10000000 10000000"
	accepted $f cap_us max max
done
set_to vf2 weight 300
set_to vf2 exec_quantum_us 7000
check_equal "only VF2 has another weight and quantum" "100 100 300 100 100, 6000 6000 7000 6000 6000" \
	"$(echo $(cat $ADMIN/*/profile/weight)), $(echo $(cat $ADMIN/*/profile/exec_quantum_us))"

# What is not
quantum="exec_quantum_us .*100 to 100000000 are possible"
not_taken vf1 exec_quantum_ms 100001 "$INVALID" "VF1: exec_quantum_ms 100001: $quantum"
not_taken vf1 exec_quantum_ms 4294967296 "$RANGE" \
	"VF1: exec_quantum_ms 4294967296: must be 0 .no deadline., auto, or 1 to 100000"
not_taken vf1 exec_quantum_ms -1 "$INVALID" "VF1: exec_quantum_ms -1: must be"
not_taken vf1 exec_quantum_ms "" "$INVALID" "VF1: exec_quantum_ms : must be"
not_taken vf1 exec_quantum_ms 1.5 "$INVALID" "VF1: exec_quantum_ms 1.5: must be"
not_taken pf exec_quantum_ms fast "$INVALID" "PF: exec_quantum_ms fast: must be"
not_taken pf exec_quantum_us 99 "$INVALID" "PF: exec_quantum_us 99: $quantum"
not_taken vf1 preempt_timeout_us 100000001 "$INVALID" \
	"VF1: preempt_timeout_us 100000001: preempt_timeout_us .*1 to 100000000 are possible"
not_taken vf1 preempt_timeout_us none "$INVALID" "VF1: preempt_timeout_us none: must be 0 .for ever., or 1 to"
not_taken vf1 sched_priority urgent "$INVALID" \
	"VF1: sched_priority urgent: must be low, normal or high"
not_taken vf1 sched_priority "" "$INVALID" "must be low, normal or high"
not_taken vf1 weight 0 "$INVALID" "VF1: weight 0: weight is out of range, 1 to 10000 are possible"
not_taken vf1 weight 10001 "$INVALID" "VF1: weight 10001: weight is out of range, 1 to 10000 are"
not_taken vf1 weight 1e3 "$INVALID" "VF1: weight 1e3: must be 1 to 10000"
not_taken vf1 cap_us "1000" "$INVALID" "VF1: cap_us 1000: must be max, or \"QUOTA PERIOD\""
not_taken vf1 cap_us "0 0" "$INVALID" "VF1: cap_us 0 0: must be max, or"
not_taken vf1 cap_us "0 1000" "$INVALID" "quota of cap_us .*, 1 to 1000 are possible"
not_taken vf1 cap_us "399 1000" "$INVALID" \
	"quota of cap_us does not suffice for a switch.*, 400 to 1000 are possible"
not_taken vf1 cap_us "1001 1000" "$INVALID" "quota of cap_us .*, 1 to 1000 are possible"
not_taken vf1 cap_us "100 999" "$INVALID" "period of cap_us .*, 1000 to 10000000 are possible"
not_taken vf1 cap_us "1 2 3" "$INVALID" "VF1: cap_us 1 2 3: must be max, or"
not_taken vf1 reservation_us "2000 1000" "$INVALID" "budget of reservation_us .*, 1 to 1000 are"
not_taken vf1 reservation_us "1 10000001" "$INVALID" "period of reservation_us .*, 1000 to 10000000"
not_taken vf1 reservation_us "9999 10000" "Device or resource busy" "VF1: reservation_us 9999 10000:"
not_taken vf1 vram_quota much "$INVALID" "vf1 vram_quota much: must be a number of bytes"
not_taken vf1 vram_quota 18446744073709551615 "No space left on device" \
	"VF1: vram_quota 18446744073709551615: at most 65011712 are free"
not_taken vf1 vram_quota 18446744073709551616 "$RANGE" "must be a number of bytes"
refused "no such policy" fair $ADMIN/policy "$INVALID" "policy fair: policy does not exist"
refused "no overhead" 0 $ADMIN/overhead_target_permille "$INVALID" \
	"overhead_target_permille 0: .*1 to 500 are possible"
refused "too much overhead" 501 $ADMIN/overhead_target_permille "$INVALID" "1 to 500 are"
refused "overhead in words" few $ADMIN/overhead_target_permille "$INVALID" "must be 1 to 500"
refused "too long a text" "$(printf '%0100d' 1)" $(profile vf1 weight) "$INVALID" \
	"profile/weight: 101 bytes are too many|vf1/weight: 101 bytes are too many"
refused "stop of a VF that is not enabled" 1 $ADMIN/vf1/stop "Operation not permitted" \
	"VF1: stop: the VF is not enabled"
refused "stop perhaps" perhaps $ADMIN/vf1/stop "$INVALID" "vf1 stop perhaps: must be a bool"

# A quantum that is kept although it costs too much
sleep 6
log_mark
set_to vf1 exec_quantum_us 1000
check_log "a quantum of 1 ms is warned of" \
	"VF1: an exec quantum of 1000 us costs up to [0-9.]+ % for switching, more than the target of 5.0 %: [0-9]+ us is the least"
least=$(log_new | sed -n 's/.*: \([0-9]*\) us is the least.*/\1/p')
log_mark
set_to vf1 exec_quantum_us $least
check_equal "one of the least is not" "" "$(log_new | grep 'exec quantum')"
set_to vf1 exec_quantum_us $((least - 1))
check_log "one of 1 us less is" "an exec quantum of $((least - 1)) us costs"
set_to vf1 exec_quantum_us auto

# What has been set is told to those who trace
tracing=/sys/kernel/tracing
mount -t tracefs none $tracing 2>/dev/null
for event in vgpu_params vgpu_policy; do
	echo 1 > $tracing/events/vgpu/$event/enable
done
set_to vf3 cap_us "5000 10000"
write_to 60 $ADMIN/overhead_target_permille
set_to vf3 cap_us max
write_to 50 $ADMIN/overhead_target_permille
echo 0 > $tracing/events/vgpu/enable
check "a trace has the settings" grep -Eq \
	"vgpu_params: dev=$PF_BDF function=3 .*timeout=16000000 weight=100 priority=1 cap_quota=5000000 cap_period=10000000 budget=0 period=0" \
	$tracing/trace
check "and those of the device" grep -Eq "vgpu_policy: dev=$PF_BDF .*policy=eevdf overhead=60" \
	$tracing/trace

# All functions, or none
for setting in "exec_quantum_ms 20" "exec_quantum_us 8000" "preempt_timeout_us 5000" \
	"weight 7" "cap_us 5000 10000"; do
	check_write "all functions: $setting" "${setting#* }" $BULK/${setting%% *}
	check_equal "have ${setting#* }" "${setting#* }" "$(of_all ${setting%% *})"
done
write_to high $BULK/sched_priority
check_equal "all functions are of high priority" "low normal [high]" "$(of_all sched_priority)"
for setting in "exec_quantum_ms 200000" "preempt_timeout_us 100000001" "weight 0" \
	"sched_priority extreme" "cap_us 2 1"; do
	before=$(cat $ADMIN/*/profile/* 2>&1)
	refused "not to all functions: $setting" "${setting#* }" $BULK/${setting%% *} "$INVALID" \
		"all functions: ${setting%% *} ${setting#* }: "
	check_equal "nothing has changed" "$before" "$(cat $ADMIN/*/profile/* 2>&1)"
done
write_to 100 $BULK/weight
write_to max $BULK/cap_us
write_to normal $BULK/sched_priority
write_to 200 $BULK/preempt_timeout_us
# The first ones fit, all of them do not.
check_write "VF2 reserves a part" "1000 100000" $(profile vf2 reservation_us)
before=$(cat $ADMIN/*/profile/reservation_us)
refused "all functions cannot have half of the time each" "20000 40000" $BULK/reservation_us \
	"Device or resource busy" "all functions: reservation_us 20000 40000: "
check_equal "each has what it had" "$before" "$(cat $ADMIN/*/profile/reservation_us)"
# One after the other they do not fit either; all together do.
check_write "most of the time, in long periods" "190000 1000000" $BULK/reservation_us
refused "no short period fits beside that" "500 10000" $(profile vf4 reservation_us) \
	"Device or resource busy" "VF4: reservation_us 500 10000: "
check_write "short periods for all" "500 10000" $BULK/reservation_us
check_equal "all have them" "500 10000" "$(of_all reservation_us)"
check_write "and back" "190000 1000000" $BULK/reservation_us
refused "more than there is" "250000 1000000" $BULK/reservation_us \
	"Device or resource busy" "all functions: reservation_us 250000 1000000: "
check_equal "all have what they had" "190000 1000000" "$(of_all reservation_us)"
write_to none $BULK/reservation_us
check_equal "nobody has a reservation" none "$(of_all reservation_us)"

# Links
enable_vfs 2
check_equal "enabled VFs have their device" "$(vf_device 1) $(vf_device 2)" \
	"$(readlink -f $ADMIN/vf1/device) $(readlink -f $ADMIN/vf2/device)"
check_equal "the others have none" "profile stop profile stop" \
	"$(echo $(ls $ADMIN/vf3) $(ls $ADMIN/vf4))"

# What stays
set_to vf1 weight 250
set_to vf2 cap_us "2000 20000"
settled()
{
	cat $ADMIN/*/profile/weight $ADMIN/*/profile/cap_us $ADMIN/*/profile/preempt_timeout_us
}
before=$(settled)
enable_vfs 0
check_equal "VFs are gone, and their links" "" "$(find $ADMIN/vf* -name device)"
check_equal "settings are not" "$before" "$(settled)"
enable_vfs 4
check_equal "nor are they when VFs are there again" "$before" "$(settled)"
check "the PF is reset" write_to 1 $PF/reset
check_equal "they are still there" "$before" "$(settled)"
check_equal "links as well" "$(vf_device 4)" "$(readlink -f $ADMIN/vf4/device)"
enable_vfs 0
if [ -e /sys/power/pm_test ]; then
	echo devices > /sys/power/pm_test
	check "the host sleeps and wakes" write_to freeze /sys/power/state
	check_equal "they are still there" "$before" "$(settled)"
fi
write_to max $BULK/cap_us
write_to 100 $BULK/weight
write_to 16000 $BULK/preempt_timeout_us
write_to auto $BULK/exec_quantum_ms

# Parameters of the module
rmmod vgpu_pf
check "vgpu_pf loads with policy=rr exec_quantum_us=2000" \
	modprobe vgpu_pf policy=rr exec_quantum_us=2000
check_equal "the policy is that" "[rr]" "$(tr ' ' '\n' < $ADMIN/policy | grep '\[')"
check_equal "so is the quantum" 2000 "$(of_all exec_quantum_us)"
check_equal "the rest is as in the beginning" "16000 100 none" \
	"$(of_all preempt_timeout_us) $(of_all weight) $(of_all reservation_us)"
rmmod vgpu_pf
check_refused_module "policy=fair is refused" vgpu_pf policy=fair \
	"policy=fair: must be one of eevdf .*rr"
check_equal "no tree without a driver" "" "$(ls -d $ADMIN 2>/dev/null)"

check_log_clean
ktap_end
