#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds build/debs/kvm-devuser-dkms_*.deb: the source of KVM's modules with the
# component, which DKMS builds on the machine that installs the package, for the
# stock kernel and no other.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/package/debs.sh"

SRC=$BUILD/modules-objects	# as lab/build/modules.sh has copied it
WORK=$BUILD/dkms

SOURCES=(--include '*/' --include '*.[chS]' --include 'Makefile*' --exclude '*')

# version RELEASE: that of the user ABI and that of the kernel.
version() {
	echo "$(abi_version)+${1%%+*}"
}

fill_in() {
	sed -e "s/@VERSION@/$VERSION/g" -e "s/@RELEASE@/$RELEASE/g" \
	    -e "s/@RELEASE_PATTERN@/$(sed 's/[.+]/\\\\&/g' <<<"$RELEASE")/g" "$1"
}

# Only sources: neither objects nor what earlier builds generated.
copy_sources() {
	local to=$1

	rsync -r --prune-empty-dirs --exclude '*.mod.c' --exclude 'kvm-asm-offsets.[hs]' \
		"${SOURCES[@]}" "$SRC/" "$to/"
	# Where DKMS has put them is known when it calls make.
	sed -i "s|$SRC|\$(DEVUSER_SRC)|g" "$to/arch/x86/kvm/Makefile"
	! grep -rlF "$BUILD" "$to" || die "the package would name this machine's folders"
}

package() {
	local tree=$WORK/kvm-devuser-$VERSION

	rm -rf "$WORK"
	mkdir -p "$tree/debian" "$tree/src"
	copy_sources "$tree/src"
	fill_in "$LAB/package/dkms/dkms.conf" >"$tree/debian/kvm-devuser-dkms.dkms"
	for file in control rules copyright; do
		fill_in "$LAB/package/dkms/$file" >"$tree/debian/$file"
	done
	chmod +x "$tree/debian/rules"
	changelog kvm-devuser "$VERSION" "For linux $RELEASE." >"$tree/debian/changelog"
	echo "src/* usr/src/kvm-devuser-$VERSION" >"$tree/debian/install"
	build_deb "$tree" kvm-devuser-dkms
}

main() {
	local hash

	"$LAB/build/modules.sh"
	RELEASE=$(cat "$BUILD/sources/linux-6.12/release")
	VERSION=$(version "$RELEASE")
	SOURCE_DATE_EPOCH=$(source_date)
	export SOURCE_DATE_EPOCH
	lock modules
	lock dkms
	hash=$(hash_text "$(hash_of "$LAB"/package/{dkms-deb,debs}.sh "$LAB/package/dkms")" "$(cat "$STAMPS/modules")")
	if is_fresh dkms "$hash" "$OUT/kvm-devuser-dkms_${VERSION}_all.deb"; then
		say "up to date"
		return
	fi
	steps 1
	step "package KVM's modules for $RELEASE"
	logged package package
	stamp dkms "$hash"
	done_with "build/debs/kvm-devuser-dkms_${VERSION}_all.deb is built"
}

main
