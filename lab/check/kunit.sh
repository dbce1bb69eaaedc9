#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the component's KUnit tests with the kernel's own kunit.py: it builds the
# kernel of virt/kvm/devuser/.kunitconfig and boots it in the QEMU built here.

. "$(dirname "$0")/../lib/lib.sh"

TREE=$BUILD/trees/linux-6.12
OUT=$BUILD/kunit
SUITES='kvm_devuser*'
ARGUMENTS=(--arch=x86_64 --build_dir="$OUT" --kunitconfig=virt/kvm/devuser
	   --kunitconfig="$LAB/build/configs/kunit")

kunit() {
	local command=$1

	shift
	cd "$TREE"
	# It calls QEMU by its usual name.
	PATH=$BUILD/qemu:$PATH python3 -B tools/testing/kunit/kunit.py "$command" \
		"${ARGUMENTS[@]}" "$@"
}

build() {
	mkdir -p "$OUT"
	kunit config
	kunit build --jobs="$(jobs)"
}

# A suite that is not there is no error of kunit.py's: count the cases.
run_tests() {
	local report=$OUT/report expected passed

	kunit exec --qemu_args='-accel tcg -L /usr/share/qemu -L /usr/share/seabios' \
		--timeout=300 "$SUITES" | tee "$report"
	expected=$(cat "$ROOT"/virt/kvm/devuser/tests/*_kunit.c | grep -c 'KUNIT_CASE(')
	passed=$(sed -n 's/.*Testing complete.*passed: \([0-9]*\).*/\1/p' "$report")
	[ "${passed:-0}" -eq "$expected" ] ||
		die "$expected cases were expected, ${passed:-none} passed"
	echo "$passed" >"$OUT/passed"
}

main() {
	local hash

	"$LAB/fetch/tree.sh" linux-6.12
	lock kunit
	hash=$(hash_text "$(hash_of "$LAB/check/kunit.sh" "$LAB/build/configs/kunit" \
		"$ROOT/virt/kvm/devuser" "$ROOT/include" "$ROOT/kernel-patches/6.12" \
		"$BUILD/sources/linux-6.12/release")")
	if is_fresh kunit "$hash" "$OUT/passed"; then
		say "up to date: $(cat "$OUT/passed") KUnit tests passed"
		return
	fi
	steps 2
	step "build a kernel with the KUnit tests"
	logged build build
	step "run them"
	logged run run_tests
	stamp kunit "$hash"
	done_with "$(cat "$OUT/passed") KUnit tests passed"
}

main
