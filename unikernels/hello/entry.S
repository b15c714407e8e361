/* SPDX-License-Identifier: ISC */
/*
 * Where the machine enters: one entry for multiboot 1 and one for Xen PVH. Both arrive in 32-bit
 * protected mode with flat segments and no paging, so all there is to do is to set up a stack and
 * our own GDT (the loader's may be gone), note which boot protocol it was, and call C.
 */
#define MULTIBOOT_MAGIC 0x1BADB002
#define MULTIBOOT_FLAGS 0x3         /* modules on page boundaries, memory information */
#define PHYS32_ENTRY    0x12

    .section .multiboot, "a"
    .balign 4
    .long MULTIBOOT_MAGIC
    .long MULTIBOOT_FLAGS
    .long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

    .section .note.xen, "a", @note
    .balign 4
    .long 4, 4, PHYS32_ENTRY
    .asciz "Xen"
    .long entry

/*
 * The participation note: says which parts of the mirage-deploy contract this kernel keeps. The
 * service hands kernel arguments only to kernels that carry it. See README.md.
 */
    .section .note.mirage, "a", @note
    .balign 4
    .long 2f - 1f, 4f - 3f, 1
1:  .asciz "mirage-deploy"
2:  .balign 4
3:  .ascii "args,deadline,console-deadline,announce,well-known,poweroff"
4:  .balign 4

    .section .text.entry, "ax"
    .globl entry
entry:
    cli
    cld
    movl $stack_top, %esp
    lgdt gdt_pointer
    ljmp $0x08, $1f
1:  movl $0x10, %ecx
    movl %ecx, %ds
    movl %ecx, %es
    movl %ecx, %fs
    movl %ecx, %gs
    movl %ecx, %ss
    xorl %ebp, %ebp
    pushl %ebx                      /* multiboot information or PVH start information */
    pushl %eax                      /* the multiboot magic, when it was multiboot */
    call kernel_main
2:  cli
    hlt
    jmp 2b

/*
 * Interrupts serve only to end HLT. The handlers return with interrupts off, so that a
 * level-triggered line is answered by the main loop and not by a handler; the controllers run in
 * automatic end-of-interrupt mode.
 */
    .globl irq_timer_entry
irq_timer_entry:
    movb $1, idle_timer_seen
    .globl irq_entry
irq_entry:
    andl $~0x200, 8(%esp)
    iret

/* A processor exception: nothing can be repaired, so say it and stop the machine. */
    .globl fault_entry
fault_entry:
    cli
    movl $stack_top, %esp
    call kernel_fault
    jmp 2b

    .section .rodata
    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9a000000ffff        /* 0x08: flat code */
    .quad 0x00cf92000000ffff        /* 0x10: flat data */
gdt_pointer:
    .word . - gdt - 1
    .long gdt

    .section .bss
    .balign 16
    .skip 32768
stack_top:

    .section .note.GNU-stack, "", @progbits
