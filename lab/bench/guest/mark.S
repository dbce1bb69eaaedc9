/* SPDX-License-Identifier: GPL-2.0-only */
/* In L2: have the plugin write down what each CPU has executed; see count.c. */
#ifndef MARK
#define MARK	0x6b766d03
#endif
	.globl	_start
_start:
	.byte	0x0f, 0x1f, 0x84, 0x00
	.long	MARK
	mov	$60, %eax	/* exit(0) */
	xor	%edi, %edi
	syscall
	.section .note.GNU-stack, "", @progbits
