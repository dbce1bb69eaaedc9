/* SPDX-License-Identifier: GPL-2.0-only */
/* In L1: have the plugin write down what was executed in all; see count.c. */
#define MARK	0x6b766d01
#include "mark.S"
