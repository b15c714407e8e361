/* SPDX-License-Identifier: ISC */
/* The entry and the header of the kernels here: MULTIBOOT says which of the two. */
    .section .multiboot, "a"
    .balign 8
header:
#if MULTIBOOT == 1
    .long 0x1BADB002, 3, -(0x1BADB002 + 3)
#else
    .long 0xE85250D6, 0, header_end - header
    .long -(0xE85250D6 + (header_end - header))
    .short 0, 0
    .long 8
header_end:
#endif

    .section .text.entry, "ax"
    .globl entry
entry:
    cli
    movl $stack_top, %esp
    pushl %ebx
    pushl %eax
    call kernel_main

    .section .bss
    .balign 16
    .skip 16384
stack_top:

    .section .note.GNU-stack, "", @progbits
