# SPDX-License-Identifier: GPL-2.0
#
# The tests of the KVM user device, and what they share.

ifneq ($(filter x86 x86_64 arm64,$(ARCH)),)
LIBKVM += devuser/devuser_util.c
endif

DEVUSER_TESTS := devuser/devuser_abi
DEVUSER_TESTS += devuser/devuser_abandon
DEVUSER_TESTS += devuser/devuser_abi_master
DEVUSER_TESTS += devuser/devuser_abi_slave
DEVUSER_TESTS += devuser/devuser_death
DEVUSER_TESTS += devuser/devuser_doorbell
DEVUSER_TESTS += devuser/devuser_early
DEVUSER_TESTS += devuser/devuser_example
DEVUSER_TESTS += devuser/devuser_fail
DEVUSER_TESTS += devuser/devuser_faults
DEVUSER_TESTS += devuser/devuser_hand_over
DEVUSER_TESTS += devuser/devuser_lifetime
DEVUSER_TESTS += devuser/devuser_lockup
DEVUSER_TESTS += devuser/devuser_neighbours
DEVUSER_TESTS += devuser/devuser_nonposted
DEVUSER_TESTS += devuser/devuser_order
DEVUSER_TESTS += devuser/devuser_posting
DEVUSER_TESTS += devuser/devuser_progress
DEVUSER_TESTS += devuser/devuser_reply
DEVUSER_TESTS += devuser/devuser_revoke
DEVUSER_TESTS += devuser/devuser_rw
DEVUSER_TESTS += devuser/devuser_shadow
DEVUSER_TESTS += devuser/devuser_signal
DEVUSER_TESTS += devuser/devuser_spin
DEVUSER_TESTS += devuser/devuser_timeout
DEVUSER_TESTS += devuser/devuser_uring

# These are about ports, or about x86's instructions.
DEVUSER_TESTS_X86 := devuser/devuser_access
DEVUSER_TESTS_X86 += devuser/devuser_bytes
DEVUSER_TESTS_X86 += devuser/devuser_fuzz
DEVUSER_TESTS_X86 += devuser/devuser_modes
DEVUSER_TESTS_X86 += devuser/devuser_pio
DEVUSER_TESTS_X86 += devuser/devuser_quiet
DEVUSER_TESTS_X86 += devuser/devuser_ranges
DEVUSER_TESTS_X86 += devuser/devuser_run_page
DEVUSER_TESTS_X86 += devuser/devuser_split
DEVUSER_TESTS_X86 += devuser/devuser_split_avx
DEVUSER_TESTS_X86 += devuser/devuser_string

# Not a test: it is run by lab/bench.
ifneq ($(filter x86 x86_64,$(ARCH)),)
LIBKVM += devuser/devuser_bench_count.c
LIBKVM += devuser/devuser_bench_serve.c
endif
DEVUSER_BENCH := devuser/devuser_bench
