/* SPDX-License-Identifier: ISC */
/*
 * The inspection itself: one pass over the file feeds digest, unwrapping and window; then the
 * probes look at the window, in a fixed order.
 */
#include "images/inspect.h"

#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "bytes.h"
#include "describe.h"
#include "elf.h"
#include "images/compat.h"
#include "images/digest.h"
#include "images/table_id.h"
#include "probes.h"
#include "source.h"
#include "unwrap.h"
#include "window.h"

static const struct krn_limits default_limits = {
    .keep_elf_bytes = (size_t)64 << 20,
    .keep_other_bytes = (size_t)4 << 20,
    .max_unpacked_bytes = (uint64_t)1 << 30,
    .max_ratio = 16384,
    .ratio_from_bytes = (uint64_t)64 << 20,
};

const struct krn_limits *krn_limits_default(void)
{
    return &default_limits;
}

/* --- one pass --- */

struct pass {
    const struct krn_limits *limits;
    struct krn_digest digest;
    struct krn_unwrap *unwrap;
    struct krn_window window;
    enum mir_container container;
    uint64_t bytes;
};

static int into_window(void *ctx, const unsigned char *data, size_t len, struct mir_error *err)
{
    krn_window_add(ctx, data, len);
    return 0;
}

static int pass_chunk(struct pass *pass, const unsigned char *data, size_t len,
                      struct mir_error *err)
{
    if (!pass->unwrap) {
        pass->container = krn_container_of(data, len);
        pass->unwrap = krn_unwrap_new(pass->container, pass->limits, into_window, &pass->window);
    }
    pass->bytes += len;
    krn_digest_add(&pass->digest, data, len);
    return krn_unwrap_feed(pass->unwrap, data, len, err);
}

static int pass_all(struct pass *pass, struct krn_source *source, struct mir_error *err)
{
    const unsigned char *data;
    size_t len;
    for (;;) {
        if (krn_source_next(source, &data, &len, err))
            return -1;
        if (!len)
            break;
        if (pass_chunk(pass, data, len, err))
            return -1;
    }
    if (!pass->bytes) {
        mir_fail(err, MIR_USAGE, "the file is empty");
        return mir_error_hint(err, "give a kernel or a disk image; did the build finish?");
    }
    return krn_unwrap_finish(pass->unwrap, err);
}

/* --- ELF --- */

/* The highest loaded byte. Where everything lies beyond 4 GiB the addresses are virtual ones, and
 * only the span says something about memory. */
static void load_size(const struct krn_elf *elf, struct mir_kernel *k)
{
    uint64_t lowest = UINT64_MAX, highest = 0;
    struct krn_segment seg;
    for (unsigned i = 0; !krn_elf_segment(elf, i, &seg); i++) {
        if (seg.type != KRN_PT_LOAD || !seg.memsz)
            continue;
        lowest = seg.paddr < lowest ? seg.paddr : lowest;
        highest = seg.paddr + seg.memsz > highest ? seg.paddr + seg.memsz : highest;
    }
    uint64_t load = lowest > UINT32_MAX && lowest != UINT64_MAX ? highest - lowest : highest;
    k->load_bytes = load < INT64_MAX ? load : INT64_MAX; /* sizes are signed in JSON */
}

static enum mir_arch arch_of(uint16_t machine)
{
    return machine == KRN_EM_386       ? MIR_ARCH_I386
           : machine == KRN_EM_X86_64  ? MIR_ARCH_X86_64
           : machine == KRN_EM_AARCH64 ? MIR_ARCH_AARCH64
                                       : MIR_ARCH_UNKNOWN;
}

/* The Solo5 note decides; then as in the order of recognition: PVH, PV, multiboot. */
static enum mir_format elf_format(const struct mir_kernel *k)
{
    static const struct {
        uint32_t ways;
        enum mir_format format;
    } order[] = {
        {MIR_BOOT_PVH, MIR_FORMAT_XEN_PVH},
        {MIR_BOOT_XEN_PV_NOTES | MIR_BOOT_XEN_PV_STRING, MIR_FORMAT_XEN_PV},
        {MIR_BOOT_MULTIBOOT1, MIR_FORMAT_MULTIBOOT1},
        {MIR_BOOT_MULTIBOOT2, MIR_FORMAT_MULTIBOOT2},
    };
    if (k->boot_ways & MIR_BOOT_SOLO5)
        return k->format;
    for (size_t i = 0; i < MIR_NELEMS(order); i++)
        if (k->boot_ways & order[i].ways)
            return order[i].format;
    return MIR_FORMAT_ELF;
}

static void elf_conditions(const struct krn_elf *elf, struct krn_facts *facts)
{
    struct krn_segment seg;
    struct mir_kernel *k = &facts->kernel;
    if (k->arch == MIR_ARCH_UNKNOWN)
        facts->conditions |= KRN_OTHER_MACHINE;
    if (elf->type == KRN_ET_REL || elf->type == KRN_ET_CORE)
        facts->conditions |= KRN_OBJECT_FILE;
    if (k->format != MIR_FORMAT_ELF || (facts->conditions & KRN_SOLO5_STUB) ||
        (k->boot_ways & MIR_BOOT_SOLO5))
        return;
    for (unsigned i = 0; !krn_elf_segment(elf, i, &seg); i++)
        if (seg.type == KRN_PT_INTERP)
            facts->conditions |= KRN_LINUX_PROGRAM;
}

/* Mini-OS and the MirageOS of its time give their domain back; seen on Xen 4.17. */
static void xen_powers_off(struct krn_facts *facts)
{
    struct mir_kernel *k = &facts->kernel;
    if (k->format == MIR_FORMAT_XEN_PV && k->powers_off == MIR_POWERS_OFF_UNKNOWN &&
        (!strcmp(facts->guest_os, "Mini-OS") || !strcmp(facts->guest_os, "Mirage")))
        k->powers_off = MIR_POWERS_OFF_YES;
}

static int inspect_elf(const struct krn_window *window, struct krn_facts *facts,
                       struct mir_error *err)
{
    struct krn_elf elf;
    struct mir_kernel *k = &facts->kernel;
    k->format = MIR_FORMAT_ELF;
    if (krn_elf_open(&elf, window, err))
        return -1;
    krn_elf_machine_name(elf.machine, facts->machine, sizeof facts->machine);
    snprintf(facts->detail, sizeof facts->detail, "ELF%d %s", elf.is64 ? 64 : 32, facts->machine);
    if (elf.big_endian) {
        facts->conditions |= KRN_BIG_ENDIAN;
        return 0;
    }
    k->arch = arch_of(elf.machine);
    k->entry = elf.entry;
    load_size(&elf, k);
    if (krn_probe_solo5(&elf, facts, err) || krn_probe_xen(&elf, facts, err) ||
        krn_probe_multiboot(window, &elf, facts, err) || krn_probe_part(&elf, facts, err))
        return -1;
    krn_probe_unikraft(&elf, facts);
    k->format = elf_format(k);
    elf_conditions(&elf, facts);
    xen_powers_off(facts);
    return 0;
}

/* --- everything else --- */

static int probe_flat(const struct krn_window *window, struct krn_facts *facts,
                      struct mir_error *err)
{
    /* GRUB's own code, between the partition table and the first partition, has such a header. */
    return krn_is_partitioned(window) ? 0 : krn_probe_multiboot(window, NULL, facts, err);
}

static int inspect_other(const struct krn_window *window, struct krn_facts *facts,
                         struct mir_error *err)
{
    static int (*const probes[])(const struct krn_window *, struct krn_facts *,
                                 struct mir_error *) = {
        krn_probe_linux, krn_probe_efi,        krn_probe_qcow2, krn_probe_vhd,
        krn_probe_vmdk,  krn_probe_other_disk, probe_flat,      krn_probe_disk,
    };
    const struct mir_kernel *k = &facts->kernel;
    for (size_t i = 0; i < MIR_NELEMS(probes); i++) {
        if (probes[i](window, facts, err))
            return -1;
        if (k->format != MIR_FORMAT_UNKNOWN || k->boot_ways || facts->conditions)
            break;
    }
    return 0;
}

static int inspect_window(struct pass *pass, struct krn_facts *facts, struct mir_error *err)
{
    const struct krn_window *window = &pass->window;
    const unsigned char *head = krn_window_at(window, 0, window->kept < 8 ? window->kept : 8);
    if (!window->size)
        return mir_fail(err, MIR_USAGE, "the file holds nothing but an empty wrapper");
    if (pass->container != MIR_CONTAINER_NONE && krn_container_of(head, window->kept))
        facts->conditions |= KRN_PACKED_TWICE;
    else if (krn_is_elf(window) ? inspect_elf(window, facts, err)
                                : inspect_other(window, facts, err))
        return -1;
    return 0;
}

static int inspect(struct pass *pass, struct krn_source *source, struct mir_kernel *ret_kernel,
                   struct mir_error *err)
{
    struct krn_facts facts = {0};
    struct mir_kernel *k = &facts.kernel;
    if (pass_all(pass, source, err) || inspect_window(pass, &facts, err))
        return -1;
    krn_digest_text(&pass->digest, k->sha256);
    k->container = pass->container;
    k->bytes = pass->bytes;
    k->unpacked_bytes = pass->window.size;
    krn_min_memory(&facts);
    krn_describe(&facts);
    krn_compat_fill(k, facts.conditions);
    mir_copy(k->table, sizeof k->table, img_table_id());
    *ret_kernel = *k;
    return 0;
}

static int run(struct krn_source *source, const struct krn_limits *limits,
               struct mir_kernel *ret_kernel, struct mir_error *err)
{
    struct pass pass = {.limits = limits};
    krn_digest_init(&pass.digest);
    krn_window_init(&pass.window, limits);
    int rc = inspect(&pass, source, ret_kernel, err);
    krn_unwrap_free(pass.unwrap);
    krn_window_clear(&pass.window);
    krn_source_close(source);
    return rc;
}

int krn_inspect_fd(int fd, const struct krn_limits *limits, struct mir_kernel *ret_kernel,
                   struct mir_error *err)
{
    struct krn_source source;
    if (krn_source_open(&source, fd, err))
        return -1;
    return run(&source, limits, ret_kernel, err);
}

int krn_inspect_memory(const void *data, size_t len, const struct krn_limits *limits,
                       struct mir_kernel *ret_kernel, struct mir_error *err)
{
    struct krn_source source;
    krn_source_memory(&source, data, len);
    return run(&source, limits, ret_kernel, err);
}
