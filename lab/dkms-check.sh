#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tries the DKMS package: installs it in a copy of this system, where DKMS builds
# the modules, and carries the result into L1, which uses and removes it.

. "$(dirname "$0")/lib.sh"

OUT=$BUILD/dkms-check
DEBS=$BUILD/debs

as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_in_copy() {
	mkdir -p "$OUT"
	rm -f "$OUT/files.tar"
	as_root unshare --mount "$LAB/boot/dkms-host" "$OUT/files.tar" \
		"$BUILD"/sources/dkms/*.deb \
		"$BUILD"/sources/linux-6.12/linux-{image,headers,kbuild}-*.deb "$DEBS"/kvm-devuser-dkms_*.deb
}

use_in_l1() {
	"$LAB/boot/l1" --out="$OUT/l1" --modules=stock --timeout=400 -- \
		"$LAB/boot/dkms-in-l1" "$OUT/files.tar" \
		"$BUILD/selftests/kvm/devuser_example"
}

main() {
	"$LAB/sources.sh" dkms
	"$LAB/dkms-deb.sh"
	lock dkms-check
	steps 2
	step "install the package in a copy of this system"
	logged install install_in_copy
	step "use it and remove it in L1"
	logged l1 use_in_l1
	done_with "$(tail -n 1 "$OUT/l1/output")"
}

main
