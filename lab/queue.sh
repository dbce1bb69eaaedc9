#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: queue.sh NAME		linux-6.12, linux-7.3 or qemu-10.0
#
# Writes the commits of build/trees/NAME since pristine to its patch queue.

. "$(dirname "$0")/lib.sh"
. "$LAB/git.sh"

NAME=$1
TREE=$BUILD/trees/$NAME
QUEUE=$(queue_of "$NAME")

write_queue() {
	rm -rf "$QUEUE.new"
	mkdir -p "$QUEUE.new"
	tree_git "$TREE" format-patch --quiet -o "$QUEUE.new" -N --zero-commit \
		--no-signature --no-base --no-thread --diff-algorithm=myers \
		--full-index --find-renames pristine..HEAD
	(cd "$QUEUE.new" && find . -name '*.patch' -printf '%f\n' | sort >series)
}

# The other files of the folder stay.
install_queue() {
	mkdir -p "$QUEUE"
	rm -f "$QUEUE"/*.patch "$QUEUE/series"
	mv "$QUEUE.new"/* "$QUEUE/"
	rmdir "$QUEUE.new"
}

main() {
	[ -d "$TREE" ] || die "there is no build/trees/$NAME yet: make sources"
	lock "$NAME"
	[ -z "$(tree_git "$TREE" status --porcelain -uno)" ] ||
		die "build/trees/$NAME has uncommitted changes"
	write_queue
	install_queue
	tree_git "$TREE" update-ref refs/heads/lab/queue HEAD
	stamp "tree-$NAME" "$(hash_of "$QUEUE")"
	say "$(wc -l <"$QUEUE/series") patches are in ${QUEUE#"$ROOT/"}"
}

main
