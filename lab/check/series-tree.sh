# SPDX-License-Identifier: GPL-2.0
#
# A tree of its own for what is done with build/series/SERIES on top of the released
# source: what is being worked on in build/trees is not touched.  Sourced after
# lib.sh, git.sh and kconfig.sh.

# use_series SERIES: is written, checked out, and nobody else's until the end.
use_series() {
	SERIES=$1
	TREE=$BUILD/series/$SERIES.tree
	OUT=$BUILD/series/$SERIES.out
	"$LAB/package/series.sh" "$SERIES"
	lock "series-$SERIES"
	mkdir -p "$OUT"
}

source_git() {
	tree_git "$BUILD/trees/linux-$SERIES" "$@"
}

check_out() {
	if [ ! -e "$TREE/.git" ]; then
		source_git worktree prune
		source_git worktree add -q --detach "$TREE" lab/series
	fi
	tree_git "$TREE" checkout -q --detach "$1"
}

# series_hash FILE...: of the series, and of what is done with it.
series_hash() {
	hash_text "$(source_git rev-parse lab/series)" \
		"$(hash_of "$LAB"/{check/series-tree,build/kconfig}.sh "$LAB"/build/configs/{kvm,werror} "$@")"
}

# make_in FOLDER ARGUMENT...
make_in() {
	local out=$OUT/$1

	shift
	make -C "$TREE" O="$out" -j"$(jobs)" "$@"
}

# check_series_tree NAME TEXT HASH COMMAND...: unless it has passed with this hash.
check_series_tree() {
	local name=$ME-$SERIES-$1 text=$2 hash=$3

	step "$text, $SERIES"
	shift 3
	is_fresh "$name" "$hash" && return
	check_out lab/series
	logged "${name#"$ME-"}" "$@"
	stamp "$name" "$hash"
}
