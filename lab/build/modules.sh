#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: modules.sh [optional]
#
# Builds kvm.ko, kvm-amd.ko and kvm-intel.ko with the component for the stock
# kernel, from its own headers, as external modules.  With "optional" they have the
# patches of kernel-patches/optional as well, and are in build/modules-optional.

. "$(dirname "$0")/../lib/lib.sh"

TREE=$BUILD/trees/linux-6.12
MODULES="kvm kvm-amd kvm-intel"
CONFIG=$BUILD/modules-config

PRODUCTS=(--exclude '*.o' --exclude '*.ko' --exclude '*.mod' --exclude '*.mod.c'
	  --exclude '.*' --exclude Module.symvers --exclude modules.order
	  --exclude 'kvm-asm-offsets.[hs]')

choose() {
	NAME=modules
	CODE=$TREE
	case $1 in
	"") ;;
	optional) NAME+=-optional; CODE=$BUILD/trees/optional ;;
	*) die "modules.sh takes optional, or nothing, not '$1'" ;;
	esac
	OUT=$BUILD/$NAME
	SRC=$BUILD/$NAME-objects
}

# The headers that the patches and the component bring: the stock headers do not
# have them.
own_headers() {
	git -C "$CODE" diff --name-only pristine HEAD -- include arch/x86/include
	(cd "$CODE" && ls include/uapi/linux/kvm_devuser.h 2>/dev/null || true)
}

copy_headers() {
	local path new=$SRC/headers.new

	rm -rf "$new"
	mkdir -p "$new" "$SRC/headers"
	own_headers | while read -r path; do
		install -D -m 644 "$CODE/$path" "$new/$path"
	done
	rsync -rc --delete "$new/" "$SRC/headers/"
	rm -rf "$new"
}

# The kernel's own options are Debian's: the component's come from its own Kconfig.
configure() {
	mkdir -p "$CONFIG"
	echo CONFIG_KVM_DEVUSER=y >"$CONFIG/.config"
	make -C "$TREE" O="$CONFIG" KBUILD_KCONFIG="$ROOT/Kconfig" olddefconfig
	grep '^CONFIG_KVM_DEVUSER' "$CONFIG/.config"
}

chosen() {
	sed -n 's/^\(CONFIG_KVM_DEVUSER[A-Z_]*\)=y$/\1/p' "$CONFIG/.config"
}

# What arch/x86/kvm/Makefile expects in the kernel's tree is in the copy; the
# headers of the copy come before the stock ones.
relocated_makefile() {
	cat <<-END
		LINUXINCLUDE := -I$SRC/headers/arch/x86/include \\
			-I$SRC/headers/arch/x86/include/uapi \\
			-I$SRC/headers/include -I$SRC/headers/include/uapi \\
			\$(LINUXINCLUDE)
		# include/trace/define_trace.h looks for ../../arch/x86/kvm/trace.h
		ccflags-y += -I$SRC/arch/x86 $(chosen | sed 's/.*/-D&=1/' | xargs)
	END
	sed "s|\$(srctree)/|$SRC/|" "$CODE/arch/x86/kvm/Makefile"
	# What KVM would use of the patched kernel's own
	echo 'kvm-$(CONFIG_KVM_DEVUSER) += ../../../virt/stock/wait.o'
}

copy_sources() {
	mkdir -p "$SRC/arch/x86/kvm" "$SRC/virt/kvm" "$SRC/virt/stock"
	rsync -rc --delete "${PRODUCTS[@]}" --exclude /Makefile \
		"$CODE/arch/x86/kvm/" "$SRC/arch/x86/kvm/"
	rsync -rc --delete "${PRODUCTS[@]}" "$CODE/virt/kvm/" "$SRC/virt/kvm/"
	rsync -rc --delete "${PRODUCTS[@]}" "$LAB/build/stock/" "$SRC/virt/stock/"
	copy_headers
	relocated_makefile >"$SRC/arch/x86/kvm/Makefile"
}

# Of everything that is copied, and nothing that is built.
source_hash() {
	find "$SRC" -type f ! -path '*/.*' \( -name '*.[chS]' -o -name 'Makefile*' \) \
		! -name '*.mod.c' ! -name 'kvm-asm-offsets.[hs]' -print0 |
		sort -z | xargs -0 sha256sum
}

build() {
	local name

	make -C "$BUILD/stock/lib/modules/$1/build" M="$SRC/arch/x86/kvm" \
		-j"$(jobs)" $(chosen | sed 's/$/=y/') modules
	mkdir -p "$OUT"
	for name in $MODULES; do
		cp "$SRC/arch/x86/kvm/$name.ko" "$OUT/$name.ko.new"
	done
	for name in $MODULES; do
		mv "$OUT/$name.ko.new" "$OUT/$name.ko"
	done
}

main() {
	local release hash

	"$LAB/fetch/stock.sh"
	"$LAB/fetch/tree.sh" linux-6.12
	choose "${1:-}"
	[ "$CODE" = "$TREE" ] || "$LAB/fetch/optional.sh"
	lock modules
	release=$(cat "$BUILD/sources/linux-6.12/release")
	hash=$(hash_of "$ROOT/Kconfig" "$TREE/virt/kvm/devuser/Kconfig")
	if ! is_fresh modules-config "$hash" "$CONFIG/.config"; then
		logged configure configure
		stamp modules-config "$hash"
	fi
	copy_sources
	hash=$(hash_text "$release" "$(source_hash)")
	if is_fresh "$NAME" "$hash" "$OUT"/{kvm,kvm-amd,kvm-intel}.ko; then
		say "up to date"
		return
	fi
	steps 1
	step "build KVM's modules for $release"
	logged build build "$release"
	stamp "$NAME" "$hash"
	done_with "kvm.ko kvm-amd.ko kvm-intel.ko are in build/$NAME"
}

main "$@"
