#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: attempts.sh [WORD...]
#
# Builds a QEMU in which a device model plays one that somebody has taken over, and has
# it attempt in L1 what such a process would: see attempts.  With words, only what has one
# of them in its name.

. "$(dirname "$0")/../../lib/lib.sh"
. "$LAB/lib/git.sh"
. "$LAB/build/qemu-configure.sh"
. "$LAB/build/queue-tree.sh"

checkout() {
	tree_git "$TREE" checkout -q -f --detach FETCH_HEAD
}

main() {
	"$LAB/fetch/tools.sh"
	"$LAB/fetch/tree.sh" qemu-10.0
	lock containment
	prepare_queue_tree containment
	logged checkout checkout
	link_firmware "$OUT"
	"$LAB/containment/attempts/attempts" "$TREE" "$OUT" "$@"
	done_with "what was attempted is refused"
}

main "$@"
