#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: check-builds.sh SERIES...
#
# Compiles what build/series/SERIES touches in KVM after each of its patches, every
# warning of W=1 an error: built in, as modules, and without the user device.  Then
# for allmodconfig and allnoconfig, as those do who compile everything, and each of the
# headers for userspace by itself.  All of KVM is compiled elsewhere: see kernel.sh and
# kernel-7.3.sh.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/lib/git.sh"
. "$LAB/build/kconfig.sh"
. "$LAB/check/series-tree.sh"

WAYS="builtin module off"
OPTION=CONFIG_KVM_DEVUSER

# has_lines FOLDER LINE...: its .config does.
has_lines() {
	local config=$OUT/$1/.config line

	shift
	for line; do
		grep -qx "$line" "$config" || die "$config lacks: $line"
	done
}

change_config() {
	local out=$OUT/$1

	shift
	"$TREE/scripts/config" --file "$out/.config" "$@"
}

configure() {
	configure_kernel "$TREE" "$OUT/$1" kvm werror
	case $1 in
	module) change_config "$1" -e MODULES -m KVM -m KVM_AMD -m KVM_INTEL ;;
	off) change_config "$1" -d KVM_DEVUSER ;;
	esac
	make_in "$1" olddefconfig
	case $1 in
	builtin) has_lines "$1" CONFIG_KVM=y "$OPTION=y" ;;
	module) has_lines "$1" CONFIG_KVM=m "$OPTION=y" ;;
	off) has_lines "$1" CONFIG_KVM=y "# $OPTION is not set" ;;
	esac
}

configure_ways() {
	local way

	for way in $WAYS; do
		configure "$way"
		cp "$OUT/$way/.config" "$OUT/$way/wanted"
	done
}

# The component's folder is compiled from the patch on that brings the option.
has_option() {
	[ "$2" != off ] && source_git grep -q devuser/Kconfig "$1" -- virt/kvm/Kconfig
}

# The objects of all that the series has touched up to COMMIT; the component's tests
# are part of others.
touched() {
	local commit=$1 way=$2 path

	source_git diff --name-only pristine "$commit" -- 'arch/x86/kvm/*.c' 'virt/kvm/*.c' |
		while read -r path; do
			case $path in
			*/tests/*) ;;
			*/devuser/*)
				! has_option "$commit" "$way" || echo "arch/x86/kvm/../../../${path%.c}.o" ;;
			virt/*) echo "arch/x86/kvm/../../../${path%.c}.o" ;;
			*) echo "${path%.c}.o" ;;
			esac
		done
}

# make drops from .config what Kconfig does not know, or knows no longer.
build_patch() {
	local commit=$1 way objects

	for way in $WAYS; do
		cmp -s "$OUT/$way/wanted" "$OUT/$way/.config" ||
			cp "$OUT/$way/wanted" "$OUT/$way/.config"
		mapfile -t objects < <(touched "$commit" "$way")
		[ ${#objects[@]} -eq 0 ] || make_in "$way" W=1 "${objects[@]}"
	done
}

calls_device() {
	# not -q: nm must not write into a closed pipe
	nm "$OUT/$1/virt/kvm/kvm_main.o" | grep -w "U kvm_devuser_vcpu_run" >/dev/null
}

has_device() {
	calls_device "$1" && [ -e "$OUT/$1/virt/kvm/devuser/access.o" ]
}

build_each() {
	local commit

	configure_ways
	for commit in $(source_git rev-list --reverse pristine..lab/series); do
		check_out "$commit"
		tree_git "$TREE" log -1 --format='patch: %s'
		build_patch "$commit"
	done
	has_device builtin || die "KVM lacks the user device"
	has_device module || die "KVM's module lacks the user device"
	! calls_device off || die "KVM has the user device although that is off"
}

build_allnoconfig() {
	mkdir -p "$OUT/allno"
	make_in allno allnoconfig
	make_in allno vmlinux
}

build_allmodconfig() {
	local objects

	mkdir -p "$OUT/allmod"
	make_in allmod allmodconfig
	has_lines allmod CONFIG_KVM=m "$OPTION=y" "${OPTION}_KUNIT_TEST=y"
	mapfile -t objects < <(touched lab/series allmod)
	make_in allmod "${objects[@]}"
	has_device allmod || die "KVM's module lacks the user device"
}

# What makes a header unfit for userspace is found by compiling it alone.
test_headers() {
	mkdir -p "$OUT/headers"
	make_in headers tinyconfig
	change_config headers -e 64BIT -e HEADERS_INSTALL -e UAPI_HEADER_TEST
	make_in headers olddefconfig
	has_lines headers CONFIG_UAPI_HEADER_TEST=y
	make_in headers usr/
	[ -e "$OUT/headers/usr/include/linux/kvm_devuser.hdrtest" ] ||
		die "the header was not tested"
}

main() {
	local series hash

	[ $# -gt 0 ] || die "give the kernel series: 6.12 7.3"
	steps $((4 * $#))
	for series; do
		use_series "$series"
		hash=$(series_hash "$LAB/check/check-builds.sh")
		check_series_tree headers "test the headers" "$hash" test_headers
		check_series_tree each "build after each patch" "$hash" build_each
		check_series_tree allmodconfig "build for allmodconfig" "$hash" build_allmodconfig
		check_series_tree allnoconfig "build allnoconfig" "$hash" build_allnoconfig
	done
	done_with "every patch builds"
}

main "$@"
