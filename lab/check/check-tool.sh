#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests kvm-devuser: by itself, with sanitizers and valgrind, and in L1 with real
# devices; and that all who name the keys of fdinfo name the same.

. "$(dirname "$0")/../lib/lib.sh"

TOOL=$ROOT/tools/kvm/devuser
OUT=$BUILD/tool
VALGRIND="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
	--show-leak-kinds=definite --suppressions=/usr/share/glib-2.0/valgrind/glib.supp"

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

check_valgrind() {
	make_tool plain TEST_WRAPPER="$(tr -s '\n\t ' ' ' <<<"$VALGRIND")" check-units
}

check_in_l1() {
	"$LAB/boot/l1" --out="$LOGS/tool-l1" --timeout=1800 -- "$LAB/boot/tool-in-l1" \
		"$OUT/plain/kvm-devuser" "$OUT/plain/tests/vmm" "$BUILD/modules" \
		"$BUILD/stock" "$BUILD/qemu/qemu-system-x86_64"
}

tested_hash() {
	hash_text "$(hash_of "$TOOL" "$LAB"/check/check-{tool,keys}.sh "$LAB/boot/tool-in-l1" \
		"$ROOT/include" "$BUILD/modules" "$ROOT/virt/kvm/devuser/status.c" \
		"$ROOT/Documentation/virt" "$ROOT/Documentation/ABI")"
}

main() {
	local hash

	"$LAB/build/tool.sh"
	lock tool
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
	logged l1 check_in_l1
	stamp tool "$hash"
	done_with "$(grep -c '^ok' "$LOGS/check-tool-sanitized.log") tests here, $(
		grep -c '^ok' "$LOGS/check-tool-l1.log") in L1 passed"
}

main "$@"
