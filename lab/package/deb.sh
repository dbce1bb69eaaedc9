#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds build/debs/qemu-devuser_*.deb: the patched QEMU as a package that can be
# installed beside Debian's own.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/package/debs.sh"

QEMU=$BUILD/qemu/qemu-system-x86_64
WORK=$BUILD/deb

upstream() {
	cat "$BUILD/trees/qemu-10.0/VERSION"
}

package() {
	local tree=$WORK/qemu-devuser file

	rm -rf "$WORK"
	mkdir -p "$tree/debian"
	for file in control rules copyright; do
		sed "s/@UPSTREAM@/$(upstream)/g" "$LAB/package/deb/$file" >"$tree/debian/$file"
	done
	chmod +x "$tree/debian/rules"
	changelog qemu-devuser "$(upstream)+devuser$(git -C "$ROOT" rev-list --count HEAD)" \
		"QEMU $(upstream) with the patches of qemu-patches/10.0." >"$tree/debian/changelog"
	cp "$QEMU" "$LAB/package/deb/qemu-system-x86_64-devuser" "$tree/"
	chmod +x "$tree/qemu-system-x86_64-devuser"
	cat >"$tree/debian/install" <<-END
		qemu-system-x86_64 usr/lib/qemu-devuser
		qemu-system-x86_64-devuser usr/bin
	END
	build_deb "$tree" qemu-devuser
}

# What the package installs is in no package of the archive that this system knows,
# and starts from where it will be.
check_package() {
	local deb file

	deb=$(ls "$OUT"/qemu-devuser_*.deb)
	for file in $(dpkg-deb -c "$deb" | awk '$1 ~ /^-/ { print substr($6, 2) }'); do
		! dpkg -S "$file" 2>/dev/null | grep -v '^qemu-devuser:' ||
			die "$file belongs to another package"
	done
	rm -rf "$WORK/root"
	dpkg-deb -x "$deb" "$WORK/root"
	"$WORK/root/usr/lib/qemu-devuser/qemu-system-x86_64" --version
	"$WORK/root/usr/lib/qemu-devuser/qemu-system-x86_64" -device x-pci-proxy-dev,help |
		grep -q user-device || die "the packaged QEMU has no user device"
}

main() {
	local hash

	"$LAB/build/qemu.sh"
	lock deb
	hash=$(hash_text "$(hash_of "$LAB"/package/{deb,debs}.sh "$LAB/package/deb" "$QEMU")")
	if is_fresh deb "$hash" "$OUT"/qemu-devuser_*.deb; then
		say "up to date"
		return
	fi
	steps 2
	step "package QEMU"
	logged package package
	step "look into the package"
	logged check check_package
	stamp deb "$hash"
	done_with "$(cd "$BUILD" && ls debs/qemu-devuser_*.deb) is built"
}

main
