#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: check-docs.sh SERIES...
#
# Tries on build/series/SERIES, on top of the released source, the tools that other
# people run over everything: the documentation and coccicheck.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/lib/git.sh"
. "$LAB/build/kconfig.sh"
. "$LAB/check/series-tree.sh"

# Other pages have findings of their own.
build_docs() {
	local log=$OUT/docs.log

	mkdir -p "$OUT/docs"
	make_in docs SPHINXDIRS=virt/kvm htmldocs 2>&1 | tee "$log"
	grep -q 'id="c.kvm_dev_user_request"' \
		"$OUT/docs/Documentation/output/virt/kvm/devices/user.html" ||
		die "the page lacks what the header documents"
	! grep -E 'devices/user[.-]|kvm_dev_?user|devuser/' "$log" | grep -E 'WARNING|ERROR|warning:|error:' ||
		die "findings in the documentation"
}

# coccicheck's own exit code says nothing of what it found.
run_coccicheck() {
	local log=$OUT/coccicheck.log

	configure_kernel "$TREE" "$OUT/coccicheck" kvm werror
	make_in coccicheck MODE=report M="$TREE/virt/kvm/devuser" coccicheck 2>&1 | tee "$log"
	grep -q 'coccinelle' "$log"
	! grep -E "virt/kvm/devuser/[^ ]+\.[ch]:[0-9]+" "$log" || die "findings of coccicheck"
}

main() {
	local series hash

	[ $# -gt 0 ] || die "give the kernel series, as in 6.12"
	steps $((2 * $#))
	for series; do
		use_series "$series"
		hash=$(series_hash "$LAB/check/check-docs.sh")
		check_series_tree docs "make the documentation" "$hash" build_docs
		check_series_tree coccicheck "run coccicheck" "$hash" run_coccicheck
	done
	done_with "no findings"
}

main "$@"
