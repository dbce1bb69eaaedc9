#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: tool.sh [check]
#
# Builds kvm-devuser in build/tool; with "check" tests it as well: by itself, with
# sanitizers and valgrind, and in L1 with real devices.

. "$(dirname "$0")/lib.sh"

TOOL=$ROOT/tools/kvm/devuser
OUT=$BUILD/tool
VALGRIND="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
	--show-leak-kinds=definite --suppressions=/usr/share/glib-2.0/valgrind/glib.supp"

# make_tool KIND ARGUMENT...: with its products in a folder for that kind.
make_tool() {
	local kind=$1

	shift
	mkdir -p "$OUT/$kind"
	make -C "$TOOL" -j"$(jobs)" OUTPUT="$OUT/$kind/" "$@"
}

build() {
	make_tool plain all vmm
}

# Leaks of what lasts until the end are seen by the first, wild reads by both.
check_sanitized() {
	G_SLICE=always-malloc make_tool sanitized -j1 SANITIZE=1 check
}

check_valgrind() {
	make_tool plain -j1 TEST_WRAPPER="$(tr -s '\n\t ' ' ' <<<"$VALGRIND")" check-units
}

check_in_l1() {
	"$LAB/boot/l1" --out="$LOGS/tool-l1" --timeout=1800 -- "$LAB/boot/tool-in-l1" \
		"$OUT/plain/kvm-devuser" "$OUT/plain/tests/vmm" "$BUILD/modules" \
		"$BUILD/stock" "$BUILD/qemu/qemu-system-x86_64"
}

tested_hash() {
	hash_text "$(hash_of "$TOOL" "$LAB"/{tool,check-keys}.sh "$LAB/boot/tool-in-l1" \
		"$ROOT/include" "$BUILD/modules" "$ROOT/virt/kvm/devuser/status.c" \
		"$ROOT/Documentation/virt" "$ROOT/Documentation/ABI")"
}

check() {
	local hash

	hash=$(tested_hash)
	if is_fresh tool "$hash"; then
		say "up to date"
		return
	fi
	steps 5
	step "build kvm-devuser"
	logged build build
	step "look for the keys of fdinfo in all places"
	logged keys "$LAB/check-keys.sh"
	step "test it with sanitizers"
	logged sanitized check_sanitized
	step "test it with valgrind"
	logged valgrind check_valgrind
	step "test it in L1"
	logged l1 check_in_l1
	stamp tool "$hash"
	done_with "$(grep -c '^ok' "$LOGS/tool-sanitized.log") tests here, $(
		grep -c '^ok' "$LOGS/tool-l1.log") in L1 passed"
}

main() {
	lock tool
	case ${1:-} in
	check) check ;;
	'')
		steps 1
		step "build kvm-devuser"
		logged build build
		done_with "build/tool/plain/kvm-devuser is built" ;;
	*) die "what is '$1'?" "give check, or nothing" ;;
	esac
}

main "$@"
