#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: check-series.sh SERIES...
#
# Checks build/series/SERIES as its receivers would: each mail applies exactly to
# the released source, together they make the tree that the lab tests, once without those
# at the end that can be dropped and once with them, checkpatch --strict has nothing to say,
# and get_maintainer finds KVM's list for each, or the mail of another subsystem says it.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/lib/git.sh"
. "$LAB/lib/overlay.sh"

# Nobody signs off for others; MAINTAINERS comes last; 6.12 has no kzalloc_obj().
ON_PURPOSE=NO_AUTHOR_SIGN_OFF,MISSING_SIGN_OFF,FILE_PATH_CHANGES,ALLOC_WITH_SIZEOF

mails() {
	find "$BUILD/series/$1" -name '*.patch' ! -name '0000-*' | sort
}

# apply_mail MAIL TREE SCRATCH
apply_mail() {
	echo "$1"
	git mailinfo "$3/body" "$3/diff" <"$1" >"$3/info"
	tree_git "$2" apply --cached --whitespace=error-all "$3/diff"
}

# Only an index is used: nothing but an exact match applies there.
apply_mails() {
	local tree=$BUILD/trees/linux-$1 scratch=$BUILD/series/$1.apply mail number

	rm -rf "$scratch"
	mkdir "$scratch"
	export GIT_INDEX_FILE=$scratch/index
	tree_git "$tree" read-tree pristine
	number=$(tree_git "$tree" rev-list --count pristine..lab/component)
	for mail in $(mails "$1" | head -n "$number"); do
		apply_mail "$mail" "$tree" "$scratch"
	done
	# The queue's commits, and on top of them the component.
	tree_git "$tree" diff --cached --name-only lab/queue | sort >"$scratch/differ"
	(cd "$ROOT" && find $OVERLAY_DIRS $OVERLAY_FILES -type f) | sort |
		diff - "$scratch/differ" || die "the series is not the tree that is tested"
	while read -r path; do
		tree_git "$tree" show ":$path" | cmp - "$ROOT/$path"
	done <"$scratch/differ"
	for mail in $(mails "$1" | tail -n "+$((number + 1))"); do
		apply_mail "$mail" "$tree" "$scratch"
	done
	tree_git "$tree" diff --cached --exit-code lab/series
	rm -rf "$scratch"
}

# As lab/check/checkpatch.sh: what a kind of file cannot have is not asked of it.
ignored_in() {
	case $(sed -n 's/^Subject: //p' "$1") in
	*"Define and document"*) echo "$ON_PURPOSE,BIT_MACRO" ;;
	*"their queues"*) echo "$ON_PURPOSE,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT,SPACING" ;;
	*"Add a tool"*) echo "$ON_PURPOSE,CAMELCASE,LINE_SPACING,PREFER_KERNEL_TYPES,SPACING" ;;
	*) echo "$ON_PURPOSE" ;;
	esac
}

checkpatch_mails() {
	local tree=$BUILD/trees/linux-$1 mail status=0

	# It leaves a list of its own in the folder where it runs.
	cd "$BUILD/series"
	for mail in $(mails "$1"); do
		"$tree/scripts/checkpatch.pl" --root="$tree" --strict --terse --no-summary \
			--no-signoff --ignore "$(ignored_in "$mail")" "$mail" || status=1
	done
	return $status
}

# The tree has the patched MAINTAINERS.  That file itself is nobody's, and goes
# where the rest goes.
maintainers_of_mails() {
	local tree=$BUILD/trees/linux-$1 mail found

	cd "$tree"
	for mail in $(mails "$1" | grep -v -- '-MAINTAINERS-'); do
		found=$(scripts/get_maintainer.pl --no-git --no-git-fallback --no-rolestats "$mail")
		printf '%s\n%s\n' "$mail" "$found"
		grep -q '^kvm@vger.kernel.org$' <<<"$found" ||
			grep -q '^Cc: kvm@vger.kernel.org$' "$mail" ||
			die "neither get_maintainer nor a Cc says KVM's list for $(basename "$mail")"
	done
}

main() {
	local series

	[ $# -gt 0 ] || die "give the kernel series: 6.12 7.3"
	for series; do
		"$LAB/package/series.sh" "$series"
	done
	steps $((3 * $#))
	for series; do
		lock "series-$series"
		step "apply the series to $series"
		logged "apply-$series" apply_mails "$series"
		step "checkpatch on the mails for $series"
		logged "checkpatch-$series" checkpatch_mails "$series"
		step "get_maintainer on the mails for $series"
		logged "maintainers-$series" maintainers_of_mails "$series"
	done
	done_with "the series is fit to be sent"
}

main "$@"
