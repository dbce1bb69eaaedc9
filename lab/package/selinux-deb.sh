#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds build/debs/qemu-devuser-selinux_*.deb: the SELinux policy and the launcher for
# QEMU's remote processes.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/package/debs.sh"

WORK=$BUILD/selinux-deb
CLASSES="disk filesystem network usb display sound other"

package() {
	local tree=$WORK/qemu-devuser-selinux class

	rm -rf "$WORK"
	mkdir -p "$tree/debian"
	cp "$LAB"/package/selinux-deb/{control,rules,copyright,install} "$tree/debian/"
	chmod +x "$tree/debian/rules"
	for class in $CLASSES; do
		echo "usr/libexec/qemu-remote/qemu-remote usr/libexec/qemu-remote/$class"
	done >"$tree/debian/links"
	changelog qemu-devuser-selinux "1+$(git -C "$ROOT" rev-list --count HEAD)" \
		"For the remote processes of qemu-patches/10.0." >"$tree/debian/changelog"
	cp "$BUILD/selinux/modules"/qemu_remote.{pp,if} "$ROOT/security/selinux/qemu_remote_mcs.cil" \
		"$ROOT/security/selinux/qemu-remote" "$tree/"
	build_deb "$tree" qemu-devuser-selinux
}

# Each class has its launcher and its domain.
check_package() {
	local root=$WORK/root class

	rm -rf "$root"
	dpkg-deb -x "$OUT"/qemu-devuser-selinux_*.deb "$root"
	for class in $CLASSES; do
		[ -x "$root/usr/libexec/qemu-remote/$class" ] || die "no launcher for $class"
		grep -q "qemu_remote_${class}_t" "$root/usr/share/selinux/packages/qemu_remote.pp" ||
			die "no SELinux domain for $class"
	done
}

main() {
	local hash

	"$LAB/build/selinux.sh"
	lock selinux-deb
	hash=$(hash_text "$(hash_of "$LAB"/package/{selinux-deb,debs}.sh "$LAB/package/selinux-deb" "$ROOT/security")")
	if is_fresh selinux-deb "$hash" "$OUT"/qemu-devuser-selinux_*.deb; then
		say "up to date"
		return
	fi
	steps 2
	step "package the policy"
	logged package package
	step "look into the package"
	logged check check_package
	stamp selinux-deb "$hash"
	done_with "$(cd "$BUILD" && ls debs/qemu-devuser-selinux_*.deb) is built"
}

main
