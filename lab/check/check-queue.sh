#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Puts the defects that the queue for QEMU is about back, one by one, and has a
# qtest see each.  Then builds QEMU after each patch of the queue, the last one
# first, and after each topic runs what there is by then of the qtests of remote
# devices.  What has passed is not done again as long as the source up to that patch
# is the same.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/lib/git.sh"
. "$LAB/build/qemu-configure.sh"
. "$LAB/build/queue-tree.sh"

TESTS=$LOGS/check-queue

# The programs whose names begin as the patches' own qtests do.
qtests() {
	ninja -C "$OUT" -t targets all | sed -n 's,^\(tests/qtest/remote-[a-z]*-test\):.*,\1,p'
}

# The first call of ninja lets meson look at what the patch changed.
build_patch() {
	tree_git "$TREE" checkout -q --detach "$1" &&
		ninja -C "$OUT" build.ninja &&
		ninja -C "$OUT" -j"$(jobs)" qemu-system-x86_64 $(qtests)
}

# run_qtest NAME QTEST
run_qtest() {
	local log=$TESTS/$1-${2##*/}.log

	cd "$OUT"
	QTEST_QEMU_BINARY=./qemu-system-x86_64 "$2" --tap -k >"$log" 2>&1 </dev/null &&
		! grep -q '^ *not ok' "$log"
}

# test_patch NAME: prints how many cases passed.  A qtest waits for most of its time.
test_patch() {
	link_firmware "$OUT"
	export -f run_qtest
	qtests | OUT=$OUT TESTS=$TESTS xargs -P $((2 * $(jobs))) -I{} \
		bash -c 'run_qtest "$@"' check-queue "$1" {} || return
	find "$TESTS" -name "$1-*-test.log" -exec cat {} + |
		awk '/^ok/ && tolower($0) !~ /# *skip/ { n++ } END { print n + 0 }'
}

# check_patch COMMIT NAME HOW
check_patch() {
	local start=$SECONDS cases=no

	if ! (build_patch "$1") >"$TESTS/$2-build.log" 2>&1 </dev/null; then
		echo "fail $2: does not build, log: $TESTS/$2-build.log"
		return 1
	fi
	if [ "$3" = tested ] && ! cases=$(test_patch "$2"); then
		echo "fail $2: a qtest fails, logs: $TESTS/$2-*-test.log"
		return 1
	fi
	echo "pass $2 $((SECONDS - start)) s: $cases cases of qtests passed"
}

check_defects() {
	logged head build_patch FETCH_HEAD
	link_firmware "$OUT"
	"$LAB/check/check-defects" "$TREE" "$OUT"
}

# The last patch of each topic, which stands before the next one's cover, is tested.
check_patches() {
	local commit done failed=0 how=tested

	for commit in $(tree_git "$TREE" rev-list pristine..FETCH_HEAD); do
		if is_cover "$TREE" "$commit"; then
			how=tested
			continue
		fi
		done="$how $(tree_git "$TREE" rev-parse "$commit^{tree}")"
		if ! grep -qsx "$done" "$PASSED"; then
			if check_patch "$commit" \
				"$(tree_git "$TREE" log -1 --format=%f "$commit")" "$how"; then
				echo "$done" >>"$PASSED"
			else
				failed=$((failed + 1))
			fi
		fi
		how=built
	done
	[ $failed = 0 ] || die "$failed patches of the queue fail"
}

main() {
	"$LAB/fetch/tools.sh"
	"$LAB/fetch/tree.sh" qemu-10.0
	lock qemu-queue
	prepare_queue_tree qemu-queue
	PASSED=$OUT/passed
	rm -rf "$TESTS"
	mkdir -p "$TESTS"
	check_defects
	check_patches
	done_with "each patch of the queue builds, and each topic passes its qtests"
}

main "$@"
