#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: kernel.sh [x86|arm64]
#
# Builds a whole kernel that boots as L1, with everything built in, of the series
# KERNEL (6.12, or 7.3).  DEBUG=1 is a kernel that checks its locks and its
# memory, DEBUG=kcsan one that looks for data races.  The result is
# build/kernel*/arch/x86/boot/bzImage or .../arm64/boot/Image; what is not the
# default adds to the folder's name.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/build/kconfig.sh"
. "$LAB/build/arch.sh"

NAME=kernel
ARGUMENTS=()

choose_arch() {
	case $1 in
	x86) FRAGMENTS=(l1 kvm); IMAGE=bzImage ;;
	arm64) FRAGMENTS=(l1-arm64); IMAGE=Image; NAME+=-arm64 ;;
	*) die "no kernel for L1 is known for '$1'" "give x86 or arm64" ;;
	esac
	build_for "$1"
}

# KCSAN watches the component only: the rest of the kernel has races of its own, and
# watching all of it leaves too little time for the component's.  Of the rest it has to
# know where a lock is a barrier; kernel/sched and mm tell it by themselves.
watch_component() {
	local name

	ARGUMENTS=(KCSAN_SANITIZE=n)
	for name in "$ROOT"/virt/kvm/devuser/*.c; do
		# as KVM's Makefile has it
		name=../../../virt/kvm/devuser/$(basename "$name" .c)
		ARGUMENTS+=("KCSAN_SANITIZE_$name.o=y")
	done
	for name in spinlock mutex rwsem srcutree; do
		ARGUMENTS+=("KCSAN_INSTRUMENT_BARRIERS_$name.o=y")
	done
}

choose() {
	case ${KERNEL:=6.12} in
	6.12) ;;
	7.3) NAME+=-7.3 ;;
	*) die "KERNEL is 6.12 or 7.3, not $KERNEL" ;;
	esac
	case ${DEBUG:=0} in
	0) [ "$IMAGE" != bzImage ] || FRAGMENTS+=(werror) ;;
	1) FRAGMENTS+=(debug); NAME+=-debug ;;
	kcsan) FRAGMENTS+=(kcsan); NAME+=-kcsan; watch_component ;;
	*) die "DEBUG is 0, 1 or kcsan, not $DEBUG" ;;
	esac
	TREE=$BUILD/trees/linux-$KERNEL
	OUT=$BUILD/$NAME
}

main() {
	local hash

	choose_arch "${1:-x86}"
	choose
	# The kernel's Makefile would take them for its own.
	export -n KERNEL DEBUG
	"$LAB/fetch/tree.sh" "linux-$KERNEL"
	lock "$NAME"
	steps 2
	hash=$(hash_of "$LAB"/build/{kconfig,arch}.sh "${FRAGMENTS[@]/#/$LAB/build/configs/}" \
		"$TREE/virt/kvm/devuser/Kconfig")
	if ! is_fresh "$NAME-config" "$hash" "$OUT/.config"; then
		step "configure the kernel"
		logged "$NAME-config" configure_kernel "$TREE" "$OUT" "${FRAGMENTS[@]}"
		stamp "$NAME-config" "$hash"
	else
		steps 1
	fi
	step "build the kernel"
	logged "$NAME-build" make -C "$TREE" O="$OUT" -j"$(jobs)" \
		"${ARGUMENTS[@]}" "$IMAGE"
	done_with "${OUT#"$ROOT/"}/arch/$ARCH/boot/$IMAGE is built"
}

main "$@"
