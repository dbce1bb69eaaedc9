#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tries the DKMS package: installs it in a copy of this system, where DKMS builds
# the modules, and carries the result into L1, which runs the selftests on them and
# removes it.

. "$(dirname "$0")/../lib/lib.sh"

OUT=$BUILD/check-dkms
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

# All but those that need a kernel which makes allocations fail, or one of 7.3.
selftests() {
	sed -n "s,^kvm:\(devuser_.*\),$BUILD/selftests/kvm/\1,p" "$BUILD/selftests/kselftest-list.txt" |
		grep -Ev '/devuser_(fail|split_avx)$'
}

use_in_l1() {
	local selftests

	mapfile -t selftests < <(selftests)
	[ ${#selftests[@]} -gt 0 ] || die "no selftest of the user device is installed"
	"$LAB/boot/l1" --out="$OUT/l1" --modules=stock --timeout=1500 -- \
		"$LAB/boot/dkms-in-l1" "$OUT/files.tar" "$BUILD/tool/plain/kvm-devuser" "${selftests[@]}"
}

main() {
	"$LAB/fetch/sources.sh" dkms
	"$LAB/package/dkms-deb.sh"
	"$LAB/build/tool.sh"
	lock check-dkms
	steps 2
	step "install the package in a copy of this system"
	logged install install_in_copy
	step "use it and remove it in L1"
	logged l1 use_in_l1
	done_with "$(tail -n 1 "$OUT/l1/output")"
}

main
