#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: fuzz-qemu.sh		RUNS=1000000 inputs for each side
#
# libFuzzer on the messages between a proxy and a remote process, with ASan and
# UBSan, both sides at once.  What it has learnt stays in build/fuzz-qemu for the
# next time.

. "$(dirname "$0")/../lib/lib.sh"

RUNS=${RUNS-1000000}
TARGETS=(remote-messages remote-replies)
OUT=$BUILD/qemu-sanitize
CORPUS=$BUILD/fuzz-qemu

# An input that takes long is a failure, too.  Inputs of any length come at once:
# short ones do not get far.
fuzz() {
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		"$OUT/qemu-fuzz-x86_64" --fuzz-target="$1" -runs="$RUNS" -max_len=1024 \
		-len_control=0 -timeout=60 -use_value_profile=1 \
		-artifact_prefix="$LOGS/$ME-$1-" "$CORPUS/$1"
}

# Whether both went well is what their logs say.
fuzz_all() {
	local target

	for target in "${TARGETS[@]}"; do
		fuzz "$target" >"$LOGS/$ME-$target.log" 2>&1 </dev/null &
	done
	wait
}

# libFuzzer counts what it has run, and says so only when it ends well.
check_count() {
	local log=$LOGS/$ME-$1.log count

	count=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log")
	[ "${count:-0}" -ge "$RUNS" ] ||
		die "$1: stopped before $RUNS inputs were run" \
		    "$(grep -Em1 'ERROR:|runtime error:' "$log" || echo "it was ended")" \
		    "full log: $log"
	say "$1: $count inputs, no complaint"
}

main() {
	local target

	[[ $RUNS =~ ^[1-9][0-9]*$ ]] || die "RUNS is a number of inputs, not '$RUNS'"
	"$LAB/build/qemu.sh" sanitize
	lock fuzz-qemu
	"$LAB/check/fuzz-seeds" "$CORPUS"
	step "${TARGETS[*]}, $RUNS inputs each"
	fuzz_all
	for target in "${TARGETS[@]}"; do
		check_count "$target"
	done
	done_with "the messages between the processes are fuzzed"
}

main
