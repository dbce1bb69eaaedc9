#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: tree.sh NAME		linux-6.12, linux-7.3 or qemu-10.0
#
# Prepares the git tree build/trees/NAME: the source as Debian ships it (tag
# pristine), the patch queue as commits, then, in a kernel, the component's own
# files, which git ignores there.
#
# The tree is for working in as well: commits made there are written back to the
# queue by queue.sh.  It is never changed while it holds work that the queue
# does not have.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/lib/git.sh"
. "$LAB/lib/overlay.sh"

NAME=$1
TREE=$BUILD/trees/$NAME
GROUP=$BUILD/sources/$NAME
QUEUE=$(queue_of "$NAME")
SHORT=$(short_name "$NAME")

unpack_linux() {
	local series=${NAME#linux-}

	dpkg-deb --fsys-tarfile "$GROUP"/linux-source-"$series"_*.deb |
		tar -xO "./usr/src/linux-source-$series.tar.xz" |
		xz -d -T0 | tar -x --strip-components=1 -C "$1"
}

unpack_qemu() {
	rmdir "$1"
	dpkg-source --no-check --no-copy -x "$GROUP"/qemu_*.dsc "$1"
}

# One big file is written much faster than 90000 objects: hence the threshold.
commit_pristine() {
	tree_git "$1" init -q -b work
	printf '/%s\n' $OVERLAY_DIRS $OVERLAY_FILES >>"$1/.git/info/exclude"
	tree_git "$1" -c core.bigFileThreshold=1 -c core.compression=1 \
		-c gc.auto=0 add -A -f .
	tree_git "$1" commit -q -m "Debian's source"
	tree_git "$1" tag pristine
}

unpack() {
	rm -rf "$TREE.new"
	mkdir -p "$TREE.new"
	"unpack_${NAME%%-*}" "$TREE.new"
	commit_pristine "$TREE.new"
	tree_git "$TREE.new" update-ref refs/heads/lab/queue pristine
	rm -rf "$TREE"
	mv "$TREE.new" "$TREE"
}

# Commits that come from no queue, or changes that are not even committed.
has_own_work() {
	[ "$(tree_git "$TREE" rev-parse HEAD)" != "$(tree_git "$TREE" rev-parse lab/queue)" ] ||
		[ -n "$(tree_git "$TREE" status --porcelain -uno)" ]
}

prepare_source() {
	local hash

	hash=$(hash_text "$(ls "$GROUP")")
	is_fresh "source-$NAME" "$hash" "$TREE" && return
	[ ! -d "$TREE" ] || ! has_own_work ||
		die "build/trees/$NAME has changes, and is to be replaced by another version" \
		    "keep them: make queue-$SHORT" "drop them: rm -rf build/trees/$NAME"
	unstamp "tree-$NAME"
	steps 2
	step "unpack $NAME"
	logged "$NAME-unpack" unpack
	stamp "source-$NAME" "$hash"
}

# Applies the queue without touching the tree, then moves the tree to the
# result: files that do not differ keep their times.
apply_queue() {
	local head

	head=$(queue_commit "$TREE" "$QUEUE")
	if [ "$(tree_git "$TREE" rev-parse HEAD)" != "$head" ]; then
		! has_own_work ||
			die "build/trees/$NAME has changes, and its patch queue has changed too" \
			    "keep the tree's: make queue-$SHORT" \
			    "keep the queue's: git -C build/trees/$NAME reset --hard lab/queue"
		tree_git "$TREE" reset -q --keep "$head"
	fi
	tree_git "$TREE" update-ref refs/heads/lab/queue "$head"
}

prepare_queue() {
	local hash

	hash=$(hash_of "$QUEUE")
	if ! is_fresh "tree-$NAME" "$hash"; then
		step "apply the patches of ${QUEUE#"$ROOT/"}"
		logged "$NAME-patches" apply_queue
		stamp "tree-$NAME" "$hash"
	elif has_own_work; then
		say "note: build/trees/$NAME has changes that its queue does not have;" \
		    "make queue-$SHORT writes its commits there"
	fi
}

main() {
	"$LAB/fetch/sources.sh" "$NAME"
	lock "$NAME"
	prepare_source
	prepare_queue
	[ "${NAME%%-*}" != linux ] || overlay "$TREE"
}

main
