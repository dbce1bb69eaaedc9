# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What the scripts that run QEMU's fuzzers share; sourced after lib.sh.

RUNS=${RUNS-1000000}	# inputs for each target
OUT=$BUILD/qemu-sanitize
PAGE=$ROOT/Documentation/devuser/fuzzing.md

# ASan unwinds each stack of an allocation, keeps what is freed, and fills what is new:
# less is faster.
# Whether something leaks is what the targets themselves look at, so libFuzzer need
# not run each input twice for it.
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16:malloc_context_size=10:max_malloc_fill_size=256
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
# Nobody else writes to the corpus, so it need not be read again each second.  To count
# how rare each feature is takes up to a sixth of the time, and symbols take long to load.
COMMON=(-runs="$RUNS" -detect_leaks=0 -reload=0 -entropic=0 -print_funcs=0)

need_runs() {
	[[ $RUNS =~ ^[1-9][0-9]*$ ]] || die "RUNS is a number of inputs, not '$RUNS'"
}

cpus() {
	local range

	for range in $(sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status | tr , ' '); do
		seq "${range%-*}" "${range#*-}"
	done
}

# on_each_cpu FUNCTION TARGET...: as many of FUNCTION TARGET at a time as there are CPUs.
# A fuzzer and its process take turns, and wake each other with less on one CPU.
on_each_cpu() {
	local run=$1 target pid free
	local -A on

	shift
	mapfile -t free < <(cpus)
	for target in "$@"; do
		if [ ${#free[@]} = 0 ]; then
			wait -n -p pid || true
			free=("${on[$pid]}")
		fi
		(taskset -pc "${free[-1]}" $BASHPID >/dev/null || true; "$run" "$target") &
		on[$!]=${free[-1]}
		unset 'free[-1]'
	done
	wait
}

# record TARGET INPUTS EDGES SECONDS: a run more in its row of the page.
record() {
	awk -F ' *[|] *' -v target="$1" -v inputs="$2" -v edges="$3" -v seconds="$4" '
		$2 == target { $0 = "| " target " | " $3 + inputs " | " ($4 > edges + 0 ? $4 : edges) \
			" | " $5 + seconds " |" }
		1' "$PAGE" >"$PAGE.new"
	mv "$PAGE.new" "$PAGE"
}

# check_count TARGET PATTERN: libFuzzer counts what it has run, and says so only when
# it ends well, perhaps in a line that the process has begun.  What PATTERN finds in the
# log is why it did not.
check_count() {
	local log=$LOGS/$ME-$1.log count seconds edges

	read -r count seconds < <(sed -nE 's/.*Done ([0-9]+) runs in ([0-9]+) .*/\1 \2/p' "$log") || true
	[ "${count:-0}" -ge "$RUNS" ] ||
		die "$1: stopped before $RUNS inputs were run" \
		    "$(grep -aEm1 "$2" "$log" || echo "it was ended")" \
		    "full log: $log"
	edges=$(sed -nE 's/.*#[0-9]+\s+DONE\s+cov: ([0-9]+) .*/\1/p' "$log")
	record "$1" "$count" "$edges" "$seconds"
	say "$1: $count inputs in $seconds s, $edges edges, no complaint"
}
