#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds a whole 6.12 kernel that boots as L1, with everything built in:
# build/kernel/arch/x86/boot/bzImage, or with DEBUG=1 a kernel that checks
# itself, below build/kernel-debug.

. "$(dirname "$0")/lib.sh"
. "$LAB/kconfig.sh"

TREE=$BUILD/trees/linux-6.12
FRAGMENTS=(l1 kvm)
OUT=$BUILD/kernel

main() {
	local hash

	case ${DEBUG:-0} in
	0) FRAGMENTS+=(werror) ;;
	1) FRAGMENTS+=(debug); OUT=$BUILD/kernel-debug ;;
	*) die "DEBUG is 0 or 1, not $DEBUG" ;;
	esac
	unset DEBUG
	"$LAB/tree.sh" linux-6.12
	lock "$(basename "$OUT")"
	steps 2
	hash=$(hash_of "$LAB/kconfig.sh" "${FRAGMENTS[@]/#/$LAB/configs/}" \
		"$TREE/virt/kvm/devuser/Kconfig")
	if ! is_fresh "$(basename "$OUT")-config" "$hash" "$OUT/.config"; then
		step "configure the kernel"
		logged config configure_kernel "$TREE" "$OUT" "${FRAGMENTS[@]}"
		stamp "$(basename "$OUT")-config" "$hash"
	else
		steps 1
	fi
	step "build the kernel"
	logged build make -C "$TREE" O="$OUT" -j"$(jobs)" bzImage
	done_with "${OUT#"$ROOT/"}/arch/x86/boot/bzImage is built"
}

main
