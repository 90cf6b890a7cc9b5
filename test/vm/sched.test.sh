#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: --icount 1 --timeout 400 vfs=4 hw-deadline=on
# vm: --icount 1 --timeout 400 vfs=4 hw-deadline=off
#
# What the settings of the scheduler do to VFs at work: policies changed under
# load, shares by weight, caps, reservations, priorities, and a VF that is alone.
# All times are of the model.

. "${0%/*}/ktap.sh"
. "${0%/*}/sysfs.sh"
. "${0%/*}/load.sh"
. "${0%/*}/admin.sh"

unsupported="Operation not supported"
INVALID="Invalid argument"

# record NAME SECONDS: what happens in that time, in /tmp/NAME.{before,after}. It is a
# little more, which elapsed tells: reading takes time, too.
record()
{
	cat $SRIOV/sched_stats > /tmp/$1.before
	sleep $2
	cat $SRIOV/sched_stats > /tmp/$1.after
}

# gain NAME ROW COLUMN…: by how much the sum of these columns has grown
gain()
{
	gain_name=$1 gain_row=$2
	shift 2
	awk -v row=$gain_row -v columns="$*" '
		BEGIN { n = split(columns, name, " ") }
		$1 == "function" { for (i = 1; i <= NF; i++) at[$i] = i }
		$1 == row {
			sum = 0
			for (i = 1; i <= n; i++)
				sum += $at[name[i]]
			if (FNR == NR)
				before = sum
			else
				printf "%d\n", sum - before
		}' /tmp/$gain_name.before /tmp/$gain_name.after
}

# Engine time that a function has had, switches included; what is shared out.
service()
{
	gain $1 $2 runtime_ns overhead_ns
}

# grown NAME KEY: the same for a line "key value"
grown()
{
	awk -v key=$2 '$1 == key && FNR == NR { before = $2 }
		$1 == key && FNR != NR { print $2 - before }' \
		/tmp/$1.before /tmp/$1.after
}

# elapsed NAME: so long, in ns
elapsed()
{
	grown $1 elapsed_ns
}

# part NAME ROW: of the engine time that all VFs have had, in thousandths
part()
{
	awk -v row=$2 '
		$1 == "function" { for (i = 1; i <= NF; i++) at[$i] = i }
		$1 ~ /^[1-4]$/ {
			service = $at["runtime_ns"] + $at["overhead_ns"]
			if (FILENAME ~ /before$/)
				service = -service
			all += service
			if ($1 == row)
				own += service
		}
		END { printf "%d\n", own * 1000 / all }' /tmp/$1.before /tmp/$1.after
}

flood()
{
	for vf; do
		load_start $vf $vf --groups 2000 --depth 4
	done
	load_begun "$@"
	sleep 0.2
}

# What a process leaves behind that was killed is still done.
no_work_of()
{
	for vf; do
		tries=50
		while [ "$(stat_of $vf scheduled)" != idle ] && [ $tries -gt 0 ]; do
			tries=$((tries - 1))
			sleep 0.1
		done
		check_range "VF$vf has nothing to do" 1 50 $tries
	done
}

start()
{
	modprobe vgpu_pf "$@"
	modprobe vgpu_vf
	enable_vfs 4
}

finish()
{
	enable_vfs 0
	rmmod vgpu_vf
	rmmod vgpu_pf
}

# apart NAME: how far all functions together are from the line "total", before and after
apart()
{
	awk '$1 == "function" { for (i = 1; i <= NF; i++) at[$i] = i; sum = 0 }
		$1 == "total" { total = $at["runtime_ns"] }
		$1 ~ /^[0-9]+$/ && at["runtime_ns"] { sum += $at["runtime_ns"]; apart[FILENAME] = sum - total }
		END { for (name in apart) printf " %d", apart[name] }' /tmp/$1.before /tmp/$1.after
}

# Time with and without a world adds up to the time elapsed.
check_sums()
{
	awk '$1 == "elapsed_ns" { elapsed = $2 }
		$1 == "empty_ns" { empty = $2 }
		$1 == "function" { for (i = 1; i <= NF; i++) at[$i] = i }
		$1 == "total" { used = $at["runtime_ns"] + $at["overhead_ns"] }
		END { printf "%d\n", (elapsed - empty - used) / 1000 }' $SRIOV/sched_stats \
		> /tmp/sums
	# what is under way is not accounted yet: an empty engine, a switch
	check_range "$1: the sums are right" -1000 400000 "$(cat /tmp/sums)"
}

check_no_trouble()
{
	wrong=
	for counter in overdue rearmed lost unexpected backwards missing duplicates \
		unknown records_strange; do
		[ "$(stat_value $counter)" = 0 ] ||
			wrong="$wrong $counter:$(stat_value $counter)"
	done
	check_equal "$1: nothing unexpected" "" "$wrong"
	check_equal "$1: nobody was reset" 0 "$(stat_of total hang)"
}

ktap_begin sched

# Policies, changed while four VFs work
start
echo "# deadlines by $(stat_value path)"
# Jobs of 3 ms on average; what the debug kernel needs for them would leave a VF idle now
# and then.
jobs="--groups 300 --vary --depth 6"
[ $PATIENCE = 1 ] || jobs="--groups 900 --vary --depth 12"
for vf in 1 2 3 4; do
	load_start $vf $vf $jobs
done
load_begun 1 2 3 4
sleep 0.2
for policy in rr coop fixed eevdf coop rr fixed rr eevdf; do
	check_write "policy $policy" $policy $ADMIN/policy
	check_equal "is in force" "[$policy] $policy" \
		"$(tr ' ' '\n' < $ADMIN/policy | grep '\[') $(stat_value policy)"
	sleep 0.1
	record $policy 0.5
	case $policy in
	eevdf|rr)
		for vf in 1 2 3 4; do
			check_range "$policy: VF$vf has a quarter" 235 265 "$(part $policy $vf)"
		done
		check_range "$policy: the engine is never empty" 0 5000000 \
			"$(grown $policy empty_ns)"
		;;
	fixed)	# five slots: quantum 6 ms, timeout 16 ms, switch 0.3 ms
		slots=$((1 + $(elapsed fixed) / (5 * 22300000)))
		for vf in 1 2 3 4; do
			check_range "fixed: VF$vf has as many slots as the others, or one less" \
				215 285 "$(part fixed $vf)"
			check_range "fixed: VF$vf has not more than its slots" 1 \
				$((slots * 6400000)) "$(service fixed $vf)"
		done
		check_range "fixed: what is not used is left empty, in percent" 70 90 \
			"$(($(grown fixed empty_ns) * 100 / $(elapsed fixed)))"
		;;
	coop)	# jobs to their end
		for vf in 1 2 3 4; do
			check_range "coop: VF$vf has its turns" 150 350 "$(part coop $vf)"
		done
		;;
	esac
done
check_sums "policies changed"
for vf in 1 2 3 4; do
	check "VF$vf: no work was lost or done twice" load_stop $vf
done
check_no_trouble "policies changed"

set_to vf2 weight 200
refused "rr does not have weights" rr $ADMIN/policy "$unsupported" \
	"policy rr: weight of VF2 is not supported by policy rr, only 100 is possible"
refused "nor has fixed" fixed $ADMIN/policy "$unsupported" "weight of VF2 .* only 100 is"
check_equal "the policy is the same" eevdf "$(stat_value policy)"
set_to vf2 weight 100
write_to rr $ADMIN/policy
refused "rr takes no weight" 200 $(profile vf2 weight) "$unsupported" \
	"VF2: weight 200: weight is not supported by policy rr"
refused "nor a priority" high $(profile vf2 sched_priority) "$unsupported" \
	"VF2: sched_priority high: sched_priority is not supported by policy rr"
write_to fixed $ADMIN/policy
refused "fixed takes no endless quantum" 0 $(profile vf2 exec_quantum_ms) "$INVALID" \
	"must have an end under policy fixed, [0-9]+ to 100000000"
write_to eevdf $ADMIN/policy
finish

# Weights 1 : 2 : 4 : 1, set at work
start
flood 1 2 3 4
set_to vf2 weight 200
set_to vf3 weight 400
sleep 0.3
record weights 1
want="0 125 250 500 125"
for vf in 1 2 3 4; do
	share=$(echo $want | cut -d ' ' -f $((vf + 1)))
	check_range "VF$vf of weight $(get vf$vf weight) has $share thousandths" \
		$((share - 10)) $((share + 10)) "$(part weights $vf)"
	check_range "VF$vf: its lag is within the bound, below" \
		-$(stat_of $vf lag_bound_ns) 0 "$(stat_of $vf lag_min_ns)"
	check_range "VF$vf: and above" 0 $(stat_of $vf lag_bound_ns) \
		"$(stat_of $vf lag_max_ns)"
	check_range "VF$vf: it has waited for no longer than its bound" 1 \
		$(stat_of $vf latency_bound_ns) "$(stat_of $vf wake_max_ns)"
done
check_range "switching takes no more than the target" 1 \
	"$(stat_value overhead_target_ppm)" "$(stat_value overhead_ppm)"
check_range "the engine is never empty" 0 1000000 "$(grown weights empty_ns)"
write_to 100 $BULK/weight
sleep 0.3
record equal 1
for vf in 1 2 3 4; do
	check_range "VF$vf: equal again" 240 260 "$(part equal $vf)"
done

# The PF's own work is function 0: a VF that changes hands is scrubbed beside them.
check "a driver is unbound" write_to $(vf_bdf 4) /sys/bus/pci/drivers/vgpu_vf/unbind
load_wait 4
before=$(stat_of 0 runtime_ns)
check "VRAM is taken from VF4 and scrubbed" set_to vf4 vram_quota 0
check_range "the PF has worked for that" 1 1000000000 $(($(stat_of 0 runtime_ns) - before))
check_no_trouble "weights"
for vf in 1 2 3; do
	check "VF$vf: all its work is done" load_stop $vf
done
# At work they follow how late deadlines by a timer are.
set_to vf2 weight 200
for vf in 1 2 3; do
	check_equal "VF$vf: sysfs has the same bounds" \
		"$((($(stat_of $vf lag_bound_ns) + 999) / 1000)) \
$((($(stat_of $vf latency_bound_ns) + 999) / 1000))" \
		"$(get vf$vf lag_bound_us) $(get vf$vf sched_latency_bound_us)"
done
set_to vf2 weight 100

# A lone VF
flood 2
no_work_of 1 3
record alone 1
all=$(elapsed alone)
check_range "a VF that is alone has all of the time" $((all - all / 1000)) \
	$((all + 1000)) "$(gain alone 2 runtime_ns)"
check_range "and is not interrupted" 0 0 "$(gain alone 2 slices)"
check_equal "all lines are of one moment: the functions add up to the total" " 0 0" "$(apart alone)"
load_kill 2
finish

# A cap: 10 ms in 100 ms
start
check "VF1 has a cap" set_to vf1 cap_us "10000 100000"
flood 1
record cap 1
all=$(elapsed cap)
check_range "alone it has not more than that, and not much less" $((all / 10 - 15000000)) \
	$((all / 10 + 11000000)) "$(service cap 1)"
check_range "it was throttled in each period" $((all / 100000000 - 1)) \
	$((all / 100000000 + 1)) "$(gain cap 1 throttles)"
# counted when somebody starts: 90 ms each time
check_range "the engine is empty meanwhile" $((all * 8 / 10)) $all "$(grown cap empty_ns)"
flood 2 3 4
record cap 1
all=$(elapsed cap)
check_range "beside others neither" $((all / 10 - 15000000)) $((all / 10 + 11000000)) \
	"$(service cap 1)"
for vf in 2 3 4; do
	check_range "VF$vf has a third of the rest" 285 318 "$(part cap $vf)"
done
for policy in rr coop fixed; do
	check_write "the same under policy $policy" $policy $ADMIN/policy
	sleep 0.1
	record $policy 0.5
	check_range "$policy: not more than the cap" 1 $(($(elapsed $policy) / 10 + 21000000)) \
		"$(service $policy 1)"
done
write_to eevdf $ADMIN/policy
set_to vf1 cap_us max
sleep 0.3
record nocap 0.5
check_range "without cap it has a quarter again" 230 270 "$(part nocap 1)"
check_no_trouble "cap"
for vf in 1 2 3 4; do
	load_kill $vf
done
finish

# A reservation: 10 ms in 50 ms, for a VF of little weight
start
write_to 100 $BULK/preempt_timeout_us
check "VF1 has little weight" set_to vf1 weight 1
flood 1 2 3 4
record little 0.5
check_range "and little time" 0 30 "$(part little 1)"
check "VF1 has a reservation" set_to vf1 reservation_us "10000 50000"
sleep 0.2
record reservation 1
all=$(elapsed reservation)
check_range "it has what is reserved, and little more" $((all / 5 - 5000000)) \
	$((all / 5 + 15000000)) "$(gain reservation 1 runtime_ns)"
check_range "in each period" $((all / 50000000 - 2)) $((all / 50000000 + 2)) \
	"$(gain reservation 1 periods)"
check_equal "and misses none" 0 "$(stat_of 1 period_misses)"
for vf in 2 3 4; do
	check_range "VF$vf has a third of the rest" 245 280 "$(part reservation $vf)"
done
refused "more cannot be promised" "45000 50000" $(profile vf2 reservation_us) \
	"Device or resource busy" "VF2: reservation_us 45000 50000: budget of reservation_us"
refused "nor can a timeout be so long" 45000 $(profile vf3 preempt_timeout_us) \
	"Device or resource busy" "VF3: preempt_timeout_us 45000: .*reserved"
set_to vf1 reservation_us none
check_no_trouble "reservation"
for vf in 1 2 3 4; do
	load_kill $vf
done
finish

# Priorities: 1 ms of work now and then, beside floods of all others
sparse()
{
	start
	set_to vf1 sched_priority $1
	flood 2 3 4
	for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
		stream $(vf_node 1) --groups 50 --jobs 1 > /dev/null || echo "# failed"
		sleep 0.03
	done
	record sparse 1
	late=$(stat_of 1 wake_p50_ns)
	for vf in 2 3 4; do
		check_range "$1: VF$vf has a third of what VF1 leaves" 300 366 "$(part sparse $vf)"
	done
	check_range "$1: switching takes no more than the target" 1 \
		"$(stat_value overhead_target_ppm)" "$(stat_value overhead_ppm)"
	check_range "$1: VF1 has waited for no longer than its bound" 1 \
		$(stat_of 1 latency_bound_ns) "$(stat_of 1 wake_max_ns)"
	check_no_trouble "$1"
	for vf in 2 3 4; do
		load_kill $vf
	done
	finish
}
sparse high
high=$late
sparse low
check_range "high: VF1 starts after the smallest slice and a switch" 1 1700000 $high
check_range "low: VF1 waits for longer" $((high * 2)) 1000000000 $late

check_log_clean
ktap_end
