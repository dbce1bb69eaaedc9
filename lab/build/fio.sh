#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds build/fio/fio: Debian's fio without the libraries of network storage,
# linked statically, so that it runs in an initramfs.

. "$(dirname "$0")/../lib/lib.sh"

OUT=$BUILD/fio
OPTIONS=(--build-static --disable-native --disable-numa --disable-rdma --disable-rados
	 --disable-rbd --disable-http --disable-gfapi --disable-pmem --disable-libzbc
	 --disable-xnvme --disable-libnfs --disable-shm --disable-tcmalloc)

build_fio() {
	rm -rf "$OUT"
	dpkg-source -x "$BUILD"/sources/fio/fio_*.dsc "$OUT"
	cd "$OUT"
	./configure "${OPTIONS[@]}"
	make -j"$(jobs)" fio
}

main() {
	local hash

	"$LAB/fetch/sources.sh" fio
	lock fio
	hash=$(hash_of "$LAB/build/fio.sh" "$BUILD/sources/fio")
	if is_fresh fio "$hash" "$OUT/fio"; then
		say "up to date: fio"
		return
	fi
	step "build fio"
	logged build build_fio
	stamp fio "$hash"
	done_with "build/fio/fio is built"
}

main
