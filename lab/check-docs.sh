#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: check-docs.sh SERIES...
#
# Tries on build/series/SERIES, on top of the released source, the tools that other
# people run over everything: the documentation and coccicheck.

. "$(dirname "$0")/lib.sh"
. "$LAB/git.sh"
. "$LAB/kconfig.sh"

choose() {
	SERIES=$1
	TREE=$BUILD/series/$SERIES.tree
	OUT=$BUILD/series/$SERIES.out
}

source_git() {
	tree_git "$BUILD/trees/linux-$SERIES" "$@"
}

# A tree of its own: what is being worked on elsewhere is not touched.
check_out() {
	if [ ! -e "$TREE/.git" ]; then
		source_git worktree prune
		source_git worktree add -q --detach "$TREE" lab/series
	fi
	tree_git "$TREE" checkout -q --detach "$1"
}

make_in() {
	local out=$OUT/$1

	shift
	make -C "$TREE" O="$out" -j"$(jobs)" "$@"
}

configure() {
	configure_kernel "$TREE" "$OUT/builtin" kvm werror
}

# Other pages have findings of their own.
build_docs() {
	local log=$OUT/docs.log

	mkdir -p "$OUT/docs"
	make_in docs SPHINXDIRS=virt/kvm htmldocs 2>&1 | tee "$log"
	grep -q 'id="c.kvm_devuser_request"' \
		"$OUT/docs/Documentation/output/virt/kvm/devices/user.html" ||
		die "the page lacks what the header documents"
	! grep -E 'devices/user\.rst|kvm_devuser|devuser/' "$log" | grep -E 'WARNING|ERROR|warning:|error:' ||
		die "findings in the documentation"
}

# coccicheck's own exit code says nothing of what it found.
run_coccicheck() {
	local log=$OUT/coccicheck.log

	make_in builtin MODE=report M="$TREE/virt/kvm/devuser" coccicheck 2>&1 | tee "$log"
	grep -q 'coccinelle' "$log"
	! grep -E "virt/kvm/devuser/[^ ]+\.[ch]:[0-9]+" "$log" || die "findings of coccicheck"
}

# check NAME TEXT COMMAND...: unless it has passed with this series.
check() {
	local name=$1

	step "$2, $SERIES"
	shift 2
	is_fresh "docs-$SERIES-$name" "$HASH" && return
	check_out lab/series
	logged "$SERIES-$name" "$@"
	stamp "docs-$SERIES-$name" "$HASH"
}

main() {
	local series

	[ $# -gt 0 ] || die "give the kernel series, as in 6.12"
	steps $((3 * $#))
	for series; do
		choose "$series"
		"$LAB/series.sh" "$series"
		lock "series-$series"
		HASH=$(hash_text "$(source_git rev-parse lab/series)" \
			"$(hash_of "$LAB"/{check-docs,kconfig}.sh "$LAB/configs")")
		mkdir -p "$OUT"
		check config "configure" configure
		check docs "make the documentation" build_docs
		check coccicheck "run coccicheck" run_coccicheck
	done
	done_with "no findings"
}

main "$@"
