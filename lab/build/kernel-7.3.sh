#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Compiles all of KVM, with the component, in the 7.3 series.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/build/kconfig.sh"
. "$LAB/build/kvm.sh"

main() {
	"$LAB/fetch/tree.sh" linux-7.3
	lock kvm-7.3
	steps 2
	step "configure 7.3"
	logged config kvm_configure 7.3
	step "compile KVM with W=1 and KVM_WERROR"
	logged build kvm_make 7.3 arch/x86/kvm/
	done_with "KVM of 7.3 compiles without a warning"
}

main
