#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: peers.sh [archive]
#
# Makes build/peers/peers.tar, the archive: the newest QEMU that Debian has, and its
# qemu-storage-daemon, with the libraries that they are linked with, to be unpacked and
# run in L1 beside what is measured there.
#
# Then has vfio-user.sh build the server of a protocol of which that QEMU is a client.
#
# What cannot be had is left out of the measurements, and is no error.

. "$(dirname "$0")/../lib/lib.sh"

GROUP=$BUILD/sources/peers
OUT=$BUILD/peers
PROGRAMS=(qemu-system-x86_64 qemu-storage-daemon)
LOADER=usr/lib64/ld-linux-x86-64.so.2
LIBRARIES=usr/lib/x86_64-linux-gnu

# libraries_of ROOT PROGRAM: the names of the files in $LIBRARIES.
libraries_of() {
	"$1/$LOADER" --library-path "$1/$LIBRARIES" --list "$1/usr/bin/$2" |
		sed -n "s|.*=> $1/$LIBRARIES/\\([^ ]*\\) .*|\\1|p"
}

# So that neither the loader nor a library is to be in its own place.
write_wrapper() {
	cat >"$2" <<-END
		#!/bin/sh
		here=\${0%/*}
		exec \$here/lib/${LOADER##*/} --library-path \$here/lib \$here/lib/$1 "\$@"
	END
	chmod +x "$2"
}

pack() {
	local root=$OUT/root deb program library

	rm -rf "$OUT"
	mkdir -p "$root" "$OUT/peers/lib"
	for deb in "$GROUP"/*.deb; do
		dpkg-deb -x "$deb" "$root"
	done
	cp "$root/$LOADER" "$OUT/peers/lib/"
	for program in "${PROGRAMS[@]}"; do
		cp "$root/usr/bin/$program" "$OUT/peers/lib/"
		for library in $(libraries_of "$root" "$program"); do
			cp "$root/$LIBRARIES/$library" "$OUT/peers/lib/"
		done
		write_wrapper "$program" "$OUT/peers/$program"
		"$OUT/peers/$program" --version
	done
	tar -C "$OUT/peers" -cf "$OUT/peers.tar" .
	rm -rf "$root"
}

archive() {
	local hash

	"$LAB/fetch/sources.sh" peers
	lock peers
	hash=$(hash_of "$LAB/build/peers.sh" "$GROUP")
	if is_fresh peers "$hash" "$OUT/peers.tar"; then
		say "up to date: peers"
		return
	fi
	steps 1
	step "pack the peers"
	logged pack pack
	stamp peers "$hash"
	done_with "build/peers/peers.tar has ${PROGRAMS[*]}"
}

leave_out() {
	say "note: $1: what is measured of it is left out"
}

# Processes of their own: an error ends no more than one.
main() {
	case ${1-} in
	archive) archive ;;
	"")
		"$0" archive || leave_out "no QEMU of others is to be had"
		"$LAB/build/vfio-user.sh" || leave_out "there is no vfio-user server"
		;;
	*) die "give archive or nothing" ;;
	esac
}

main "$@"
