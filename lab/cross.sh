#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: cross.sh SERIES ARCHITECTURE...		arm64, riscv or s390
#
# Compiles the component, and the file of KVM that calls it, for other
# architectures, with W=1 and every warning an error.

. "$(dirname "$0")/lib.sh"
. "$LAB/kconfig.sh"
. "$LAB/arch.sh"

SERIES=$1
shift
TREE=$BUILD/trees/linux-$SERIES

# As the architecture's Makefile names them.
objects() {
	local file

	for file in kvm_main.c devuser/{access,device,iobus,ioctl,master,queue,range,scoreboard,shadow,slave,status,trace,vm}.c; do
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

main() {
	local arch out hash

	"$LAB/tree.sh" "linux-$SERIES"
	steps $#
	for arch; do
		compiler_of "$arch" >/dev/null
		out=$BUILD/cross-$SERIES-$arch
		step "compile the component for $arch"
		lock "cross-$SERIES-$arch"
		hash=$(hash_text "$(hash_of "$LAB"/{cross,arch}.sh "$LAB/configs/cross" \
			"$ROOT/virt/kvm/devuser" "$ROOT/include" "$ROOT/kernel-patches/$SERIES" \
			"$BUILD/sources/linux-$SERIES")")
		is_fresh "cross-$SERIES-$arch" "$hash" && continue
		logged "$SERIES-$arch" compile "$arch" "$out"
		stamp "cross-$SERIES-$arch" "$hash"
	done
	done_with "the component compiles for $*"
}

main "$@"
