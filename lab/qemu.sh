#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds build/qemu/qemu-system-x86_64 from the patched tree.  It runs the lab
# and is what the lab tests.

. "$(dirname "$0")/lib.sh"

TREE=$BUILD/trees/qemu-10.0
OUT=$BUILD/qemu

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

# meson is found here, at configure time and whenever ninja calls it again.
export PYTHONPATH=$BUILD/tools/usr/lib/python3/dist-packages

configure_qemu() {
	rm -rf "$OUT"
	mkdir -p "$OUT"
	cd "$OUT"
	"$TREE/configure" "${OPTIONS[@]}"
}

build_qemu() {
	ninja -C "$OUT" -j"$(jobs)" qemu-system-x86_64
}

main() {
	local hash

	"$LAB/tools.sh"
	"$LAB/tree.sh" qemu-10.0
	lock qemu
	steps 2
	hash=$(hash_text "${OPTIONS[@]}" "$OUT" "$(ls "$BUILD/sources/"{qemu-10.0,tools})")
	if ! is_fresh qemu-configure "$hash" "$OUT/build.ninja"; then
		step "configure QEMU"
		logged configure configure_qemu
		stamp qemu-configure "$hash"
	else
		steps 1
	fi
	step "build QEMU"
	logged build build_qemu
	done_with "build/qemu/qemu-system-x86_64 is built"
}

main
