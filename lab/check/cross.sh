#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: cross.sh SERIES ARCHITECTURE...		arm64, riscv or s390
#
# Compiles the component, and the file of KVM that calls it, for other
# architectures, with W=1 and every warning an error.  For s390, which has no
# KVM_EXIT_MMIO, sees that the option cannot be had.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/build/kconfig.sh"
. "$LAB/build/arch.sh"

SERIES=$1
shift
TREE=$BUILD/trees/linux-$SERIES

# As the architecture's Makefile names them.
objects() {
	local file

	for file in kvm_main.c "$ROOT"/virt/kvm/devuser/*.c; do
		file=${file#"$ROOT/virt/kvm/"}
		echo "arch/$1/kvm/../../../virt/kvm/${file%.c}.o"
	done
}

compile() {
	local arch=$1 out=$2

	build_for "$arch"
	configure_kernel "$TREE" "$out" cross
	# shellcheck disable=SC2046 # one word per object
	make -C "$TREE" O="$out" -j"$(jobs)" W=1 KCFLAGS=-Werror $(objects "$arch")
}

refuse() {
	local arch=$1 out=$2

	build_for "$arch"
	mkdir -p "$out"
	make -C "$TREE" O="$out" tinyconfig
	cat "$LAB/build/configs/cross" >>"$out/.config"
	make -C "$TREE" O="$out" olddefconfig
	grep -qx CONFIG_KVM=y "$out/.config" || die "there is no KVM for $arch"
	! grep -q CONFIG_KVM_DEVUSER "$out/.config" || die "$arch offers the user device"
}

main() {
	local arch out hash way

	"$LAB/fetch/tree.sh" "linux-$SERIES"
	steps $#
	for arch; do
		compiler_of "$arch" >/dev/null
		out=$BUILD/cross-$SERIES-$arch
		[ "$arch" = s390 ] && way=refuse || way=compile
		step "$way the component for $arch"
		lock "cross-$SERIES-$arch"
		hash=$(hash_text "$(hash_of "$LAB"/{check/cross,build/arch}.sh "$LAB/build/configs/cross" \
			"$ROOT/virt/kvm/devuser" "$ROOT/include" "$ROOT/kernel-patches/$SERIES" \
			"$BUILD/sources/linux-$SERIES")")
		is_fresh "cross-$SERIES-$arch" "$hash" && continue
		logged "$SERIES-$arch" "$way" "$arch" "$out"
		stamp "cross-$SERIES-$arch" "$hash"
	done
	done_with "as it should be for $*"
}

main "$@"
