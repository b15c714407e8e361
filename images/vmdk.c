/* SPDX-License-Identifier: ISC */
/*
 * VMware's VMDK images, sparse or stream-optimised: size, whether they are a disk alone, and the
 * first sectors through the directory and its first table, or unpacked from the first grain.
 *
 * A text that names a parent or further files makes whoever starts QEMU open those: an image with
 * such a text is never called bootable here.
 */
#include "vmdk_head.h"

#include <string.h>
#include <zlib.h>

#include "bytes.h"
#include "probes.h"

#define HEAD_BYTES 8192

static const unsigned char zeros[HEAD_BYTES];

/* Of one that was written in one pass the directory lies too deep to be seen here, and the first
 * grain is the first of the disk, if its marker says so. */
static const unsigned char *unpack_first(const struct krn_window *window,
                                         const struct img_vmdk_head *head,
                                         unsigned char buf[HEAD_BYTES], size_t want)
{
    const unsigned char *marker = krn_window_at(window, head->grains_at, IMG_VMDK_MARKER_BYTES);
    if (!marker || krn_le64(marker))
        return NULL;
    uint32_t len = krn_le32(marker + 8);
    const unsigned char *packed =
        krn_window_at(window, head->grains_at + IMG_VMDK_MARKER_BYTES, len);
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)packed, .avail_in = len}; /* read */
    if (!packed || !len || inflateInit(&stream) != Z_OK)
        return NULL;
    stream.next_out = buf;
    stream.avail_out = (uInt)want;
    int rc = inflate(&stream, Z_SYNC_FLUSH);
    inflateEnd(&stream);
    return (rc == Z_OK || rc == Z_STREAM_END) && !stream.avail_out ? buf : NULL;
}

static const unsigned char *plain_first(const struct krn_window *window,
                                        const struct img_vmdk_head *head, size_t len)
{
    const unsigned char *directory = krn_window_at(window, head->directory_at, 4);
    if (!directory)
        return NULL;
    uint64_t table_at = krn_le32(directory) * IMG_VMDK_SECTOR;
    if (!table_at)
        return zeros;
    const unsigned char *table = krn_window_at(window, table_at, 4);
    if (!table)
        return NULL;
    uint32_t entry = krn_le32(table);
    if (!entry || (head->zeroed && entry == 1))
        return zeros;
    return krn_window_at(window, entry * IMG_VMDK_SECTOR, len);
}

static int cut_off(const char *what, struct mir_error *err)
{
    mir_fail(err, MIR_CORRUPT, "the VMDK image is cut off: %s", what);
    return mir_error_hint(err, "fetch or copy the file again");
}

static int look_at_text(const struct krn_window *window, const struct img_vmdk_head *head,
                        struct krn_facts *facts, struct mir_error *err)
{
    if (!head->text_at || !head->text_bytes) {
        facts->conditions |= KRN_OTHER_FILE;
        return 0;
    }
    if (!krn_window_has(window, head->text_at, head->text_bytes))
        return cut_off("its description is missing", err);
    const unsigned char *text = krn_window_at(window, head->text_at, head->text_bytes);
    enum img_vmdk_kind kind = text ? img_vmdk_kind(text, head->text_bytes) : IMG_VMDK_NO_TEXT;
    if (kind == IMG_VMDK_PARENT || kind == IMG_VMDK_PIECES)
        facts->conditions |= KRN_OTHER_FILE;
    if (kind != IMG_VMDK_NO_TEXT)
        return 0;
    mir_fail(err, MIR_CORRUPT, "damaged VMDK image: its description makes no sense");
    return mir_error_hint(err, "fetch or copy the file again");
}

int krn_probe_vmdk(const struct krn_window *window, struct krn_facts *facts, struct mir_error *err)
{
    struct img_vmdk_head head;
    unsigned char buf[HEAD_BYTES];
    const unsigned char *p = krn_window_at(window, 0, 4);
    if (!p || memcmp(p, "KDMV", 4))
        return 0;
    facts->kernel.format = MIR_FORMAT_DISK_VMDK;
    p = krn_window_at(window, 0, IMG_VMDK_HEAD_BYTES);
    if (!p)
        return cut_off("it ends inside its header", err);
    if (img_vmdk_head(p, &head, err) || look_at_text(window, &head, facts, err))
        return -1;
    krn_disk_size(head.size, facts);
    size_t len = head.grain_bytes < HEAD_BYTES ? (size_t)head.grain_bytes : HEAD_BYTES;
    if (head.packed)
        krn_disk_head(unpack_first(window, &head, buf, len), len, facts);
    else
        krn_disk_head(plain_first(window, &head, len), len, facts);
    return 0;
}
