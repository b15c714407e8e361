/* SPDX-License-Identifier: ISC */
/*
 * Microsoft's VHD images, fixed and dynamic: the footer in the last sector, and the first sectors
 * of the disk through the block table. Format: Microsoft's VHD specification of 2006.
 */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "probes.h"

#define FOOTER 512
#define DYNAMIC_HEADER 1024
#define UNUSED_BLOCK 0xffffffffu
#define HEAD_BYTES 8192

enum { VHD_FIXED = 2, VHD_DYNAMIC = 3, VHD_DIFFERENCING = 4 };

static const unsigned char zeros[HEAD_BYTES];

/* The footer's checksum: the complement of the sum of its other bytes. */
static int footer_is_right(const unsigned char *footer)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < FOOTER; i++)
        sum += i >= 64 && i < 68 ? 0 : footer[i];
    return ~sum == krn_be32(footer + 64);
}

static const unsigned char *dynamic_head(const struct krn_window *window,
                                         const unsigned char *footer)
{
    const unsigned char *header = krn_window_at(window, krn_be64(footer + 16), DYNAMIC_HEADER);
    if (!header || memcmp(header, "cxsparse", 8))
        return NULL;
    const unsigned char *bat = krn_window_at(window, krn_be64(header + 16), 4);
    uint32_t block_bytes = krn_be32(header + 32);
    if (!bat || !krn_be32(header + 28) || block_bytes < HEAD_BYTES)
        return NULL;
    if (krn_be32(bat) == UNUSED_BLOCK)
        return zeros;
    /* In front of a block lies its bitmap: a bit per sector, rounded up to whole sectors. */
    uint64_t bitmap = ((uint64_t)block_bytes / 512 / 8 + 511) / 512 * 512;
    return krn_window_at(window, (uint64_t)krn_be32(bat) * 512 + bitmap, HEAD_BYTES);
}

static int missing_footer(struct mir_error *err)
{
    mir_fail(err, MIR_CORRUPT, "the VHD image is cut off: the footer at its end is missing");
    return mir_error_hint(err, "fetch or copy the file again");
}

int krn_probe_vhd(const struct krn_window *window, struct krn_facts *facts, struct mir_error *err)
{
    const unsigned char *copy = krn_window_at(window, 0, 8);
    bool begins = copy && !memcmp(copy, "conectix", 8);
    const unsigned char *footer = window->tail;
    if (window->size < FOOTER || memcmp(footer, "conectix", 8))
        return begins ? missing_footer(err) : 0;
    if (!footer_is_right(footer))
        return begins ? mir_fail(err, MIR_CORRUPT,
                                 "damaged VHD image: its footer's checksum is"
                                 " wrong")
                      : 0;
    facts->kernel.format = MIR_FORMAT_DISK_VHD;
    krn_disk_size(krn_be64(footer + 48), facts);
    uint32_t type = krn_be32(footer + 60);
    if (type == VHD_DIFFERENCING)
        facts->conditions |= KRN_OTHER_FILE;
    size_t len = window->kept < HEAD_BYTES ? window->kept : HEAD_BYTES;
    if (window->size - FOOTER < len)
        len = (size_t)(window->size - FOOTER);
    if (type == VHD_FIXED)
        krn_disk_head(krn_window_at(window, 0, len), len, facts);
    else
        krn_disk_head(dynamic_head(window, footer), HEAD_BYTES, facts);
    return 0;
}
