#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# checkpatch on all that is meant for the kernel and for QEMU; sparse and W=1 on
# the component in both kernel series; the syntax of the lab; that what its tests
# plant has a place.  Any finding is an error.  What has passed is not checked again
# until it changes.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/lib/git.sh"
. "$LAB/lib/overlay.sh"
. "$LAB/build/kconfig.sh"
. "$LAB/build/kvm.sh"

SERIES="6.12 7.3"
COMPONENT=$ROOT/virt/kvm/devuser

check_lab() {
	local file

	for file in $(git -C "$ROOT" ls-files lab .ci); do
		[ -f "$ROOT/$file" ] || continue
		case $(head -n 1 "$ROOT/$file") in
		'#!/bin/sh'* | '#!/bin/busybox sh'*) sh -n "$ROOT/$file" ;;
		'#!/bin/bash'*) bash -n "$ROOT/$file" ;;
		*python3*) python3 -B -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$ROOT/$file" ;;
		*) case $file in *.sh) bash -n "$ROOT/$file" ;; esac ;;
		esac
	done
}

component_files() {
	local path

	for path in $OVERLAY_DIRS $OVERLAY_FILES; do
		[ ! -e "$ROOT/$path" ] || find "$ROOT/$path" -type f
	done
}

check_component() {
	component_files | sort | xargs -P "$(jobs)" -n 1 "$LAB/check/checkpatch.sh"
}

kernel_checkpatch() {
	local tree=$BUILD/trees/linux-$1

	shift
	"$tree/scripts/checkpatch.pl" --root="$tree" --strict --terse --no-summary \
		--no-signoff "$@"
}

check_patches() {
	local series patches

	for series in $SERIES; do
		mapfile -t patches < <(queue_paths "linux-$series")
		[ ${#patches[@]} -eq 0 ] || kernel_checkpatch "$series" "${patches[@]}"
	done
	# Its new files are in folders that MAINTAINERS has.
	mapfile -t patches < <(queue_paths optional)
	[ ${#patches[@]} -eq 0 ] ||
		kernel_checkpatch 6.12 --ignore FILE_PATH_CHANGES "${patches[@]}"
}

# The headers' placeholder cannot come from a kernel that has been released.
# Code that moves keeps its license, which the patch explains.  What a compiler has
# is asked for as the same header does elsewhere.
check_qemu_patches() {
	local patches

	mapfile -t patches < <(queue_paths qemu-10.0)
	[ ${#patches[@]} -gt 0 ] || return 0
	cd "$BUILD/trees/qemu-10.0"
	{ scripts/checkpatch.pl --terse --no-summary --no-signoff "${patches[@]}" || true; } |
		{ ! grep -v -e 'are you using scripts/update-linux-headers.sh?$' \
			-e 'failover.*Please explain the license choice in the commit message\.$' \
			-e 'Do-not-clear-arrays.*architecture specific defines should be avoided$'; }
}

# QEMU has its own copy, as the kernel installs it.
check_header() {
	diff -u <(sed 's/\b_UAPI_/_/' "$ROOT/include/uapi/linux/kvm_devuser.h") \
		"$BUILD/trees/qemu-10.0/linux-headers/linux/kvm_devuser.h"
}

queue_paths() {
	queue_patches "$(queue_of "$1")" | grep -v "$COVER" | sed "s|^|$(queue_of "$1")/|"
}

# The list of sanitizers is that of the configurations.
check_sanitizers() {
	"$LAB/check/sanitizers.py" | diff -u "$ROOT/Documentation/devuser/sanitizers.md" - ||
		die "lab/build/configs has changed: lab/check/sanitizers.py >Documentation/devuser/sanitizers.md"
}

check_readme() {
	"$LAB/bench/readme.py" --check ||
		die "README.md does not have the figures of bounds.tsv: lab/bench/readme.py"
}

# syzkaller itself is not to be had from Debian: it knows every ioctl, at least.
check_syzkaller() {
	local name

	sed -n 's/^#define \(KVM_DEV_USER_[A-Z_]*\)\t_IO.*/\1/p' \
		"$ROOT/include/uapi/linux/kvm_devuser.h" | grep . | while read -r name; do
		grep -q "^ioctl.$name(" "$ROOT/tools/syzkaller/dev_kvm_devuser.txt" ||
			die "tools/syzkaller does not describe $name"
	done
}

# check_options COMMAND LINE...: what Kconfig makes of it, by that command of kbuild.
check_options() {
	local out=$BUILD/style-config command=$1

	shift
	rm -rf "$out"
	mkdir -p "$out"
	make -C "$BUILD/trees/linux-6.12" O="$out" KBUILD_KCONFIG="$ROOT/Kconfig" "$command"
	diff -u --label Kconfig --label .config <(printf '%s\n' "$@") \
		<(grep KVM_DEVUSER "$out/.config")
}

# wanted_options DEVICE KUNIT ALL TESTS: the tests need both, and are asked for or all are.
wanted_options() {
	if [ "$1" = n ]; then
		echo "# CONFIG_KVM_DEVUSER is not set"
		return
	fi
	echo CONFIG_KVM_DEVUSER=y
	case "$2 $3$4" in
	n*) ;;
	*" "*y*) echo CONFIG_KVM_DEVUSER_KUNIT_TEST=y ;;
	*) echo "# CONFIG_KVM_DEVUSER_KUNIT_TEST is not set" ;;
	esac
}

# With what check_options has left in the folder.
check_combination() {
	local out=$BUILD/style-config

	printf 'CONFIG_%s\n' "KVM_DEVUSER=$1" "KUNIT=$2" "KUNIT_ALL_TESTS=$3" \
		"KVM_DEVUSER_KUNIT_TEST=$4" >"$out/.config"
	(cd "$out" && srctree=$BUILD/trees/linux-6.12 \
		scripts/kconfig/conf -s --olddefconfig "$ROOT/Kconfig")
	diff -u --label "$*" --label .config <(wanted_options "$@") \
		<(grep KVM_DEVUSER "$out/.config")
}

# Each option parses, and is off, on and as it is by default; and beside each other.
check_kconfig() {
	local device kunit all tests

	check_options allnoconfig "# CONFIG_KVM_DEVUSER is not set"
	check_options alldefconfig "# CONFIG_KVM_DEVUSER is not set"
	check_options allmodconfig CONFIG_KVM_DEVUSER=y CONFIG_KVM_DEVUSER_KUNIT_TEST=y
	check_options allyesconfig CONFIG_KVM_DEVUSER=y CONFIG_KVM_DEVUSER_KUNIT_TEST=y
	for device in n y; do for kunit in n m y; do for all in n y; do for tests in n y; do
		check_combination $device $kunit $all $tests
	done; done; done; done
}

# The objects are named as KVM's Makefile names them.
objects() {
	local file

	for file in "$COMPONENT"/*.c; do
		echo "arch/x86/kvm/../../../virt/kvm/devuser/$(basename "$file" .c).o"
	done
}

# 7.3 asks that sparse know __typeof_unqual__, which its headers use with newer
# compilers only; a sparse that does not is silently left out.  Hence the define,
# and the count.
check_compile() {
	local log=$BUILD/kvm-$1/style.log

	# shellcheck disable=SC2046 # one word per object
	kvm_make "$1" C=2 CHECK="sparse -D__typeof_unqual__=__typeof__" \
		CF=-Wsparse-error $(objects) | tee "$log"
	[ "$(grep -c ' CHECK .*/devuser/' "$log")" -eq "$(objects | wc -l)" ] ||
		die "sparse did not run on every file"
}

FINDINGS=

# check NAME TEXT HASH COMMAND...: unless it has passed with this hash.  The
# other checks still run after one that has found something.
check() {
	local name=$1 text=$2 hash=$3 status

	shift 3
	step "$text"
	is_fresh "style-$name" "$hash" && return
	set +e
	(logged "$name" "$@")
	status=$?
	set -e
	if [ $status -eq 0 ]; then
		stamp "style-$name" "$hash"
	else
		FINDINGS+=" $name"
	fi
}

main() {
	local series lab hash

	for series in $SERIES; do
		"$LAB/fetch/tree.sh" "linux-$series"
	done
	"$LAB/fetch/tree.sh" qemu-10.0
	lock style
	steps 14
	lab=$(hash_of "$LAB/check/style.sh" "$LAB/build/kvm.sh" "$LAB/lib/overlay.sh" "$LAB/lib/git.sh" "$LAB/check/checkpatch.sh")
	check lab "syntax of the lab" "$(hash_of "$LAB" "$ROOT/.ci")" check_lab
	check component "checkpatch on the component" \
		"$lab $(component_files | sort | xargs cat | sha256sum)" check_component
	check patches "checkpatch on the kernel patches" \
		"$lab $(hash_of "$ROOT/kernel-patches")" check_patches
	check qemu-patches "checkpatch on the QEMU patches" \
		"$lab $(hash_of "$ROOT/qemu-patches")" check_qemu_patches
	check header "the header in QEMU is the kernel's" \
		"$lab $(hash_of "$ROOT/include" "$ROOT/qemu-patches")" check_header
	check syzkaller "syzkaller's description has every ioctl" \
		"$lab $(hash_of "$ROOT/include" "$ROOT/tools/syzkaller")" check_syzkaller
	check sanitizers "the page of sanitizers is what lab/build/configs says" \
		"$(hash_of "$LAB/check/sanitizers.py" "$LAB/build/configs" \
			"$ROOT/Documentation/devuser/sanitizers.md")" check_sanitizers
	check readme "the README has the figures that were measured" \
		"$(hash_of "$ROOT"/{README.md,Documentation/devuser/bounds.tsv} \
			"$LAB/bench/readme.py")" check_readme
	check kconfig "Kconfig gives each option and combination" \
		"$(hash_of "$ROOT/Kconfig" "$COMPONENT/Kconfig" "$LAB/check/style.sh")" check_kconfig
	check plants "each bug that tests put back can be planted" \
		"$(hash_of "$LAB/check" "$LAB/containment" "$COMPONENT" "$ROOT/tools/kvm" \
			"$ROOT/kernel-patches" "$ROOT/qemu-patches")" "$LAB/check/check-plants"
	for series in $SERIES; do
		lock "kvm-$series"
		step "configure $series"
		logged "config-$series" kvm_configure "$series"
		hash="$lab $(hash_of "$COMPONENT" "$ROOT/include" \
			"$ROOT/kernel-patches/$series") $(ls "$BUILD/sources/linux-$series")"
		check "compile-$series" "sparse and W=1 on $series" \
			"$(hash_text "$hash")" check_compile "$series"
	done
	[ -z "$FINDINGS" ] || die "findings in:$FINDINGS"
	done_with "no findings"
}

main
