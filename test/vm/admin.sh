# SPDX-License-Identifier: GPL-2.0-only
#
# sriov_admin/ of the PF. To be sourced, after ktap.sh and sysfs.sh.

ADMIN=$PF/sriov_admin
BULK=$ADMIN/.bulk_profile

# profile FUNCTION SETTING: path; FUNCTION is pf, vf1, …
profile()
{
	echo $ADMIN/$1/profile/$2
}

# get FUNCTION SETTING, set FUNCTION SETTING VALUE
get()
{
	cat $(profile $1 $2) 2>&1
}

set_to()
{
	write_to "$3" $(profile $1 $2)
}

# The value of a setting of all functions, each different one once.
of_all()
{
	cat $ADMIN/*/profile/$1 | sort | uniq | tr '\n' ' ' | sed 's/ $//'
}

# What is refused is limited in the log: 20 lines in 5 s.
refusals=0
refused()
{
	refusals=$((refusals + 1))
	[ $((refusals % 15)) != 0 ] || sleep 6
	check_refused "$@"
}
