#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds a whole kernel that boots as L1, with everything built in, of the series
# KERNEL (6.12, or 7.3).  DEBUG=1 is a kernel that checks its locks and its
# memory, DEBUG=kcsan one that looks for data races.  The result is
# build/kernel*/arch/x86/boot/bzImage; 7.3 and DEBUG add to the folder's name.

. "$(dirname "$0")/lib.sh"
. "$LAB/kconfig.sh"

FRAGMENTS=(l1 kvm)
NAME=kernel

choose() {
	case ${KERNEL:=6.12} in
	6.12) ;;
	7.3) NAME+=-7.3 ;;
	*) die "KERNEL is 6.12 or 7.3, not $KERNEL" ;;
	esac
	case ${DEBUG:=0} in
	0) FRAGMENTS+=(werror) ;;
	1) FRAGMENTS+=(debug); NAME+=-debug ;;
	kcsan) FRAGMENTS+=(kcsan); NAME+=-kcsan ;;
	*) die "DEBUG is 0, 1 or kcsan, not $DEBUG" ;;
	esac
	TREE=$BUILD/trees/linux-$KERNEL
	OUT=$BUILD/$NAME
}

main() {
	local hash

	choose
	# The kernel's Makefile would take them for its own.
	export -n KERNEL DEBUG
	"$LAB/tree.sh" "linux-$KERNEL"
	lock "$NAME"
	steps 2
	hash=$(hash_of "$LAB/kconfig.sh" "${FRAGMENTS[@]/#/$LAB/configs/}" \
		"$TREE/virt/kvm/devuser/Kconfig")
	if ! is_fresh "$NAME-config" "$hash" "$OUT/.config"; then
		step "configure the kernel"
		logged "$NAME-config" configure_kernel "$TREE" "$OUT" "${FRAGMENTS[@]}"
		stamp "$NAME-config" "$hash"
	else
		steps 1
	fi
	step "build the kernel"
	logged "$NAME-build" make -C "$TREE" O="$OUT" -j"$(jobs)" bzImage
	done_with "${OUT#"$ROOT/"}/arch/x86/boot/bzImage is built"
}

main
