# SPDX-License-Identifier: GPL-2.0
#
# The tests of the KVM user device, and what they share.

LIBKVM += devuser/devuser_util.c

DEVUSER_TESTS := devuser/devuser_abi
DEVUSER_TESTS += devuser/devuser_abi_master
DEVUSER_TESTS += devuser/devuser_abi_slave
DEVUSER_TESTS += devuser/devuser_access
DEVUSER_TESTS += devuser/devuser_death
DEVUSER_TESTS += devuser/devuser_example
DEVUSER_TESTS += devuser/devuser_fail
DEVUSER_TESTS += devuser/devuser_faults
DEVUSER_TESTS += devuser/devuser_fuzz
DEVUSER_TESTS += devuser/devuser_lifetime
DEVUSER_TESTS += devuser/devuser_lockup
DEVUSER_TESTS += devuser/devuser_order
DEVUSER_TESTS += devuser/devuser_pio
DEVUSER_TESTS += devuser/devuser_posting
DEVUSER_TESTS += devuser/devuser_quiet
DEVUSER_TESTS += devuser/devuser_ranges
DEVUSER_TESTS += devuser/devuser_reply
DEVUSER_TESTS += devuser/devuser_shadow
DEVUSER_TESTS += devuser/devuser_signal
DEVUSER_TESTS += devuser/devuser_spin
DEVUSER_TESTS += devuser/devuser_timeout

# Not a test: it is run by lab/bench.
LIBKVM += devuser/devuser_bench_count.c
LIBKVM += devuser/devuser_bench_serve.c
DEVUSER_BENCH := devuser/devuser_bench
