#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: qemu.sh		build/qemu: it runs the lab and is what the lab tests
#        qemu.sh plugins	build/qemu-plugins: runs L1 for the benchmarks, which
#				count instructions by a TCG plugin
#
#        qemu.sh sanitize	build/qemu-sanitize: the same checked by ASan and UBSan,
#				and qemu-fuzz-x86_64, which is libFuzzer's
#
# Builds qemu-system-x86_64 from the patched tree.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/build/qemu-configure.sh"

TREE=$BUILD/trees/qemu-10.0
NAME=qemu${1:+-$1}
OUT=$BUILD/$NAME
TARGETS=(qemu-system-x86_64)

choose() {
	case ${1-} in
	"") ;;
	plugins) QEMU_OPTIONS+=(--enable-plugins) ;;
	sanitize)
		# Some of what is built runs in the build, and libraries keep what they have.
		export ASAN_OPTIONS=detect_leaks=0
		QEMU_OPTIONS+=(--cc=clang --cxx=clang++ --enable-asan --enable-ubsan --enable-fuzzing)
		TARGETS+=(qemu-fuzz-x86_64)
		;;
	*) die "no QEMU is known as '$1'" "give plugins, sanitize, or nothing" ;;
	esac
}

build_qemu() {
	ninja -C "$OUT" -j"$(jobs)" "${TARGETS[@]}"
}

main() {
	local hash

	choose "$@"
	"$LAB/fetch/tools.sh"
	"$LAB/fetch/tree.sh" qemu-10.0
	lock "$NAME"
	steps 2
	hash=$(qemu_hash "$OUT")
	if ! is_fresh "$NAME-configure" "$hash" "$OUT/build.ninja"; then
		step "configure $NAME"
		logged "configure${1:+-$1}" configure_qemu "$TREE" "$OUT"
		stamp "$NAME-configure" "$hash"
	else
		steps 1
	fi
	step "build $NAME"
	logged "build${1:+-$1}" build_qemu
	link_firmware "$OUT"
	done_with "build/$NAME/qemu-system-x86_64 is built"
}

main "$@"
