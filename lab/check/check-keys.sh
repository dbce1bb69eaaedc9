#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The devuser- keys of fdinfo are said four times: by the kernel, which writes them, on
# the page and in the ABI's file, which define them, and by the tool, which reads
# them.  All name the same.

. "$(dirname "$0")/../lib/lib.sh"

PAGE=$ROOT/Documentation/virt/kvm/devices/user-fdinfo.rst
ABI=$ROOT/Documentation/ABI/testing/procfs-kvm-devuser

in_kernel() {
	sed -n 's/.*seq_printf(m, "\(devuser-[a-z-]*\):.*/\1/p' "$ROOT/virt/kvm/devuser/status.c"
}

on_page() {
	sed -n 's/^\(devuser-[a-z-]*\): <.*/\1/p' "$PAGE"
}

in_example() {
	sed -n 's/^  \(devuser-[a-z-]*\):\t.*/\1/p' "$PAGE" | uniq
}

in_abi() {
	sed -n 's/^\t\t\(devuser-[a-z-]*\)  .*/\1/p' "$ABI"
}

in_tool() {
	sed -n 's/^\t{ "\(devuser-[a-z-]*\)",.*/\1/p' "$ROOT/tools/kvm/devuser/fdinfo.c"
}

# The words for devuser-state.
kernel_states() {
	sed -n 's/^\t\t\[\(KVM_DEV_USER\|DEVUSER\)_[A-Z]*\] = "\([a-z]*\)",/\2/p' \
		"$ROOT/virt/kvm/devuser/status.c"
}

page_states() {
	sed -n '/^devuser-state:/,/^devuser-pending:/s/^  \([a-z]\{1,6\}\)  .*/\1/p' "$PAGE"
}

tool_states() {
	sed -n 's/^\t\[FDINFO_[A-Z]*\] = "\([a-z]*\)",/\1/p' "$ROOT/tools/kvm/devuser/fdinfo.c" |
		grep -vx unknown
}

# same WHAT REFERENCE COMMAND...: each says what the first one does, in any order.
same() {
	local what=$1 reference=$2 other

	shift 2
	[ -n "$($reference)" ] || die "the kernel's code names no $what: has it changed its form?"
	for other; do
		diff -u --label "$reference" --label "$other" <($reference | sort) <($other | sort) ||
			die "not the same $what"
	done
}

same keys in_kernel on_page in_example in_abi in_tool
same states kernel_states page_states tool_states
say "$(in_kernel | wc -l) keys and $(kernel_states | wc -l) states are the same everywhere"
