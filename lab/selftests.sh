#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the component's KVM selftests, and those of KVM's own that touch I/O,
# and installs them with the kselftest runner in build/selftests.

. "$(dirname "$0")/lib.sh"

TREE=$BUILD/trees/linux-6.12
OBJECTS=$BUILD/selftests-objects
OUT=$BUILD/selftests

# All of KVM's tests take many minutes to build: the list of its Makefile is
# replaced.  make expands the variable there.
TESTS='coalesced_io_test kvm_binary_stats_test set_memory_region_test
	x86_64/userspace_io_test $(DEVUSER_TESTS)'

# FORCE_TARGETS makes a test that does not build an error.
build() {
	make -C "$TREE" O="$OBJECTS" -j"$(jobs)" headers
	rm -rf "$OUT.new"
	make -C "$TREE/tools/testing/selftests" O="$OBJECTS" -j"$(jobs)" \
		TARGETS=kvm FORCE_TARGETS=1 INSTALL_PATH="$OUT.new" \
		TEST_GEN_PROGS_x86_64="$TESTS" \
		TEST_GEN_PROGS_EXTENDED_x86_64='$(DEVUSER_BENCH)' \
		TEST_PROGS_x86_64= install
	rm -rf "$OUT"
	mv "$OUT.new" "$OUT"
}

# Everything that the tests include.
source_hash() {
	hash_of "$LAB/selftests.sh" "$BUILD/sources/linux-6.12/release" \
		"$TREE/tools/testing/selftests/kvm" \
		"$TREE/include/uapi" "$TREE/arch/x86/include/uapi"
}

main() {
	local hash

	"$LAB/tree.sh" linux-6.12
	lock selftests
	hash=$(source_hash)
	if is_fresh selftests "$hash" "$OUT/run_kselftest.sh"; then
		say "up to date"
		return
	fi
	steps 1
	step "build the selftests"
	logged build build
	stamp selftests "$hash"
	done_with "$(wc -l <"$OUT/kselftest-list.txt") tests are in build/selftests"
}

main
