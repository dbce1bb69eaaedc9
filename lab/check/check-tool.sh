#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: check-tool.sh [--deep]
#
# Tests kvm-devuser: by itself, with sanitizers and valgrind, and in L1 with real
# devices; and that all who name the keys of fdinfo name the same.  With --deep in L1 on
# other kernels instead: of 7.3, with KVM built in, and one that tells of failures; and each
# bug in lab/check/tool-defects.toml is planted, and seen by a test.

. "$(dirname "$0")/../lib/lib.sh"

TOOL=$ROOT/tools/kvm/devuser
OUT=$BUILD/tool
VALGRIND="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
	--show-leak-kinds=definite --suppressions=/usr/share/glib-2.0/valgrind/glib.supp
	--log-fd=9"

# make_tool KIND ARGUMENT...: with its products in a folder for that kind.
make_tool() {
	local kind=$1

	shift
	make -C "$TOOL" -j1 OUTPUT="$OUT/$kind/" "$@"
}

# Leaks of what lasts until the end are seen by the first, wild reads by both.
check_sanitized() {
	mkdir -p "$OUT/sanitized"
	G_SLICE=always-malloc make_tool sanitized SANITIZE=1 check
}

# What valgrind says is no output of the program's, which is looked at.
check_valgrind() {
	local log=$OUT/plain/valgrind

	make_tool plain TEST_WRAPPER="$(tr -s '\n\t ' ' ' <<<"$VALGRIND")" \
		check-units check-commands 9>"$log" || die "a test failed; valgrind: $(cat "$log")"
}

# check_in_l1 NAME L1-ARGUMENT... [-- TEST...]
check_in_l1() {
	local name=$1 arguments=()

	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		arguments+=("$1")
		shift
	done
	"$LAB/boot/l1" --out="$LOGS/tool-$name" --timeout=1800 "${arguments[@]}" -- \
		"$LAB/boot/tool-in-l1" "$OUT/plain/kvm-devuser" "$OUT/plain/tests/vmm" \
		"$BUILD/modules" "$BUILD/stock" "$BUILD/qemu/qemu-system-x86_64" "${@:2}"
}

tested_hash() {
	hash_text "$(hash_of "$TOOL" "$LAB"/check/check-{tool,keys}.sh \
		"$LAB"/boot/{tool-in-l1,qmp.py} "$ROOT/include" "$ROOT/virt/kvm/devuser/status.c" \
		"$BUILD/modules" "$BUILD/qemu/qemu-system-x86_64" \
		"$ROOT/Documentation/virt" "$ROOT/Documentation/ABI" "$@")"
}

passed() {
	grep -c '^ok [^#]*$' "$LOGS/check-tool-$1.log"
}

check_deep() {
	local hash kernel=$BUILD/kernel-7.3/arch/x86/boot/bzImage

	"$LAB/build/modules.sh" optional
	[ -e "$kernel" ] || die "build/kernel-7.3 is missing" "build it: KERNEL=7.3 make kernel"
	hash=$(tested_hash "$BUILD/modules-optional" "$kernel" \
		"$LAB"/check/{check-tool-defects,tool-defects.toml})
	if is_fresh tool-deep "$hash"; then
		say "up to date"
		return
	fi
	steps 3
	step "test it in L1, on 7.3"
	logged 7.3 check_in_l1 7.3 --kernel="$kernel"
	step "test it in L1, on a kernel that tells of failures"
	logged told check_in_l1 told --modules="$BUILD/modules-optional" -- \
		told events failure_told reasons_told seldom_told end_told
	step "plant bugs in it"
	logged defects "$LAB/check/check-tool-defects"
	stamp tool-deep "$hash"
	done_with "$(passed 7.3) tests on 7.3 and $(passed told) where failures are told passed, $(
		tail -n 1 "$LOGS/check-tool-defects.log")"
}

main() {
	local hash

	"$LAB/build/tool.sh"
	lock tool
	case ${1:-} in
	"") ;;
	--deep) check_deep; return ;;
	*) die "check-tool.sh takes --deep, or nothing, not '$1'" ;;
	esac
	hash=$(tested_hash)
	if is_fresh tool "$hash"; then
		say "up to date"
		return
	fi
	steps 4
	step "look for the keys of fdinfo in all places"
	logged keys "$LAB/check/check-keys.sh"
	step "test it with sanitizers"
	logged sanitized check_sanitized
	step "test it with valgrind"
	logged valgrind check_valgrind
	step "test it in L1"
	logged l1 check_in_l1 l1
	stamp tool "$hash"
	done_with "$(grep -c '^ok' "$LOGS/check-tool-sanitized.log") tests here, $(
		passed l1) in L1 passed"
}

main "$@"
