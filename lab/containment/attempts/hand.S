/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest of one page: it makes the accesses that it is told to, over the first
 * serial port.  It is the machine's firmware, at the end of the first 4 GiB.
 *
 * A command has 10 bytes: what it is, the size of the access, the address and the
 * value, each of the latter two in 4 bytes.  The value of a load of 4 bytes is how often
 * it is made, at least once.  The answer has 4 bytes: what was loaded, or the value.
 * While there is none the processor sleeps, until the port's interrupt, the only one
 * that is not masked, wakes it up.
 */

	.set	COMMAND, 0x1000		/* where it is put, in RAM */
	.set	STACK, 0x8000
	.set	IDT, 0x2000
	.set	VECTOR, 0x24
	.set	APIC, 0xfee00000
	.set	DATA, 0x3f8		/* the serial port's registers */
	.set	ENABLE, 0x3f9
	.set	MODEM, 0x3fc
	.set	STATUS, 0x3fd
	.set	RECEIVED, 1
	.set	CAN_SEND, 0x20

	.text
	.globl	start
start:
	.code16
	cli
	lgdtl	%cs:(gdt_pointer - start)
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$8, $flat

	.code32
flat:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$STACK, %esp

	/* The interrupt controller has its vectors from 0x20 on, and one interrupt. */
	movl	$orders, %esi
	movl	$(orders_end - orders) / 3, %ecx
1:	lodsw
	movw	%ax, %dx
	lodsb
	outb	%al, %dx
	loop	1b
	movl	$woken, %eax
	movl	$0x00080000, %ebx	/* the code's segment */
	movw	%ax, %bx
	movl	%ebx, IDT + VECTOR * 8
	movw	$0x8e00, %ax		/* an interrupt gate */
	movl	%eax, IDT + VECTOR * 8 + 4
	lidt	idt_pointer
	movl	$0x1ff, APIC + 0xf0	/* on, and its pin 0 is that controller's */
	movl	$0x700, APIC + 0x350

next:
	movl	$COMMAND, %edi
	movl	$10, %ecx
1:	call	receive
	stosb
	loop	1b

	movl	COMMAND + 2, %edx
	movl	COMMAND + 6, %eax
	movzbl	COMMAND, %ebx
	movzbl	COMMAND + 1, %ecx
	cmpb	$4, %cl
	jne	2f
	decl	%ecx			/* sizes 1, 2, 4: cases 1, 2, 3 */
2:	leal	-1(%ecx, %ebx, 4), %ebx
	call	*accesses(, %ebx, 4)

	movl	%eax, COMMAND
	movl	$COMMAND, %esi
	movl	$4, %ecx
3:	lodsb
	call	send
	loop	3b
	jmp	next

receive:
	movw	$STATUS, %dx
1:	inb	%dx, %al
	testb	$RECEIVED, %al
	jnz	2f
	sti
	hlt
	cli
	jmp	1b
2:	movw	$DATA, %dx
	inb	%dx, %al
	ret

woken:
	pushl	%eax
	movb	$0x20, %al		/* the end of the interrupt */
	outb	%al, $0x20
	popl	%eax
	iret

send:
	movb	%al, %ah
	movw	$STATUS, %dx
1:	inb	%dx, %al
	testb	$CAN_SEND, %al
	jz	1b
	movb	%ah, %al
	movw	$DATA, %dx
	outb	%al, %dx
	ret

readb:	movzbl	(%edx), %eax
	ret
readw:	movzwl	(%edx), %eax
	ret
readl:	movl	%eax, %ecx
1:	movl	(%edx), %eax
	decl	%ecx
	jg	1b
	ret
writeb:	movb	%al, (%edx)
	ret
writew:	movw	%ax, (%edx)
	ret
writel:	movl	%eax, (%edx)
	ret
in8:	xorl	%eax, %eax
	inb	%dx, %al
	ret
in16:	xorl	%eax, %eax
	inw	%dx, %ax
	ret
in32:	inl	%dx, %eax
	ret
out8:	outb	%al, %dx
	ret
out16:	outw	%ax, %dx
	ret
out32:	outl	%eax, %dx
	ret

	.balign	8
accesses:
	.long	readb, readw, readl, 0
	.long	writeb, writew, writel, 0
	.long	in8, in16, in32, 0
	.long	out8, out16, out32, 0
orders:					/* a port, and what is stored there */
	.macro	order port, value
	.word	\port
	.byte	\value
	.endm
	order	0x20, 0x11
	order	0x21, VECTOR & ~7
	order	0x21, 4
	order	0x21, 1
	order	0x21, 0xef
	order	0xa1, 0xff
	order	MODEM, 8		/* lets the interrupt out */
	order	ENABLE, 1		/* when something has come */
orders_end:
	.balign	8
idt_pointer:
	.word	(VECTOR + 1) * 8 - 1
	.long	IDT
	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* code and data, of 4 GiB */
	.quad	0x00cf93000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	.org	0xfff0			/* where a processor begins */
	.code16
	jmp	start
	.org	0x10000
