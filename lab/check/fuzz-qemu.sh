#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: fuzz-qemu.sh		RUNS=1000000 inputs for each target
#
# libFuzzer on what QEMU and a remote process say to each other, with ASan and
# UBSan: what a process gets from a hostile QEMU, and QEMU from a hostile process,
# by its devices' channels and by its primary one.  Then the bugs of
# fuzz-defects.toml, each of which has to be found.  What has been learnt stays in
# build/fuzz-qemu for the next time.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/lib/fuzz.sh"
. "$LAB/build/qemu-configure.sh"	# the bugs are built by ninja

TARGETS=(remote-messages remote-replies remote-primary)
CORPUS=$BUILD/fuzz-qemu

# Inputs of any length come at once: short ones do not get far.
# An input that takes long is a failure, too, and so is memory that a peer has QEMU
# allocate: more than the longest state of a device is not to be had at once.
fuzz() {
	"$OUT/qemu-fuzz-x86_64" --fuzz-target="$1" "${COMMON[@]}" -max_len=4096 -len_control=0 \
		-timeout=60 -malloc_limit_mb=160 -rss_limit_mb=2048 \
		-use_value_profile=1 -artifact_prefix="$LOGS/$ME-$1-" "$CORPUS/$1"
}

# Whether all went well is what their logs say.
fuzz_all() {
	local target

	for target in "${TARGETS[@]}"; do
		fuzz "$target" >"$LOGS/$ME-$target.log" 2>&1 </dev/null &
	done
	wait
}

main() {
	local target

	need_runs
	"$LAB/build/qemu.sh" sanitize
	lock fuzz-qemu
	for target in "${TARGETS[@]}"; do
		mkdir -p "$CORPUS/$target"
	done
	"$LAB/check/fuzz-seeds" "$CORPUS"
	steps 2
	step "${TARGETS[*]}, $RUNS inputs each"
	fuzz_all
	for target in "${TARGETS[@]}"; do
		check_count "$target" 'ERROR:|runtime error:'
	done
	step "bugs that they have to find"
	"$LAB/check/check-fuzz-defects" "$BUILD/trees/qemu-10.0" "$OUT" ||
		die "a bug was not found"
	done_with "what the processes say to each other is fuzzed"
}

main
