/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firmware of a guest that does nothing but load one register of a device, in
 * the slot SLOT: at OFFSET in the BAR whose register in config space is BAR.  Then it
 * has the plugin write down what was executed (see count.c), and says so to L1.  It
 * halts, or, with SPIN, goes on to make such marks, so that the longest pause between
 * two of them shows.
 */
#define CONFIG(offset)	(0x80000000 | SLOT << 11 | (offset))
#define WINDOW		0xe0000000	/* where nothing else is */
#define COMMAND		0x04
#define COMMAND_MEMORY	2
#define SAY		0xe9

	.macro	mark_cpus
	.byte	0x0f, 0x1f, 0x84, 0x00
	.long	0x6b766d03
	.endm

	.macro	config_write offset, value
	mov	$CONFIG(\offset), %eax
	mov	$0xcf8, %dx
	outl	%eax, %dx
	mov	$\value, %eax
	mov	$0xcfc, %dx
	outl	%eax, %dx
	.endm

	.text
	.globl	_start
_start:
base:
	mov	$0x10, %eax
	mov	%eax, %ds
	config_write BAR, WINDOW
	config_write COMMAND, COMMAND_MEMORY
	mov	WINDOW + OFFSET, %eax
	mark_cpus
	mov	$'r', %al
	outb	%al, $SAY
#ifdef SPIN
1:	mov	$2000, %ecx
2:	loop	2b
	mark_cpus
	jmp	1b
#else
1:	hlt
	jmp	1b
#endif

	.balign	8
gdt:	.quad	0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_end:
gdtr:	.word	gdt_end - gdt - 1
	.long	gdt

	.code16
real:	cli
	lgdtl	%cs:gdtr - base
	mov	$1, %eax
	mov	%eax, %cr0
	ljmpl	$8, $_start

	/* Where the processor begins: the image ends with the address space. */
	.org	0xfff0
	jmp	real
	.org	0x10000
	.section .note.GNU-stack, "", @progbits
