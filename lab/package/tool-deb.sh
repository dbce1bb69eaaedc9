#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds build/debs/kvm-devuser_*.deb: the operator's tool.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/package/debs.sh"

WORK=$BUILD/tool-deb
SOURCES="tools/kvm/devuser include/uapi/linux/kvm_devuser.h"

package() {
	local tree=$WORK/kvm-devuser-tool

	rm -rf "$WORK"
	mkdir -p "$tree/debian"
	# shellcheck disable=SC2086 # words
	(cd "$ROOT" && cp -r --parents $SOURCES "$tree/")
	cp "$LAB"/package/tool-deb/{control,rules,copyright} "$tree/debian/"
	chmod +x "$tree/debian/rules"
	changelog kvm-devuser-tool "$(abi_version)+$(git -C "$ROOT" rev-list --count HEAD)" \
		"For the user device's interface as in the kernel's header." >"$tree/debian/changelog"
	build_deb "$tree" kvm-devuser
}

# All that it shall have is in it, and what is linked with it is asked for.
check_package() {
	local deb file

	deb=$(ls "$OUT"/kvm-devuser_*.deb)
	rm -rf "$WORK/root"
	dpkg-deb -x "$deb" "$WORK/root"
	for file in usr/sbin/kvm-devuser usr/share/man/man8/kvm-devuser.8.gz \
		usr/share/bash-completion/completions/kvm-devuser \
		lib/systemd/system/kvm-devuser-monitor.service; do
		[ -f "$WORK/root/$file" ] || die "the package lacks $file"
	done
	"$WORK/root/usr/sbin/kvm-devuser" --version
	"$WORK/root/usr/sbin/kvm-devuser" list
	for file in libglib2.0-0 libkmod2 libnl-3-200; do
		dpkg-deb -f "$deb" Depends | grep -q "$file" || die "it does not depend on $file"
	done
}

main() {
	local hash

	lock tool-deb
	hash=$(hash_text "$(hash_of "$LAB"/package/{tool-deb,debs}.sh "$LAB/package/tool-deb" "$ROOT/tools/kvm/devuser" \
		"$ROOT/include/uapi/linux/kvm_devuser.h")")
	if is_fresh tool-deb "$hash" "$OUT"/kvm-devuser_*.deb; then
		say "up to date"
		return
	fi
	steps 2
	step "package kvm-devuser"
	logged package package
	step "look into the package"
	logged check check_package
	stamp tool-deb "$hash"
	done_with "$(cd "$BUILD" && ls debs/kvm-devuser_*.deb) is built"
}

main
