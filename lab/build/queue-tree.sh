# SPDX-License-Identifier: GPL-2.0
#
# A clone of QEMU's tree in which nobody else works, and a build of it.  Sourced after
# lib.sh, git.sh and qemu-configure.sh.

QUEUE_TREE=$BUILD/trees/qemu-10.0

# The same file is compiled after many patches, and again when one of them has changed.
QEMU_OPTIONS+=(--cc="ccache gcc")
export CCACHE_DIR=$BUILD/ccache

clone_tree() {
	rm -rf "$TREE"
	mkdir -p "${TREE%/*}"
	tree_git "$BUILD" clone -q --no-checkout "$QUEUE_TREE" "$TREE"
	tree_git "$TREE" checkout -q --detach origin/lab/queue
}

# prepare_queue_tree NAME: in build/NAME, as TREE and OUT; FETCH_HEAD is the queue.  When
# QEMU is configured anew, OUT is, and what is remembered in it is gone.
prepare_queue_tree() {
	local hash

	TREE=$BUILD/$1/tree
	OUT=$BUILD/$1/build
	hash=$(qemu_hash "$OUT")
	if ! is_fresh "$1" "$hash" "$OUT/build.ninja"; then
		logged clone clone_tree
		logged configure configure_qemu "$TREE" "$OUT"
		stamp "$1" "$hash"
	fi
	# What was planted in it, when whoever did was killed
	logged clean tree_git "$TREE" reset -q --hard
	logged fetch tree_git "$TREE" fetch -q "$QUEUE_TREE" lab/queue
}
