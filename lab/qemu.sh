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

. "$(dirname "$0")/lib.sh"

TREE=$BUILD/trees/qemu-10.0
NAME=qemu${1:+-$1}
OUT=$BUILD/$NAME
TARGETS=(qemu-system-x86_64)

# tcg and kvm run guests; virtfs (with attr and cap-ng) is L1's root; slirp is
# the network of the e1000e run; multiprocess is the subject.
OPTIONS=(
	--python=/usr/bin/python3
	--disable-download
	--target-list=x86_64-softmmu
	--without-default-features
	--enable-system
	--enable-kvm
	--enable-tcg
	--enable-multiprocess
	--enable-virtfs
	--enable-attr
	--enable-cap-ng
	--enable-seccomp
	--enable-slirp
	--enable-fdt=system
	--enable-trace-backends=log
	--disable-install-blobs
)

choose() {
	case ${1-} in
	"") ;;
	plugins) OPTIONS+=(--enable-plugins) ;;
	sanitize)
		OPTIONS+=(--cc=clang --cxx=clang++ --enable-asan --enable-ubsan --enable-fuzzing)
		TARGETS+=(qemu-fuzz-x86_64)
		;;
	*) die "no QEMU is known as '$1'" "give plugins, sanitize, or nothing" ;;
	esac
}

# meson is found here, at configure time and whenever ninja calls it again.
export PYTHONPATH=$BUILD/tools/usr/lib/python3/dist-packages

configure_qemu() {
	rm -rf "$OUT"
	mkdir -p "$OUT"
	cd "$OUT"
	"$TREE/configure" "${OPTIONS[@]}"
}

build_qemu() {
	ninja -C "$OUT" -j"$(jobs)" "${TARGETS[@]}"
}

main() {
	local hash

	choose "$@"
	"$LAB/tools.sh"
	"$LAB/tree.sh" qemu-10.0
	lock "$NAME"
	steps 2
	hash=$(hash_text "${OPTIONS[@]}" "$OUT" "$(ls "$BUILD/sources/"{qemu-10.0,tools})")
	if ! is_fresh "$NAME-configure" "$hash" "$OUT/build.ninja"; then
		step "configure $NAME"
		logged "configure${1:+-$1}" configure_qemu
		stamp "$NAME-configure" "$hash"
	else
		steps 1
	fi
	step "build $NAME"
	logged "build${1:+-$1}" build_qemu
	done_with "build/$NAME/qemu-system-x86_64 is built"
}

main "$@"
