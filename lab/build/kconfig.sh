# SPDX-License-Identifier: GPL-2.0
#
# Kernel configurations from fragments.  Sourced after lib.sh.

# configure_kernel TREE OUT FRAGMENT...: tinyconfig plus lab/build/configs/FRAGMENT.
# A line of a fragment that does not come out as it is written is an error.
configure_kernel() {
	local tree=$1 out=$2 fragment lost

	shift 2
	mkdir -p "$out"
	make -C "$tree" O="$out" tinyconfig
	for fragment; do
		cat "$LAB/build/configs/$fragment"
	done >>"$out/.config"
	make -C "$tree" O="$out" olddefconfig
	lost=$(for fragment; do grep -E '^(# )?CONFIG_' "$LAB/build/configs/$fragment"; done |
		grep -Fvxf "$out/.config" || true)
	[ -z "$lost" ] || die "the kernel's configuration does not take: $(echo $lost)"
}
