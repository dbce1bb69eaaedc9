# SPDX-License-Identifier: GPL-2.0
#
# What of this repository is copied, as it is, into a kernel tree.  Sourced
# after lib.sh.

OVERLAY_DIRS="virt/kvm/devuser tools/testing/selftests/kvm/devuser tools/kvm/devuser"
OVERLAY_FILES="include/uapi/linux/kvm_devuser.h
	Documentation/virt/kvm/devices/user.rst
	Documentation/virt/kvm/devices/user-fdinfo.rst
	Documentation/ABI/testing/procfs-kvm-devuser"

# overlay TREE: brings TREE's copies up to date.  What is the same stays
# untouched, so that make rebuilds only what has changed.
overlay() {
	local path

	for path in $OVERLAY_DIRS; do
		[ -d "$ROOT/$path" ] || continue
		mkdir -p "$1/$path"
		rsync -rc --delete --include .kunitconfig --include .gitignore \
			--exclude '*.o' --exclude '.*' \
			"$ROOT/$path/" "$1/$path/"
	done
	for path in $OVERLAY_FILES; do
		[ -f "$ROOT/$path" ] || continue
		mkdir -p "$1/$(dirname "$path")"
		rsync -c "$ROOT/$path" "$1/$path"
	done
}
