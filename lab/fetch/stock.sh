#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Extracts the stock kernel's image, modules and headers into build/stock, as
# they would lie below / on a machine that has them installed.

. "$(dirname "$0")/../lib/lib.sh"

STOCK=$BUILD/stock
GROUP=$BUILD/sources/linux-6.12

# The headers refer to themselves by the paths of an installed system.
relocate() {
	local new=$1 release=$2

	sed -i "s|/usr/src/|$STOCK/usr/src/|" \
		"$new/usr/src/linux-headers-$release/Makefile"
	ln -sfn "../../../usr/src/linux-headers-$release" \
		"$new/lib/modules/$release/build"
	ln -sfn "../../../usr/src/linux-headers-${release%-amd64}-common" \
		"$new/lib/modules/$release/source"
}

extract() {
	local release=$1 deb

	rm -rf "$STOCK" "$STOCK.new"
	for deb in "$GROUP"/linux-{image,headers,kbuild}-*.deb; do
		dpkg-deb -x "$deb" "$STOCK.new"
	done
	relocate "$STOCK.new" "$release"
	mv "$STOCK.new" "$STOCK"
}

main() {
	local release hash

	"$LAB/fetch/sources.sh" linux-6.12
	lock stock
	release=$(cat "$GROUP/release")
	hash=$(hash_text "$(ls "$GROUP")" "$STOCK" "$(hash_of "$LAB/fetch/stock.sh")")
	is_fresh stock "$hash" "$STOCK" && return
	steps 1
	step "extract the stock kernel $release"
	logged extract extract "$release"
	stamp stock "$hash"
}

main
