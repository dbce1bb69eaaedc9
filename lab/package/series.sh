#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: series.sh 6.12|7.3
#
# Writes the component and its hooks to build/series/SERIES as a series for the
# kernel's lists: what lab/package/series says, in its order, and behind it what can be
# dropped, the patches of kernel-patches/optional.  Only git objects are made; the working
# trees are left alone.  The branch lab/component ends before these, lab/series with them.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/lib/git.sh"
. "$LAB/lib/overlay.sh"

SERIES=${1:-}
PLAN=$LAB/package/series

case $SERIES in
6.12 | 7.3) ;;
*) die "no such kernel series: '$SERIES'" "give KERNEL=6.12 or KERNEL=7.3" ;;
esac

TREE=$BUILD/trees/linux-$SERIES
QUEUE=$ROOT/kernel-patches/$SERIES
OPTIONAL=$(queue_of optional)
OUT=$BUILD/series/$SERIES
SCRATCH=$BUILD/series/$SERIES.work

entry_lines() {
	sed -n "/^\$/q; s/^$2: //p" "$1"
}

entry_message() {
	sed '1,/^$/d' "$1"
}

# The one patch of the queue that an entry takes.
taken_patch() {
	local words found

	words=$(entry_lines "$1" take)
	[ -n "$words" ] || return 0
	mapfile -t found < <(queue_patches "$QUEUE" | grep -F -- "$words")
	[ ${#found[@]} -eq 1 ] ||
		die "$(basename "$1"): ${#found[@]} patches of the queue have '$words' in their name"
	echo "$QUEUE/${found[0]}"
}

# add_file PATH: a file of this repository, with its mode, into the index.
add_file() {
	local mode=100644 blob

	[ ! -x "$ROOT/$1" ] || mode=100755
	blob=$(tree_git "$TREE" hash-object -w "$ROOT/$1")
	tree_git "$TREE" update-index --add --cacheinfo "$mode,$blob,$1"
	echo "$1" >>"$SCRATCH/added"
}

add_files() {
	local path file

	for path in $(entry_lines "$1" files); do
		[ -e "$ROOT/$path" ] || die "$(basename "$1"): there is no $path"
		for file in $(cd "$ROOT" && find "$path" -type f | sort); do
			add_file "$file"
		done
	done
}

# entry_commit ENTRY PARENT: commits one entry of the plan.
entry_commit() {
	local entry=$1 parent=$2 patch

	patch=$(taken_patch "$entry")
	if [ -n "$patch" ]; then
		git mailinfo "$SCRATCH/body" "$SCRATCH/diff" <"$patch" >"$SCRATCH/info"
		tree_git "$TREE" apply --cached --whitespace=nowarn "$SCRATCH/diff" >&2
	fi
	add_files "$entry"
	if [ -n "$(entry_message "$entry")" ]; then
		entry_message "$entry" >"$SCRATCH/message"
	else
		{ mail_field "$SCRATCH/info" Subject; echo; cat "$SCRATCH/body"; } >"$SCRATCH/message"
	fi
	GIT_AUTHOR_NAME=$AUTHOR_NAME GIT_AUTHOR_EMAIL=$AUTHOR_EMAIL \
	GIT_AUTHOR_DATE=$AUTHOR_DATE \
		tree_git "$TREE" commit-tree -p "$parent" -F "$SCRATCH/message" \
			"$(tree_git "$TREE" write-tree)"
}

# The series has one author: that of the queue.
read_author() {
	git mailinfo /dev/null /dev/null <"$QUEUE/$(queue_patches "$QUEUE" | head -n 1)" \
		>"$SCRATCH/author"
	AUTHOR_NAME=$(mail_field "$SCRATCH/author" Author)
	AUTHOR_EMAIL=$(mail_field "$SCRATCH/author" Email)
	AUTHOR_DATE=$(mail_field "$SCRATCH/author" Date)
}

# Every patch of the queue and every file of the component is in the series.
check_complete() {
	local path

	[ "$(cat "$PLAN"/[0-9]* | grep -c '^take: ')" -eq "$(queue_patches "$QUEUE" | wc -l)" ] ||
		die "lab/package/series does not take every patch of kernel-patches/$SERIES"
	for path in $OVERLAY_DIRS $OVERLAY_FILES; do
		(cd "$ROOT" && find "$path" -type f)
	done | sort | diff - <(sort "$SCRATCH/added") ||
		die "lab/package/series does not name every file of the component"
}

# add_optional COMMIT: the commit that it and what can be dropped make.
add_optional() {
	local head=$1 patch

	for patch in $(queue_patches "$OPTIONAL"); do
		head=$(patch_commit "$TREE" "$OPTIONAL/$patch" "$head" "$SCRATCH") ||
			die "patch does not apply to the series for $SERIES: optional/$patch"
	done
	echo "$head"
}

commit_series() {
	local entry head

	head=$(tree_git "$TREE" rev-parse pristine)
	export GIT_INDEX_FILE=$SCRATCH/index
	tree_git "$TREE" read-tree "$head"
	for entry in "$PLAN"/[0-9]*; do
		head=$(entry_commit "$entry" "$head") || die "cannot commit $(basename "$entry")"
	done
	check_complete
	tree_git "$TREE" update-ref refs/heads/lab/component "$head"
	head=$(add_optional "$head")
	unset GIT_INDEX_FILE
	tree_git "$TREE" update-ref refs/heads/lab/series "$head"
}

# format-patch leaves two placeholders in the cover letter.
fill_cover() {
	local cover=$1/0000-cover-letter.patch

	python3 -B - "$cover" "$PLAN/cover" <<-'END'
		import sys
		letter = open(sys.argv[1]).read()
		subject, _, body = open(sys.argv[2]).read().partition("\n\n")
		for place, text in (("*** SUBJECT HERE ***", subject), ("*** BLURB HERE ***", body.rstrip("\n"))):
		    if letter.count(place) != 1:
		        sys.exit(f"the cover letter has no {place}")
		    letter = letter.replace(place, text)
		open(sys.argv[1], "w").write(letter)
	END
}

write_series() {
	rm -rf "$SCRATCH" "$OUT.new"
	mkdir -p "$SCRATCH" "$OUT.new"
	read_author
	commit_series
	GIT_COMMITTER_NAME=$AUTHOR_NAME GIT_COMMITTER_EMAIL=$AUTHOR_EMAIL \
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null \
		git -C "$TREE" format-patch --quiet -o "$OUT.new" --cover-letter --zero-commit \
			--no-signature --no-base --no-thread --diff-algorithm=myers \
			--subject-prefix="RFC PATCH" pristine..lab/series
	fill_cover "$OUT.new"
	rm -rf "$OUT" "$SCRATCH"
	mv "$OUT.new" "$OUT"
}

main() {
	local hash

	"$LAB/fetch/tree.sh" "linux-$SERIES"
	lock "series-$SERIES"
	hash=$(hash_text "$(hash_of "$LAB/package/series.sh" "$LAB/lib/git.sh" "$PLAN" "$QUEUE" \
		"$OPTIONAL")" \
		"$(cd "$ROOT" && hash_of $OVERLAY_DIRS $OVERLAY_FILES)")
	if is_fresh "series-$SERIES" "$hash" "$OUT"; then
		say "up to date"
		return
	fi
	steps 1
	step "write the series for $SERIES"
	logged "write-$SERIES" write_series
	stamp "series-$SERIES" "$hash"
	done_with "$(find "$OUT" -name '*.patch' | wc -l) mails are in build/series/$SERIES"
}

main
