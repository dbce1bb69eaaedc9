# SPDX-License-Identifier: GPL-2.0
#
# How QEMU is configured, and where it finds firmware.  Sourced after lib.sh.

# tcg and kvm run guests; virtfs (with attr and cap-ng) is L1's root; slirp is
# the network of the e1000e run; multiprocess is the subject.
QEMU_OPTIONS=(
	--python=/usr/bin/python3
	--disable-download
	--target-list=x86_64-softmmu
	--without-default-features
	--enable-system
	--enable-kvm
	--enable-tcg
	--enable-multiprocess
	--enable-virtfs
	--enable-attr
	--enable-cap-ng
	--enable-seccomp
	--enable-slirp
	--enable-fdt=system
	--enable-trace-backends=log
	--disable-install-blobs
)

# meson is found here, at configure time and whenever ninja calls it again.
export PYTHONPATH=$BUILD/tools/usr/lib/python3/dist-packages

# configure_qemu TREE OUT: in a new folder.
configure_qemu() {
	rm -rf "$2"
	mkdir -p "$2"
	cd "$2"
	"$1/configure" "${QEMU_OPTIONS[@]}"
}

# qemu_hash OUT: what that depends on.
qemu_hash() {
	hash_text "${QEMU_OPTIONS[@]}" "$1" "$(ls "$BUILD/sources/"{qemu-10.0,tools})"
}

# link_firmware OUT: Debian's source has none; QEMU looks for it beside itself.
link_firmware() {
	local file place=$1/qemu-bundle/usr/local/share/qemu

	for file in /usr/share/seabios/* /usr/share/qemu/* /usr/lib/ipxe/qemu/*; do
		[ -e "$place/${file##*/}" ] || [ -h "$place/${file##*/}" ] ||
			ln -s "$file" "$place/"
	done
}
