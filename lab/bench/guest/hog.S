/* SPDX-License-Identifier: GPL-2.0-only */
/* In L1: a task that never sleeps, and whose instructions do not count; see count.c. */
	.globl	_start
_start:
	.byte	0x0f, 0x1f, 0x84, 0x00
	.long	0x6b766d04
	/* Long, as each jump costs the emulation much more than a NOP. */
1:	.rept	4096
	nop
	.endr
	jmp	1b
	.section .note.GNU-stack, "", @progbits
