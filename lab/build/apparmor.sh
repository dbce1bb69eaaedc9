#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Extracts Debian's AppArmor parser into build/apparmor, not to have it installed here,
# with the profiles of security/apparmor beside Debian's own: what L1 loads.

. "$(dirname "$0")/../lib/lib.sh"

OUT=$BUILD/apparmor
DEBIAN=$BUILD/sources/apparmor

extract() {
	rm -rf "$OUT"
	dpkg-deb -x "$DEBIAN"/apparmor_*.deb "$OUT"
	cp -r "$ROOT"/security/apparmor/* "$OUT/etc/apparmor.d/"
}

# The kernel's features are those that the profiles name.
compile() {
	local abi=$OUT/etc/apparmor.d/abi/3.0

	"$OUT/sbin/apparmor_parser" --skip-kernel-load --skip-cache --stdout \
		--config-file=/dev/null --base="$OUT/etc/apparmor.d" \
		--policy-features="$abi" --kernel-features="$abi" \
		"$OUT/etc/apparmor.d/qemu-remote" >"$OUT/profiles"
	[ -s "$OUT/profiles" ] || die "nothing was compiled"
}

main() {
	local hash

	"$LAB/fetch/sources.sh" apparmor
	lock apparmor
	hash=$(hash_text "$(ls "$DEBIAN")" "$(hash_of "$LAB/build/apparmor.sh" "$ROOT/security/apparmor")")
	if is_fresh apparmor "$hash" "$OUT/profiles"; then
		say "up to date"
		return
	fi
	steps 2
	step "extract the parser"
	logged extract extract
	step "compile the profiles"
	logged compile compile
	stamp apparmor "$hash"
	done_with "build/apparmor is built"
}

main
