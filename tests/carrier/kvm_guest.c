/* SPDX-License-Identifier: ISC */
/*
 * A virtual machine of 64 KiB in 64-bit mode, with tables of pages, as Solo5's kernels have it. It
 * multiplies two registers, and says the result on a port, as they make their calls.
 */
#include "kvm_guest.h"

#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define MEMORY_BYTES 0x10000
#define PORT 0x500

enum place { TABLE_4 = 0x1000, TABLE_3 = 0x2000, TABLE_2 = 0x3000, CODE = 0x4000 };

#define PRESENT_WRITABLE 3U
#define LARGE 0x80U
#define CR0_PE_PG 0x80000001U
#define CR4_PAE 0x20U
#define EFER_LME_LMA 0x500U

static const unsigned char code[] = {
    0x48, 0x0f,        0xaf,      0xc3,       /* imul rax, rbx */
    0x48, 0xc1,        0xe8,      0x20,       /* shr rax, 32 */
    0xba, PORT & 0xff, PORT >> 8, 0x00, 0x00, /* mov edx, PORT */
    0xef,                                     /* out dx, eax */
    0xf4,                                     /* hlt */
};

static int call(int fd, unsigned long request, const void *argument, const char *what)
{
    int got = ioctl(fd, request, argument);

    if (got < 0)
        err(1, "kvm: %s", what);
    return got;
}

static void *map(int fd, size_t len, const char *what)
{
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);

    if (memory == MAP_FAILED)
        err(1, "kvm: %s", what);
    return memory;
}

static int open_kvm(void)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

    if (kvm < 0)
        err(1, "kvm: /dev/kvm");
    if (call(kvm, KVM_GET_API_VERSION, NULL, "its version") != KVM_API_VERSION)
        errx(1, "kvm: another version of it");
    return kvm;
}

static void fill_memory(int vm)
{
    unsigned char *memory = map(-1, MEMORY_BYTES, "memory");
    const struct kvm_userspace_memory_region region = {.memory_size = MEMORY_BYTES,
                                                       .userspace_addr = (uintptr_t)memory};
    static const struct {
        enum place at;
        uint64_t entry;
    } tables[] = {{TABLE_4, TABLE_3 | PRESENT_WRITABLE},
                  {TABLE_3, TABLE_2 | PRESENT_WRITABLE},
                  {TABLE_2, LARGE | PRESENT_WRITABLE}};

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        memcpy(memory + tables[i].at, &tables[i].entry, sizeof(tables[i].entry));
    memcpy(memory + CODE, code, sizeof(code));
    (void)call(vm, KVM_SET_USER_MEMORY_REGION, &region, "memory");
}

static void set_registers(int cpu, uint64_t a, uint64_t b)
{
    const struct kvm_regs registers = {.rip = CODE, .rax = a, .rbx = b, .rflags = 2};
    const struct kvm_segment data = {
        .limit = UINT32_MAX, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1};
    struct kvm_sregs special = {.cr0 = 0};

    (void)call(cpu, KVM_GET_SREGS, &special, "registers");
    special.cs = (struct kvm_segment){
        .limit = UINT32_MAX, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
    special.ds = special.es = special.fs = special.gs = special.ss = data;
    special.cr0 = CR0_PE_PG;
    special.cr3 = TABLE_4;
    special.cr4 = CR4_PAE;
    special.efer = EFER_LME_LMA;
    (void)call(cpu, KVM_SET_SREGS, &special, "registers");
    (void)call(cpu, KVM_SET_REGS, &registers, "registers");
}

static uint32_t run(int cpu, const struct kvm_run *state)
{
    uint32_t said;

    (void)call(cpu, KVM_RUN, NULL, "run");
    if (state->exit_reason != KVM_EXIT_IO || state->io.port != PORT ||
        state->io.size != sizeof(said))
        errx(1, "kvm: the guest stopped for reason %u", state->exit_reason);
    memcpy(&said, (const char *)state + state->io.data_offset, sizeof(said));
    (void)call(cpu, KVM_RUN, NULL, "run");
    if (state->exit_reason != KVM_EXIT_HLT)
        errx(1, "kvm: the guest did not halt: reason %u", state->exit_reason);
    return said;
}

uint32_t kvm_guest_product(uint64_t a, uint64_t b)
{
    int kvm = open_kvm();
    int vm = call(kvm, KVM_CREATE_VM, NULL, "no virtual machine");
    int cpu = call(vm, KVM_CREATE_VCPU, NULL, "no processor");
    size_t len = (size_t)call(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "its state");
    const struct kvm_run *state = map(cpu, len, "its state");

    fill_memory(vm);
    set_registers(cpu, a, b);
    return run(cpu, state);
}
