/* SPDX-License-Identifier: ISC */
/*
 * QEMU's qcow2 images: size, whether they lean on other files, and their first sectors through
 * the two-level cluster table. Format: QEMU's docs/interop/qcow2.txt.
 *
 * A backing file or an external data file is a path that whoever starts QEMU would open: an image
 * that names one is never called bootable here.
 */
#include <string.h>

#include "bytes.h"
#include "probes.h"

#define HEADER_V2 72
#define HEADER_V3 104
#define OFFSET_MASK 0x00fffffffffffe00ull
#define COMPRESSED (1ull << 62)
#define READS_ZERO 1ull
#define INCOMPATIBLE_DATA_FILE (1u << 2)
#define HEAD_BYTES 8192

static const unsigned char zeros[HEAD_BYTES];

/* The first cluster of the guest's disk, or NULL when it cannot be seen. */
static const unsigned char *first_cluster(const struct krn_window *window, const unsigned char *p,
                                          unsigned version, size_t *ret_len)
{
    uint64_t cluster = 1ull << krn_be32(p + 20);
    *ret_len = cluster < HEAD_BYTES ? (size_t)cluster : HEAD_BYTES;
    const unsigned char *l1 = krn_window_at(window, krn_be64(p + 40), 8);
    if (!l1 || !krn_be32(p + 36))
        return NULL;
    uint64_t l2_at = krn_be64(l1) & OFFSET_MASK;
    if (!l2_at)
        return zeros;
    const unsigned char *l2 = krn_window_at(window, l2_at, 8);
    if (!l2)
        return NULL;
    uint64_t entry = krn_be64(l2);
    if (entry & COMPRESSED)
        return NULL;
    if (!(entry & OFFSET_MASK) || (version >= 3 && (entry & READS_ZERO)))
        return zeros;
    return krn_window_at(window, entry & OFFSET_MASK, *ret_len);
}

static int cut_off(const char *what, struct mir_error *err)
{
    mir_fail(err, MIR_CORRUPT, "the qcow2 image is cut off: %s", what);
    return mir_error_hint(err, "fetch or copy the file again");
}

static int take_header(const struct krn_window *window, const unsigned char *p, unsigned version,
                       struct krn_facts *facts, struct mir_error *err)
{
    unsigned bits = krn_be32(p + 20);
    if (bits < 9 || bits > 21)
        return mir_fail(err, MIR_CORRUPT, "damaged qcow2 image: clusters of 2^%u bytes", bits);
    if (!krn_window_has(window, krn_be64(p + 40), (uint64_t)krn_be32(p + 36) * 8))
        return cut_off("its cluster table is missing", err);
    krn_disk_size(krn_be64(p + 24), facts);
    if (krn_be64(p + 8) || (version >= 3 && (krn_be64(p + 72) & INCOMPATIBLE_DATA_FILE)))
        facts->conditions |= KRN_OTHER_FILE;
    if (krn_be32(p + 32))
        facts->conditions |= KRN_ENCRYPTED;
    size_t len = 0;
    const unsigned char *head = first_cluster(window, p, version, &len);
    krn_disk_head(head, len, facts);
    return 0;
}

int krn_probe_qcow2(const struct krn_window *window, struct krn_facts *facts, struct mir_error *err)
{
    const unsigned char *p = krn_window_at(window, 0, 4);
    if (!p || memcmp(p, "QFI\xfb", 4))
        return 0;
    facts->kernel.format = MIR_FORMAT_DISK_QCOW2;
    p = krn_window_at(window, 0, HEADER_V2);
    if (!p)
        return cut_off("it ends inside its header", err);
    unsigned version = krn_be32(p + 4);
    if (version < 2 || version > 3)
        return mir_fail(err, MIR_CORRUPT, "qcow2 image of version %u; 2 and 3 are known", version);
    if (version == 3 && !krn_window_at(window, 0, HEADER_V3))
        return cut_off("it ends inside its header", err);
    return take_header(window, p, version, facts, err);
}
