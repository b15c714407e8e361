/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "images/layout.h"

#define BLOB_BYTES_MAX ((size_t)8 << 20)

/* What each file has to be: a sign at a place of it, and a least size. */
static const struct blob_row {
    size_t offset; /* in struct img_grub */
    const char *name;
    size_t least_bytes, sign_at;
    const char *sign; /* two bytes */
} rows[] = {
    {offsetof(struct img_grub, boot), "boot.img", IMG_SECTOR, 510, "\x55\xaa"},
    /* The segment that GRUB's first sector is told to read the rest into. */
    {offsetof(struct img_grub, core_mbr), "core-mbr.img", 2 * IMG_SECTOR, 510, "\x20\x08"},
    {offsetof(struct img_grub, core_gpt), "core-gpt.img", 2 * IMG_SECTOR, 510, "\x20\x08"},
    {offsetof(struct img_grub, efi_x86_64), "bootx64.efi", 2 * IMG_SECTOR, 0, "MZ"},
    {offsetof(struct img_grub, efi_aarch64), "bootaa64.efi", 2 * IMG_SECTOR, 0, "MZ"},
};

static struct img_blob *blob_of(struct img_grub *grub, const struct blob_row *row)
{
    return (struct img_blob *)((char *)grub + row->offset);
}

static int read_blob(const char *folder, const struct blob_row *row, struct img_blob *ret,
                     struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/%s", folder, row->name);
    char *bytes;
    size_t len;
    if (access(path, F_OK) && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (mir_file_read(path, BLOB_BYTES_MAX, &bytes, &len, err))
        return -1;
    if (len < row->least_bytes || memcmp(bytes + row->sign_at, row->sign, 2)) {
        free(bytes);
        mir_fail(err, MIR_CORRUPT, "%s is no boot loader", path);
        return mir_error_hint(err, "build or install again");
    }
    *ret = (struct img_blob){.bytes = (unsigned char *)bytes, .len = len};
    return 0;
}

int img_grub_open(const char *folder, struct img_grub *ret, struct mir_error *err)
{
    struct img_grub grub = {0};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (read_blob(folder, &rows[i], blob_of(&grub, &rows[i]), err)) {
            img_grub_clear(&grub);
            return -1;
        }
    *ret = grub;
    return 0;
}

void img_grub_clear(struct img_grub *grub)
{
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        free(blob_of(grub, &rows[i])->bytes);
    *grub = (struct img_grub){0};
}
