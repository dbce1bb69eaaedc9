#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds kvm-devuser, and the program that its tests take for a VMM.

. "$(dirname "$0")/../lib/lib.sh"

OUT=$BUILD/tool/plain

build() {
	mkdir -p "$OUT"
	make -C "$ROOT/tools/kvm/devuser" -j"$(jobs)" OUTPUT="$OUT/" all vmm
}

main() {
	lock tool
	steps 1
	step "build kvm-devuser"
	logged build build
	done_with "build/tool/plain/kvm-devuser is built"
}

main "$@"
