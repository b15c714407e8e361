/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>

#include "images/carrier_conf.h"

#define MIB ((uint64_t)1 << 20)

/* Seen with Debian 12's Xen 4.17 and Linux 6.1. Linux lies in 58 MiB while it is loaded, unpacks
 * its archive, and xl holds the kernel twice while it builds the domain. */
#define DOM0_BYTES (160 * MIB)
#define DOM0_KERNELS 3
/* Xen's own heap and tables, the firmware's share, and the files that the boot loader holds until
 * they are copied. Xen loads its Linux into 128 MiB in one piece, at a multiple of that;
 * with 32 MiB less UEFI and a small kernel left no such piece ("Not enough RAM for domain 0"). */
#define XEN_BYTES (160 * MIB)
/* A Linux without a guest: 58 MiB of a machine are gone before it, and the first process wants 8 to
 * spare (init/memory.c); the rest is for cards with more buffers than virtio's. The kernel lies in
 * its root, and is held squeezed until it is unpacked there. */
#define LINUX_BYTES (80 * MIB)
#define LINUX_KERNELS 2
#define SHIM_BYTES (48 * MIB)
#define GUEST_BYTES (64 * MIB)

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

uint64_t img_carrier_dom0_bytes(enum mir_carrier shape, uint64_t kernel_bytes)
{
    return shape == MIR_CARRIER_XEN ? round_up(DOM0_BYTES + DOM0_KERNELS * kernel_bytes, 8 * MIB)
                                    : 0;
}

uint64_t img_carrier_machine_bytes(enum mir_carrier shape, uint64_t kernel_bytes,
                                   uint64_t guest_bytes)
{
    switch (shape) {
    case MIR_CARRIER_XEN:
        return img_carrier_dom0_bytes(shape, kernel_bytes) + XEN_BYTES + guest_bytes;
    case MIR_CARRIER_LINUX:
        return round_up(LINUX_BYTES + LINUX_KERNELS * kernel_bytes, MIB) + guest_bytes;
    case MIR_CARRIER_SHIM:
        return SHIM_BYTES + guest_bytes;
    case MIR_CARRIER_NONE:
        break;
    }
    return guest_bytes;
}

uint64_t img_carrier_guest_bytes(const struct mir_kernel *kernel)
{
    uint64_t needed = round_up(kernel->min_memory_bytes, MIB);
    return needed > GUEST_BYTES ? needed : GUEST_BYTES;
}

static const char *kind_of(enum mir_format format)
{
    static const struct {
        enum mir_format format;
        const char *kind;
    } rows[] = {{MIR_FORMAT_XEN_PV, "xen-pv"},
                {MIR_FORMAT_XEN_PVH, "xen-pvh"},
                {MIR_FORMAT_SOLO5_XEN, "xen-pvh"},
                {MIR_FORMAT_SOLO5_SPT, "solo5"},
                {MIR_FORMAT_SOLO5_HVT, "solo5"}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (rows[i].format == format)
            return rows[i].kind;
    return NULL;
}

/* The first process would take what stands behind a line end for a line of its own. */
static int add_text(struct mir_buf *out, const char *key, const char *text, struct mir_error *err)
{
    if (!text || !*text)
        return 0;
    if (strpbrk(text, "\r\n"))
        return mir_fail(err, MIR_USAGE, "%s: a line end in it", key);
    mir_buf_addf(out, "%s %s\n", key, text);
    return 0;
}

static int add_texts(const struct img_carrier_conf *conf, struct mir_buf *out,
                     struct mir_error *err)
{
    const struct {
        const char *key, *text;
    } rows[] = {
        {"name", conf->name},          {"device", conf->device}, {"announce", conf->announce},
        {"token", conf->token},        {"url", conf->url},       {"digest", conf->digest},
        {"arguments", conf->arguments}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (add_text(out, rows[i].key, rows[i].text, err))
            return -1;
    return 0;
}

int img_carrier_conf_write(const struct img_carrier_conf *conf, struct mir_buf *out,
                           struct mir_error *err)
{
    const char *kind = kind_of(conf->format);
    uint64_t mib = conf->memory_bytes / MIB;
    if (!kind) {
        mir_fail(err, MIR_USAGE, "no carrier starts a %s kernel", mir_format_name(conf->format));
        return mir_error_hint(err, "carriers are for Xen kernels and for Solo5's spt and hvt");
    }
    mir_buf_addf(out, "kind %s\nmemory %" PRIu64 "\nnet %s\n", kind, mib ? mib : 1,
                 conf->net == IMG_CARRIER_NO_NET ? "none" : "auto");
    for (unsigned i = 0; conf->net != IMG_CARRIER_NO_NET && i < conf->open_count; i++)
        mir_buf_addf(out, "open %u/tcp\n", (unsigned)conf->open[i]);
    if (conf->deadline_s)
        mir_buf_addf(out, "deadline %" PRId64 "\n", conf->deadline_s);
    if (conf->answer && conf->net != IMG_CARRIER_NO_NET)
        mir_buf_addf(out, "answer %u %" PRId64 "\n", (unsigned)conf->answer,
                     conf->answer_deadline_s);
    if (add_texts(conf, out, err))
        return -1;
    return out->full ? mir_fail(err, MIR_USAGE, "the carrier is told more than %zu bytes",
                                IMG_CARRIER_CONF_MAX)
                     : 0;
}
