#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Compiles security/selinux, and links it with Debian's reference policy as it is:
# build/selinux/root has what L1 loads.  Neverallow rules are checked by that, those of
# the reference policy as well.

. "$(dirname "$0")/../lib/lib.sh"

OUT=$BUILD/selinux
DEBIAN=$BUILD/sources/selinux
POLICY=$OUT/root/etc/selinux/default/policy

# store MODULE...: adds modules to the policy in build/selinux/root.
store() {
	local arguments=() module

	for module; do
		arguments+=(-i "$module")
	done
	semodule --path "$OUT/root" -s default -n "${arguments[@]}"
}

configure() {
	mkdir -p "$OUT/root/var/lib/selinux/default"
	sed 's/^expand-check=.*/expand-check=1/' /etc/selinux/semanage.conf \
		>"$OUT/root/etc/selinux/semanage.conf"
	printf 'SELINUX=enforcing\nSELINUXTYPE=default\n' >"$OUT/root/etc/selinux/config"
}

# As the package's maintainer script does it.
link_debian() {
	rm -rf "$OUT/root" "$OUT/debian"
	dpkg-deb -x "$DEBIAN"/selinux-policy-default_*.deb "$OUT/debian"
	mkdir -p "$OUT/root/etc"
	cp -r "$OUT/debian/etc/selinux" "$OUT/root/etc/"
	configure
	semodule --path "$OUT/root" -s default -n -X 100 \
		-i "$OUT/debian"/usr/share/selinux/default/*.pp.bz2
	[ -n "$(ls "$POLICY")" ] || die "no policy was linked"
}

compile() {
	rm -rf "$OUT/modules"
	mkdir -p "$OUT/modules"
	cp "$ROOT"/security/selinux/* "$LAB/boot/selinux/lab.te" "$OUT/modules/"
	make -C "$OUT/modules" -f /usr/share/selinux/devel/Makefile NAME=default \
		qemu_remote.pp lab.pp
}

# The store may have an older one of these.
link() {
	store "$OUT/modules"/{qemu_remote.pp,qemu_remote_mcs.cil,lab.pp}
}

main() {
	local base hash

	"$LAB/fetch/sources.sh" selinux
	lock selinux
	base=$(hash_text "$(ls "$DEBIAN")" "$(hash_of "$LAB/build/selinux.sh")")
	hash=$(hash_text "$base" "$(hash_of "$ROOT/security/selinux" "$LAB/boot/selinux")")
	if is_fresh selinux "$hash" "$POLICY"; then
		say "up to date"
		return
	fi
	steps 3
	step "compile the module"
	logged compile compile
	step "link Debian's policy"
	if ! is_fresh selinux-debian "$base" "$OUT/root"; then
		logged debian link_debian
		stamp selinux-debian "$base"
	fi
	step "link the module with it"
	logged link link
	stamp selinux "$hash"
	done_with "build/selinux/root is built"
}

main
