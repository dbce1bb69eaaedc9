#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prepares the git tree build/trees/optional: the series for 6.12 with what can be dropped
# from it, the patches of kernel-patches/optional, as commits.  Only the folders that they
# touch, and those that KVM's modules are built from, are there.
#
# It is for working in as well: queue.sh writes its commits back, which must fit the series
# for 7.3 too.  It is never changed while it holds work that the folder does not have.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/lib/git.sh"

TREE=$BUILD/trees/optional
SOURCE=$BUILD/trees/linux-6.12
FOLDERS="arch/x86/kvm virt/kvm include/uapi/linux Documentation/virt/kvm
	Documentation/ABI/testing tools/kvm tools/testing/selftests/kvm"

clone() {
	rm -rf "$TREE"
	tree_git "$BUILD" clone -q --shared --no-checkout "$SOURCE" "$TREE"
	tree_git "$TREE" sparse-checkout set $FOLDERS
	tree_git "$TREE" checkout -q -B work origin/lab/series
	tree_git "$TREE" update-ref refs/heads/lab/queue HEAD
}

has_own_work() {
	[ "$(tree_git "$TREE" rev-parse HEAD)" != "$(tree_git "$TREE" rev-parse lab/queue)" ] ||
		[ -n "$(tree_git "$TREE" status --porcelain -uno)" ]
}

update() {
	tree_git "$TREE" fetch -q origin
	[ "$(tree_git "$TREE" rev-parse HEAD)" != "$(tree_git "$TREE" rev-parse origin/lab/series)" ] ||
		return 0
	if has_own_work; then
		say "note: build/trees/optional has changes that kernel-patches/optional does not" \
		    "have; make queue-optional writes its commits there"
		return
	fi
	tree_git "$TREE" reset -q --keep origin/lab/series
	tree_git "$TREE" update-ref refs/heads/lab/queue HEAD
}

main() {
	"$LAB/package/series.sh" 6.12
	lock optional
	if [ -d "$TREE" ]; then
		update
	else
		logged clone clone
	fi
}

main
