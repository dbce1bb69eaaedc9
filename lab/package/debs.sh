# SPDX-License-Identifier: GPL-2.0
#
# What the Debian packages have in common.  Sourced after lib.sh.

OUT=$BUILD/debs

# That of the user ABI.
abi_version() {
	sed -n 's/^#define KVM_DEV_USER_VERSION[[:space:]]*//p' \
		"$ROOT/include/uapi/linux/kvm_devuser.h"
}

# In seconds: the last commit's, so that the same sources give the same package.
source_date() {
	git -C "$ROOT" log -1 --format=%ct 2>/dev/null || echo 0
}

# changelog SOURCE VERSION TEXT
changelog() {
	cat <<-END
		$1 ($2) unstable; urgency=low

		  * $3

		 -- lab <lab@localhost>  $(date -R -u -d "@$(source_date)")
	END
}

# build_deb TREE PACKAGE: in the place of an older one.
build_deb() {
	mkdir -p "$OUT"
	(cd "$1" && DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage -b -uc -us)
	rm -f "$OUT/$2"_*.deb
	cp "$(dirname "$1")/$2"_*.deb "$OUT/"
}
