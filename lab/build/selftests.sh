#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: selftests.sh [x86|arm64]
#
# Builds the component's KVM selftests, and those of KVM's own that touch I/O,
# and installs them with the kselftest runner in build/selftests; for arm64 in
# build/selftests-arm64.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/build/arch.sh"

TREE=$BUILD/trees/linux-6.12

# All of KVM's tests take many minutes to build: the list of its Makefile is
# replaced.  make expands the variable there.
choose() {
	case $1 in
	x86)
		NAME=selftests
		LIST=x86_64
		TESTS='coalesced_io_test kvm_binary_stats_test set_memory_region_test
			x86_64/userspace_io_test $(DEVUSER_TESTS) $(DEVUSER_TESTS_X86)'
		PROGRAMS='$(DEVUSER_BENCH)'
		;;
	arm64)
		NAME=selftests-arm64
		LIST=aarch64
		TESTS='coalesced_io_test kvm_binary_stats_test set_memory_region_test
			$(DEVUSER_TESTS)'
		PROGRAMS=
		;;
	*) die "no selftests are known for '$1'" "give x86 or arm64" ;;
	esac
	build_for "$1"
	OBJECTS=$BUILD/$NAME-objects
	OUT=$BUILD/$NAME
}

# FORCE_TARGETS makes a test that does not build an error.
build() {
	make -C "$TREE" O="$OBJECTS" -j"$(jobs)" headers
	rm -rf "$OUT.new"
	make -C "$TREE/tools/testing/selftests" O="$OBJECTS" -j"$(jobs)" \
		TARGETS=kvm FORCE_TARGETS=1 INSTALL_PATH="$OUT.new" \
		TEST_GEN_PROGS_$LIST="$TESTS" \
		TEST_GEN_PROGS_EXTENDED_$LIST="$PROGRAMS" \
		TEST_PROGS_$LIST= install
	rm -rf "$OUT"
	mv "$OUT.new" "$OUT"
}

# Everything that the tests include.
source_hash() {
	hash_of "$LAB"/build/{selftests,arch}.sh "$BUILD/sources/linux-6.12/release" \
		"$TREE/tools/testing/selftests/kvm" \
		"$TREE/include/uapi" "$TREE/arch/$ARCH/include/uapi"
}

main() {
	local hash

	choose "${1:-x86}"
	"$LAB/fetch/tree.sh" linux-6.12
	lock "$NAME"
	hash=$(source_hash)
	if is_fresh "$NAME" "$hash" "$OUT/run_kselftest.sh"; then
		say "up to date"
		return
	fi
	steps 1
	step "build the selftests"
	logged "$NAME" build
	stamp "$NAME" "$hash"
	done_with "$(wc -l <"$OUT/kselftest-list.txt") tests are in build/$NAME"
}

main "$@"
