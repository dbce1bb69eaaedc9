#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: queue.sh NAME		linux-6.12, linux-7.3, qemu-10.0 or optional
#
# Writes the commits of build/trees/NAME since pristine to its patch queue; those of
# build/trees/optional since the series that they follow.  A commit
# that changes nothing is the cover letter of a topic: what follows, up to the next
# one, is in a folder of its own.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/lib/git.sh"

NAME=$1
TREE=$BUILD/trees/$NAME
QUEUE=$(queue_of "$NAME")
BASE=pristine
[ "$NAME" != optional ] || BASE=origin/lab/component

# write_patch COMMIT NUMBER FOLDER
write_patch() {
	tree_git "$TREE" format-patch --quiet -o "$QUEUE.new/$3" -1 -N --always \
		--start-number "$2" --zero-commit --no-signature --no-base --no-thread \
		--diff-algorithm=myers --full-index --find-renames "$1"
}

# topic_folder NUMBER COMMIT
topic_folder() {
	printf '%02d-%s' "$1" "$(tree_git "$TREE" log -1 --format=%f "$2" | tr A-Z a-z)"
}

write_queue() {
	local commit folder=. topics=0 number=0

	rm -rf "$QUEUE.new"
	mkdir -p "$QUEUE.new"
	for commit in $(tree_git "$TREE" rev-list --reverse "$BASE..HEAD"); do
		if is_cover "$TREE" "$commit"; then
			topics=$((topics + 1)) number=0
			folder=$(topic_folder $topics "$commit")
			write_patch "$commit" 0 "$folder"
			mv "$QUEUE.new/$folder"/*.patch "$QUEUE.new/$folder/$COVER"
		else
			number=$((number + 1))
			write_patch "$commit" $number "$folder"
		fi
	done
	(cd "$QUEUE.new" && find . -name '*.patch' -printf '%P\n' | sort >series)
}

# The other files of the folder stay.
install_queue() {
	mkdir -p "$QUEUE"
	rm -f "$QUEUE"/*.patch "$QUEUE/series"
	rm -rf "$QUEUE"/[0-9][0-9]-*/
	mv "$QUEUE.new"/* "$QUEUE/"
	rmdir "$QUEUE.new"
}

main() {
	[ -d "$TREE" ] || die "there is no build/trees/$NAME yet: make sources"
	lock "$NAME"
	[ -z "$(tree_git "$TREE" status --porcelain -uno)" ] ||
		die "build/trees/$NAME has uncommitted changes"
	[ ! -d "$TREE/.git/rebase-merge" ] ||
		die "build/trees/$NAME is in the middle of a rebase"
	tree_git "$TREE" merge-base --is-ancestor "$BASE" HEAD ||
		die "build/trees/$NAME is not based on $BASE" \
		    "bring it there: git -C build/trees/$NAME rebase --onto $BASE COMMIT"
	write_queue
	install_queue
	tree_git "$TREE" update-ref refs/heads/lab/queue HEAD
	stamp "tree-$NAME" "$(hash_of "$QUEUE")"
	say "$(grep -vc "$COVER" "$QUEUE/series") patches are in ${QUEUE#"$ROOT/"}"
}

main
