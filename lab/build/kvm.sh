# SPDX-License-Identifier: GPL-2.0
#
# A configured tree in which parts of KVM can be compiled.  Sourced after lib.sh
# and kconfig.sh.

# kvm_objects SERIES: where they are built.
kvm_objects() {
	echo "$BUILD/kvm-$1"
}

# kvm_configure SERIES
kvm_configure() {
	local out tree=$BUILD/trees/linux-$1 hash

	out=$(kvm_objects "$1")
	hash=$(hash_of "$LAB/build/kconfig.sh" "$LAB"/build/configs/{kvm,werror} \
		"$tree/virt/kvm/devuser/Kconfig")
	if ! is_fresh "kvm-$1" "$hash" "$out/.config"; then
		configure_kernel "$tree" "$out" kvm werror
		stamp "kvm-$1" "$hash"
	fi
}

# kvm_make SERIES ARGUMENT...: every warning of W=1 is an error.
kvm_make() {
	local series=$1

	shift
	make -C "$BUILD/trees/linux-$series" O="$(kvm_objects "$series")" \
		-j"$(jobs)" W=1 "$@"
}
