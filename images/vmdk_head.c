/* SPDX-License-Identifier: ISC */
#include "vmdk_head.h"

#include <inttypes.h>
#include <string.h>

#include "api/memory.h"
#include "bytes.h"

#define AT_END UINT64_MAX
#define ZEROED_GRAINS 4u
#define COMPRESSED (1u << 16)
#define MARKERS (1u << 17)
#define DEFLATE 1
#define GRAIN_SECTORS_MIN 8
#define TABLE_ENTRIES_MAX 512

/* --- the first sector --- */

static int damaged(const char *what, struct mir_error *err)
{
    mir_fail(err, MIR_CORRUPT, "damaged VMDK image: %s", what);
    return mir_error_hint(err, "fetch or copy the file again");
}

/* A place so far away that its bytes cannot be counted is behind the end of any file as it is. */
static uint64_t bytes_of(uint64_t sectors)
{
    uint64_t most = INT64_MAX / IMG_VMDK_SECTOR;
    return (sectors < most ? sectors : most) * IMG_VMDK_SECTOR;
}

static int check_grains(const struct img_vmdk_head *head, struct mir_error *err)
{
    uint64_t most = head->packed ? IMG_VMDK_PACKED_GRAIN_MAX : IMG_VMDK_GRAIN_MAX;
    if (head->grain_bytes < GRAIN_SECTORS_MIN * IMG_VMDK_SECTOR || head->grain_bytes > most ||
        head->grain_bytes & (head->grain_bytes - 1))
        return damaged("its grains have an impossible size", err);
    if (!head->table_entries || head->table_entries > TABLE_ENTRIES_MAX)
        return damaged("its grain tables have an impossible size", err);
    return 0;
}

static int check_compression(uint32_t flags, unsigned algorithm, struct mir_error *err)
{
    bool packed = (flags & COMPRESSED) != 0, markers = (flags & MARKERS) != 0;
    if (packed == markers && algorithm == (packed ? DEFLATE : 0))
        return 0;
    mir_fail(err, MIR_USAGE, "the VMDK image is compressed in a way that is not known here");
    return mir_error_hint(err, "make a plain one of it: qemu-img convert -O qcow2 OLD NEW");
}

int img_vmdk_head(const unsigned char p[IMG_VMDK_HEAD_BYTES], struct img_vmdk_head *ret,
                  struct mir_error *err)
{
    uint32_t version = krn_le32(p + 4), flags = krn_le32(p + 8);
    struct img_vmdk_head head = {.size = bytes_of(krn_le64(p + 12)),
                                 .grain_bytes = bytes_of(krn_le64(p + 20)),
                                 .text_at = bytes_of(krn_le64(p + 28)),
                                 .text_bytes = bytes_of(krn_le64(p + 36)),
                                 .directory_at = bytes_of(krn_le64(p + 56)),
                                 .directory_at_end = krn_le64(p + 56) == AT_END,
                                 .grains_at = bytes_of(krn_le64(p + 64)),
                                 .table_entries = krn_le32(p + 44),
                                 .packed = (flags & COMPRESSED) != 0,
                                 .zeroed = (flags & ZEROED_GRAINS) != 0};
    if (memcmp(p, "KDMV", 4) != 0)
        return damaged("it does not begin as one", err);
    if (version < 1 || version > 3) {
        mir_fail(err, MIR_CORRUPT, "VMDK image of version %" PRIu32 "; 1 to 3 are known", version);
        return mir_error_hint(err, "make another of it: qemu-img convert -O qcow2 OLD NEW");
    }
    if ((flags & 1) && memcmp(p + 73, "\n \r\n", 4) != 0)
        return damaged("it was copied as a text", err);
    if (check_compression(flags, krn_le16(p + 77), err) || check_grains(&head, err))
        return -1;
    if (!head.size)
        return damaged("its disk has no size", err);
    if (head.text_at && head.text_bytes > IMG_VMDK_TEXT_MAX)
        return damaged("its description is too long", err);
    *ret = head;
    return 0;
}

/* --- the text --- */

static bool begins(const char *line, size_t len, const char *with)
{
    size_t want = strlen(with);
    return len >= want && !memcmp(line, with, want);
}

static bool equals(const char *line, size_t len, const char *other)
{
    return len == strlen(other) && begins(line, len, other);
}

struct facts {
    bool whole_type, other_type, orphan, parent;
    unsigned extents, others; /* in this file, and in any */
};

static void take_line(const char *line, size_t len, struct facts *f)
{
    static const char *const access[] = {"RW ", "RDONLY ", "NOACCESS "};
    if (begins(line, len, "createType=")) {
        bool whole = equals(line, len, "createType=\"monolithicSparse\"") ||
                     equals(line, len, "createType=\"streamOptimized\"");
        f->whole_type |= whole;
        f->other_type |= !whole;
    }
    if (begins(line, len, "parentCID=")) {
        bool none =
            equals(line, len, "parentCID=ffffffff") || equals(line, len, "parentCID=FFFFFFFF");
        f->orphan |= none;
        f->parent |= !none;
    }
    f->parent |= begins(line, len, "parentFileNameHint");
    for (size_t i = 0; i < MIR_NELEMS(access); i++) {
        if (!begins(line, len, access[i]))
            continue;
        if (memmem(line, len, " SPARSE ", 8))
            f->extents++;
        else
            f->others++;
    }
}

/* Lines end as on any system, and the text where its first zero is. */
enum img_vmdk_kind img_vmdk_kind(const void *text, size_t len)
{
    const char *p = text, *end = p + strnlen(p, len);
    struct facts f = {0};
    if (p == end) /* room for one, as in each of several files */
        return IMG_VMDK_PIECES;
    while (p < end) {
        size_t line = 0;
        while (p + line < end && p[line] != '\n' && p[line] != '\r')
            line++;
        take_line(p, line, &f);
        p += line + (p + line < end);
    }
    if (f.parent)
        return IMG_VMDK_PARENT;
    if (f.other_type || f.others || f.extents > 1)
        return IMG_VMDK_PIECES;
    return f.whole_type && f.orphan && f.extents ? IMG_VMDK_WHOLE : IMG_VMDK_NO_TEXT;
}
