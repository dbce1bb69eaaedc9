// SPDX-License-Identifier: GPL-2.0-only
/*
 * What devuser_split does, with moves of 32 bytes.  A test of its own, as not every
 * KVM that has user devices emulates AVX.
 */
#define SPLIT_AVX
#include "devuser_split.c"
