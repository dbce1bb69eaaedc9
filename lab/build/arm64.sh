#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes what an arm64 L1 needs: its kernel, the selftests, and a busybox.

. "$(dirname "$0")/../lib/lib.sh"

unpack_busybox() {
	dpkg-deb --fsys-tarfile "$BUILD"/sources/arm64/busybox-static_*.deb |
		tar -xO --wildcards '*bin/busybox' >"$BUILD/busybox-arm64.new"
	chmod 755 "$BUILD/busybox-arm64.new"
	mv "$BUILD/busybox-arm64.new" "$BUILD/busybox-arm64"
}

main() {
	"$LAB/build/kernel.sh" arm64
	"$LAB/build/selftests.sh" arm64
	"$LAB/fetch/sources.sh" arm64
	lock busybox-arm64
	[ -x "$BUILD/busybox-arm64" ] || logged busybox unpack_busybox
}

main
