# SPDX-License-Identifier: GPL-2.0
#
# Patch queues and the git trees they belong to.  Sourced after lib.sh.

# Of a topic, in its folder of the queue; in the tree a commit that changes nothing
COVER=0000-cover-letter.patch

# queue_of TREE-NAME: where its queue lies.
queue_of() {
	case $1 in
	linux-*) echo "$ROOT/kernel-patches/${1#linux-}" ;;
	optional) echo "$ROOT/kernel-patches/optional" ;;
	qemu-*) echo "$ROOT/qemu-patches/${1#qemu-}" ;;
	*) die "no such tree: $1" "trees: linux-6.12 linux-7.3 optional qemu-10.0" ;;
	esac
}

# short_name TREE-NAME: as in make queue-NAME.
short_name() {
	case $1 in
	linux-*) echo "${1#linux-}" ;;
	*) echo "${1%%-*}" ;;
	esac
}

# tree_git TREE ARGUMENT...: git with a fixed identity and no user's settings,
# so that the same queue makes the same commits everywhere.
tree_git() {
	local tree=$1

	shift
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null \
	GIT_AUTHOR_NAME=${GIT_AUTHOR_NAME-lab} \
	GIT_AUTHOR_EMAIL=${GIT_AUTHOR_EMAIL-lab@localhost} \
	GIT_AUTHOR_DATE=${GIT_AUTHOR_DATE-'@0 +0000'} \
	GIT_COMMITTER_NAME=lab GIT_COMMITTER_EMAIL=lab@localhost \
	GIT_COMMITTER_DATE='@0 +0000' \
		git -C "$tree" "$@"
}

# queue_patches QUEUE: its patches, in order.
queue_patches() {
	[ -f "$1/series" ] || return 0
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1/series"
}

# is_cover TREE COMMIT
is_cover() {
	[ "$(tree_git "$1" rev-parse "$2^{tree}")" = "$(tree_git "$1" rev-parse "$2^^{tree}")" ]
}

# queue_commit TREE QUEUE: the commit that pristine and the queue make.  Only an
# index is used, and nothing but an exact match applies.
queue_commit() {
	local tree=$1 queue=$2 scratch head patch

	scratch=$BUILD/queue-$(basename "$tree")
	rm -rf "$scratch"
	mkdir "$scratch"
	export GIT_INDEX_FILE=$scratch/index
	head=$(tree_git "$tree" rev-parse pristine)
	tree_git "$tree" read-tree "$head"
	for patch in $(queue_patches "$queue"); do
		head=$(patch_commit "$tree" "$queue/$patch" "$head" "$scratch") ||
			die "patch does not apply to $(basename "$tree"): ${queue#"$ROOT/"}/$patch"
	done
	unset GIT_INDEX_FILE
	rm -rf "$scratch"
	echo "$head"
}

mail_field() {
	sed -n "s/^$2: //p" "$1"
}

# patch_commit TREE PATCH PARENT SCRATCH: commits one mail-formatted patch.
patch_commit() {
	local tree=$1 patch=$2 parent=$3 scratch=$4

	git mailinfo "$scratch/body" "$scratch/diff" <"$patch" >"$scratch/info"
	tree_git "$tree" apply --cached --allow-empty --whitespace=nowarn "$scratch/diff" >&2 || return
	{ mail_field "$scratch/info" Subject; echo; cat "$scratch/body"; } >"$scratch/message"
	GIT_AUTHOR_NAME=$(mail_field "$scratch/info" Author) \
	GIT_AUTHOR_EMAIL=$(mail_field "$scratch/info" Email) \
	GIT_AUTHOR_DATE=$(mail_field "$scratch/info" Date) \
		tree_git "$tree" commit-tree -p "$parent" -F "$scratch/message" \
			"$(tree_git "$tree" write-tree)"
}
