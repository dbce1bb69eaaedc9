#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: sources.sh GROUP...
#
# Fetches groups of Debian packages into build/sources/GROUP.  A group is one
# version of everything in it; it is kept until it is deleted.
#
#  linux-6.12  Debian 12's kernel: source, image, headers, all of one version
#  linux-7.3   the source of the newer kernel
#  qemu-10.0   the source of QEMU
#  dkms        DKMS, to try the package for it without installing it here
#  fio         what makes the I/O that is measured in a whole guest
#  apparmor    its parser, to be used in L1
#  arm64       a busybox for an L1 of that architecture
#  peers       the newest QEMU and all that it is linked with, to be measured beside
#  selinux     Debian's reference policy, to be linked and loaded in L1, not here
#  tools       what builds QEMU and Debian 12 has too old

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/fetch/apt.sh"

SOURCES=$BUILD/sources

# fetch PACKAGE=VERSION...: into the current directory.
fetch() {
	printf '%s\n' "$@"
	apt apt-get download "$@"
}

none_found() {
	die "the Debian archive has no $1"
}

# The newest 6.12 of which the source and the regular image are there.
stock_release() {
	local version=$1 image

	for image in $(apt_names linux-image-6.12.); do
		[[ $image =~ ^linux-image-(6\.12\.[0-9]+\+deb12-amd64)$ ]] || continue
		if apt_versions "$image" | grep -Fqx "$version"; then
			echo "${BASH_REMATCH[1]}"
			return
		fi
	done
}

fetch_linux-6.12() {
	local version release base

	for version in $(apt_versions linux-source-6.12); do
		release=$(stock_release "$version")
		[ -n "$release" ] || continue
		base=${release%-amd64}
		fetch "linux-source-6.12=$version" \
		      "linux-image-$release=$version" \
		      "linux-headers-$release=$version" \
		      "linux-headers-$base-common=$version" \
		      "linux-kbuild-$base=$version"
		echo "$release" >release
		return
	done
	none_found "linux-source-6.12 with a linux-image of the same version"
}

fetch_linux-7.3() {
	local version

	version=$(apt_versions linux-source-7.3 | head -n 1)
	[ -n "$version" ] || none_found linux-source-7.3
	fetch "linux-source-7.3=$version"
}

fetch_qemu-10.0() {
	local version

	version=$(apt_source_versions qemu | grep -m 1 '^1:10\.0\.')
	[ -n "$version" ] || none_found "source of qemu 10.0"
	apt apt-get source --download-only --only-source "qemu=$version"
}

fetch_tools() {
	local meson

	meson=$(apt_versions meson | head -n 1)
	dpkg --compare-versions "${meson:-0}" ge 1.5 || none_found "meson >= 1.5"
	fetch "meson=$meson" python3-pycotap
}

# The package lists of another architecture are kept apart.
fetch_arm64() {
	local options=(-o APT::Architecture=arm64 -o APT::Architectures=arm64
		       -o "Dir::State::Lists=$APT/lists-arm64")

	mkdir -p "$APT/lists-arm64/partial"
	apt apt-get "${options[@]}" -o APT::Update::Error-Mode=any update
	apt apt-get "${options[@]}" download busybox-static
}

fetch_dkms() {
	fetch dkms linux-base lsb-release
}

# What the module is compiled with, and tools of that age can link.
fetch_selinux() {
	fetch "selinux-policy-default=$(dpkg-query -W -f '${Version}' selinux-policy-dev)"
}

# Debian 12's, which runs with the libraries of L1.
fetch_apparmor() {
	local version

	version=$(apt_versions apparmor | grep -m 1 '^3\.0\.')
	[ -n "$version" ] || none_found "apparmor 3.0"
	fetch "apparmor=$version"
}

fetch_fio() {
	local version

	version=$(apt_source_versions fio | grep -m 1 '^3\.33-')
	[ -n "$version" ] || none_found "source of fio 3.33"
	apt apt-get source --download-only --only-source "fio=$version"
}

# With nothing taken as installed: of one suite, whatever this machine has.
fetch_peers() {
	local options=(-y --download-only --no-install-recommends -t trixie-backports
		       -o Dir::State::status=/dev/null -o Dir::Cache::archives="$PWD")

	mkdir -p partial
	apt apt-get "${options[@]}" install qemu-system-x86 qemu-utils
	rm -rf partial lock
}

# In a directory of its own, so that a group is there whole or not at all.
fetch_group() {
	rm -rf "$SOURCES/$1.new"
	mkdir -p "$SOURCES/$1.new"
	(cd "$SOURCES/$1.new" && "fetch_$1") || return 1
	mv "$SOURCES/$1.new" "$SOURCES/$1"
}

main() {
	local group todo=()

	lock sources
	for group; do
		[ -d "$SOURCES/$group" ] || todo+=("$group")
	done
	[ ${#todo[@]} -gt 0 ] || return 0
	steps $((1 + ${#todo[@]}))
	step "renew the private package lists"
	logged update apt_update
	for group in "${todo[@]}"; do
		step "fetch $group"
		logged "$group" fetch_group "$group"
	done
	done_with "fetched ${todo[*]}"
}

main "$@"
