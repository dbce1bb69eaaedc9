# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What the scripts that run QEMU's fuzzers share; sourced after lib.sh.

RUNS=${RUNS-1000000}	# inputs for each target
OUT=$BUILD/qemu-sanitize

need_runs() {
	[[ $RUNS =~ ^[1-9][0-9]*$ ]] || die "RUNS is a number of inputs, not '$RUNS'"
}

# check_count TARGET PATTERN: libFuzzer counts what it has run, and says so only when
# it ends well.  What PATTERN finds in the log is why it did not.
check_count() {
	local log=$LOGS/$ME-$1.log count

	count=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log")
	[ "${count:-0}" -ge "$RUNS" ] ||
		die "$1: stopped before $RUNS inputs were run" \
		    "$(grep -aEm1 "$2" "$log" || echo "it was ended")" \
		    "full log: $log"
	say "$1: $count inputs, no complaint"
}
