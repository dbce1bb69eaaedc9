#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: containment.sh [WORD...]
#
# Puts published bugs of QEMU's device models back, and sees that one which ends QEMU when
# the device is in it does not when the device is in a process of its own; and what
# AddressSanitizer says of it, and that it is the same on KVM in L1.  With words, only
# those bugs whose CVE or model has one of them.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/lib/git.sh"
. "$LAB/build/qemu-configure.sh"
. "$LAB/build/queue-tree.sh"

checkout() {
	tree_git "$TREE" checkout -q -f --detach FETCH_HEAD &&
		ninja -C "$OUT" -j"$(jobs)" qemu-system-x86_64
}

main() {
	"$LAB/fetch/tools.sh"
	"$LAB/fetch/tree.sh" qemu-10.0
	lock containment
	prepare_queue_tree containment
	logged build checkout
	link_firmware "$OUT"
	"$LAB/containment/containment" "$TREE" "$OUT" "$@"
	done_with "what was run is contained"
}

main "$@"
