# SPDX-License-Identifier: GPL-2.0
#
# Other architectures, by the names that the kernel's Makefile has for them.
# Sourced after lib.sh.

# compiler_of ARCHITECTURE: what the names of its tools begin with.
compiler_of() {
	case $1 in
	arm64) echo aarch64-linux-gnu- ;;
	riscv) echo riscv64-linux-gnu- ;;
	s390) echo s390x-linux-gnu- ;;
	x86) echo ;;
	*) die "no compiler is known for '$1'" "give arm64, riscv, s390 or x86" ;;
	esac
}

# build_for ARCHITECTURE: what make builds from here on is for it.
build_for() {
	CROSS_COMPILE=$(compiler_of "$1")
	export ARCH=$1 CROSS_COMPILE
}
