#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds build/debs/qemu-devuser-security_*.deb: the SELinux policy, the AppArmor
# profiles and the launcher for QEMU's remote processes.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/package/debs.sh"

PACKAGE=qemu-devuser-security
WORK=$BUILD/security-deb
CLASSES="disk filesystem network usb display sound other"

package() {
	local tree=$WORK/$PACKAGE class

	rm -rf "$WORK"
	mkdir -p "$tree/debian"
	cp "$LAB"/package/security-deb/{control,rules,copyright,install} "$tree/debian/"
	chmod +x "$tree/debian/rules"
	for class in $CLASSES; do
		echo "usr/libexec/qemu-remote/qemu-remote usr/libexec/qemu-remote/$class"
	done >"$tree/debian/links"
	changelog $PACKAGE "1+$(git -C "$ROOT" rev-list --count HEAD)" \
		"For the remote processes of qemu-patches/10.0." >"$tree/debian/changelog"
	cp "$BUILD/selinux/modules"/qemu_remote.{pp,if} "$ROOT/security/selinux/qemu_remote_mcs.cil" \
		"$tree/"
	cp -r "$ROOT/security"/{apparmor,launcher} "$tree/"
	build_deb "$tree" $PACKAGE
}

# Each class has its launcher, its domain and its profile.
check_package() {
	local root=$WORK/root class

	rm -rf "$root"
	dpkg-deb -x "$OUT"/${PACKAGE}_*.deb "$root"
	for class in $CLASSES; do
		[ -x "$root/usr/libexec/qemu-remote/$class" ] || die "no launcher for $class"
		grep -q "qemu_remote_${class}_t" "$root/usr/share/selinux/packages/qemu_remote.pp" ||
			die "no SELinux domain for $class"
		grep -q "^profile qemu-remote-$class " "$root/etc/apparmor.d/qemu-remote" ||
			die "no AppArmor profile for $class"
	done
	[ -e "$root/etc/apparmor.d/abstractions/qemu-remote" ] || die "no AppArmor abstraction"
}

main() {
	local hash

	"$LAB/build/selinux.sh"
	"$LAB/build/apparmor.sh"
	lock security-deb
	hash=$(hash_text "$(hash_of "$LAB"/package/{security-deb,debs}.sh "$LAB/package/security-deb" "$ROOT/security")")
	if is_fresh security-deb "$hash" "$OUT"/${PACKAGE}_*.deb; then
		say "up to date"
		return
	fi
	steps 2
	step "package the policies"
	logged package package
	step "look into the package"
	logged check check_package
	stamp security-deb "$hash"
	done_with "$(cd "$BUILD" && ls debs/${PACKAGE}_*.deb) is built"
}

main
