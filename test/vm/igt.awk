# SPDX-License-Identifier: GPL-2.0-only
#
# awk -f igt.awk program=NAME is=expected igt.expected is=subtests SUBTESTS is=said
# OUTPUT: judges the output of one program of IGT, all of whose subtests are listed
# in SUBTESTS. A line for each:
#
#	pass|fail|skip	NAME	WHY
#
# and "told NAME WHY" where something was expected but did not happen.

function exists(path)
{
	return system("test -e " path) == 0
}

# "a*b" as a regular expression
function glob(pattern)
{
	gsub(/[.+?()^$|\[\]]/, "\\\\&", pattern)
	gsub(/\*/, ".*", pattern)
	return "^" pattern "$"
}

function expect(    i, result)
{
	sub(/^[ \t]+/, "")
	split($2, result, "-without=")
	if (result[2] && exists(result[2]))
		return
	i = rules++
	pattern[i] = glob($1)
	expected[i] = result[1]
	sub(/^[^ \t]+[ \t]+[^ \t]+[ \t]+/, "")
	reason[i] = $0
}

function say(verdict, subtest, why)
{
	print verdict "\t" program (subtest == "-" ? "" : "@" subtest) "\t" why
}

function judge(subtest, result, why,    i, want)
{
	if (subtest in judged)
		return
	judged[subtest] = 1
	for (i = 0; i < rules && subtest !~ pattern[i]; i++)
		;
	want = i < rules ? expected[i] : "pass"
	if (result == "SUCCESS") {
		say("pass", subtest)
		if (want != "pass")
			say("told", subtest, "passes, though listed: " want ", " reason[i])
	} else if (result == "SKIP") {
		if (want == "skip")
			say("skip", subtest, reason[i] " (IGT: " why ")")
		else
			say("fail", subtest, "skipped: " why)
	} else if (want == "fail" && result == "FAIL") {
		say("skip", subtest, "fails: " reason[i] " (IGT: " why ")")
	} else {
		say("fail", subtest, result ": " why)
	}
}

function remember(text)
{
	if (length(why) < 300)
		why = why (why ? "; " : "") text
}

BEGIN {
	FS = "[ \t]+"
}

is == "expected" && (/^#/ || NF == 0) {
	next
}

is == "expected" && /^[^ \t]/ {
	mine = $1 == program
	next
}

is == "expected" {
	if (mine)
		expect()
	next
}

# A program without any runs when asked for them.
is == "subtests" {
	if (/^[A-Za-z0-9_-]+$/)
		subtests[count++] = $1
	next
}

# A fixture that is not fulfilled is said once, before all that follow.
/^\*\*\*\* DEBUG \*\*\*\*/ {
	dump = 1
}

/^\*\*\*\*  END  \*\*\*\*/ {
	dump = 0
}

dump || /^\(.*(DEBUG|INFO):/ {
	next
}

/^Starting subtest: / {
	current = $3
	why = ""
	next
}

/^Test requirement not met/ {
	why = ""
	next
}

/^Test requirement: / {
	sub(/^Test requirement: /, "")
	remember($0)
	next
}

/CRITICAL: / {
	sub(/^.*CRITICAL: /, "")
	if ($0 !~ /^Test assertion failure|^Last errno: 0/)
		remember($0)
	next
}

/^Received signal|^No |error while loading/ {
	remember($0)
	next
}

/^Subtest [^ ]+: [A-Z]+ \(/ {
	sub(/:$/, "", $2)
	judge($2, $3, why)
	current = ""
	next
}

/^[A-Z]+ \([0-9.]+s\)/ {
	judge("-", $1, why)
}

END {
	if (!count)
		subtests[count++] = "-"
	for (i = 0; i < count; i++)
		if (!(subtests[i] in judged))
			say("fail", subtests[i], subtests[i] == current ? \
				"did not come to its end: " why : "was not run: " why)
}
