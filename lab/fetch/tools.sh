#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Extracts into build/tools what builds QEMU and is not to be installed here.

. "$(dirname "$0")/../lib/lib.sh"

TOOLS=$BUILD/tools
GROUP=$BUILD/sources/tools

extract() {
	local deb

	rm -rf "$TOOLS" "$TOOLS.new"
	for deb in "$GROUP"/*.deb; do
		dpkg-deb -x "$deb" "$TOOLS.new"
	done
	mv "$TOOLS.new" "$TOOLS"
}

main() {
	local hash

	"$LAB/fetch/sources.sh" tools
	lock tools
	hash=$(hash_text "$(ls "$GROUP")")
	is_fresh tools "$hash" "$TOOLS" && return
	steps 1
	step "extract the tools"
	logged extract extract
	stamp tools "$hash"
}

main
