#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds build/vfio-user/qemu-system-x86_64: Debian's source of QEMU without any patch of
# this repository, with the vfio-user server that is in it and the devices that are
# measured, and nothing else.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/lib/git.sh"
. "$LAB/build/qemu-configure.sh"

TREE=$BUILD/trees/qemu-10.0
SOURCE=$BUILD/vfio-user-source
OUT=$BUILD/vfio-user

# Neither a library's messages for who debugs it nor the devices of a machine.
QEMU_OPTIONS=(
	--python=/usr/bin/python3
	--disable-download
	--target-list=x86_64-softmmu
	--without-default-features
	--without-default-devices
	--with-devices-x86_64=vfio-user
	--enable-system
	--enable-kvm
	--disable-tcg
	--enable-multiprocess
	--enable-vfio-user-server
	--enable-trace-backends=log
	--disable-install-blobs
	-Dlibvfio-user:debug-logs=disabled
)

write_source() {
	rm -rf "$SOURCE"
	mkdir "$SOURCE"
	tree_git "$TREE" archive pristine | tar -x -C "$SOURCE"
	printf '%s\n' CONFIG_Q35=y CONFIG_MULTIPROCESS=y CONFIG_VFIO_USER_SERVER=y \
		CONFIG_LSI_SCSI_PCI=y CONFIG_NVME_PCI=y \
		>"$SOURCE/configs/devices/x86_64-softmmu/vfio-user.mak"
}

build_server() {
	write_source
	configure_qemu "$SOURCE" "$OUT"
	ninja -C "$OUT" -j"$(jobs)" qemu-system-x86_64
}

main() {
	local hash

	"$LAB/fetch/tools.sh"
	"$LAB/fetch/tree.sh" qemu-10.0
	lock vfio-user
	hash=$(hash_text "$(qemu_hash "$OUT")" "$(hash_of "$LAB/build/vfio-user.sh")")
	if is_fresh vfio-user "$hash" "$OUT/qemu-system-x86_64"; then
		say "up to date: vfio-user"
		return
	fi
	steps 1
	step "build the vfio-user server"
	logged build build_server
	stamp vfio-user "$hash"
	done_with "build/vfio-user/qemu-system-x86_64 is built"
}

main
