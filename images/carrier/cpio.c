/* SPDX-License-Identifier: ISC */
#include "images/cpio.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD_BYTES 110
#define LAST_NAME "TRAILER!!!"

struct head {
    const char *path;
    uint32_t mode;
    uint32_t links;
    uint32_t size;
    uint32_t major, minor;
};

void img_cpio_init(struct img_cpio *cpio, img_cpio_take *take, void *ctx)
{
    *cpio = (struct img_cpio){.take = take, .ctx = ctx};
}

static int take_buf(void *ctx, const void *data, size_t len, struct mir_error *err)
{
    struct mir_buf *buf = ctx;
    return mir_buf_add(buf, data, len)
               ? mir_fail(err, MIR_NO_SPACE, "an archive of more than %zu bytes", buf->max)
               : 0;
}

void img_cpio_init_buf(struct img_cpio *cpio, struct mir_buf *buf)
{
    img_cpio_init(cpio, take_buf, buf);
}

static int put(struct img_cpio *cpio, const void *data, size_t len, struct mir_error *err)
{
    if (len && cpio->take(cpio->ctx, data, len, err))
        return -1;
    cpio->at += len;
    return 0;
}

static int pad(struct img_cpio *cpio, struct mir_error *err)
{
    static const char zeros[3];
    return put(cpio, zeros, (size_t)(-cpio->at & 3), err);
}

/* A part of a path, `len` bytes of it: names a file in its folder, and nothing else. */
static bool is_part(const char *part, size_t len)
{
    return len && !(len <= 2 && part[0] == '.' && part[len - 1] == '.');
}

static int check_path(const char *path, struct mir_error *err)
{
    bool fine = strlen(path) <= IMG_CPIO_PATH_MAX;
    for (const char *at = path; fine;) {
        size_t len = strcspn(at, "/");
        fine = is_part(at, len);
        if (!at[len])
            break;
        at += len + 1;
    }
    if (fine)
        return 0;
    mir_fail(err, MIR_USAGE, "\"%.64s\" cannot be a path in an archive", path);
    return mir_error_hint(err, "at most %d bytes, relative, without empty parts, . and ..",
                          IMG_CPIO_PATH_MAX);
}

static int put_head(struct img_cpio *cpio, const struct head *head, uint32_t inode,
                    struct mir_error *err)
{
    uint32_t name_bytes = (uint32_t)strlen(head->path) + 1;
    /* inode, mode, user, group, links, time, size, the device it was on (two), the device it is
     * (two), bytes of the name, a sum that this format does not have */
    const uint32_t fields[] = {inode,       head->mode, 0, 0, head->links,
                               0,           head->size, 0, 0, head->major,
                               head->minor, name_bytes, 0};
    char text[HEAD_BYTES + 1] = "070701";
    for (size_t i = 0; i < MIR_NELEMS(fields); i++)
        snprintf(text + 6 + 8 * i, 9, "%08" PRIX32, fields[i]);
    return put(cpio, text, HEAD_BYTES, err) || put(cpio, head->path, name_bytes, err) ||
                   pad(cpio, err)
               ? -1
               : 0;
}

static int open_entry(struct img_cpio *cpio, const struct head *head, struct mir_error *err)
{
    if (check_path(head->path, err))
        return -1;
    if (cpio->left)
        return mir_fail(err, MIR_INTERNAL, "%s begins inside of another file", head->path);
    return put_head(cpio, head, ++cpio->inode, err);
}

int img_cpio_folder(struct img_cpio *cpio, const char *path, unsigned mode, struct mir_error *err)
{
    const struct head head = {.path = path, .mode = S_IFDIR | (mode & 07777), .links = 2};
    return open_entry(cpio, &head, err);
}

int img_cpio_device(struct img_cpio *cpio, const char *path, unsigned mode, uint32_t major,
                    uint32_t minor, struct mir_error *err)
{
    const struct head head = {
        .path = path, .mode = S_IFCHR | (mode & 07777), .links = 1, .major = major, .minor = minor};
    return open_entry(cpio, &head, err);
}

/* An entry whose content follows. */
static int begin(struct img_cpio *cpio, const char *path, uint32_t mode, uint64_t len,
                 struct mir_error *err)
{
    if (len > IMG_CPIO_FILE_MAX) {
        mir_fail(err, MIR_USAGE, "%s has %" PRIu64 " bytes", path, len);
        return mir_error_hint(err, "a file in such an archive has less than 4 GiB");
    }
    const struct head head = {.path = path, .mode = mode, .links = 1, .size = (uint32_t)len};
    if (open_entry(cpio, &head, err))
        return -1;
    cpio->left = len;
    return 0;
}

static int use(struct img_cpio *cpio, uint64_t len, struct mir_error *err)
{
    if (len > cpio->left)
        return mir_fail(err, MIR_INTERNAL, "a file of an archive is longer than it said");
    cpio->left -= len;
    return 0;
}

int img_cpio_begin(struct img_cpio *cpio, const char *path, unsigned mode, uint64_t len,
                   struct mir_error *err)
{
    return begin(cpio, path, S_IFREG | (mode & 07777), len, err);
}

int img_cpio_content(struct img_cpio *cpio, const void *data, size_t len, struct mir_error *err)
{
    return use(cpio, len, err) || put(cpio, data, len, err) ? -1 : 0;
}

int img_cpio_skip(struct img_cpio *cpio, uint64_t len, struct mir_error *err)
{
    if (use(cpio, len, err))
        return -1;
    cpio->at += len;
    return 0;
}

int img_cpio_end(struct img_cpio *cpio, struct mir_error *err)
{
    if (cpio->left)
        return mir_fail(err, MIR_INTERNAL, "a file of an archive is shorter than it said");
    return pad(cpio, err);
}

static int whole(struct img_cpio *cpio, const char *path, uint32_t mode, const void *data,
                 size_t len, struct mir_error *err)
{
    return begin(cpio, path, mode, len, err) || img_cpio_content(cpio, data, len, err) ||
                   img_cpio_end(cpio, err)
               ? -1
               : 0;
}

int img_cpio_file(struct img_cpio *cpio, const char *path, unsigned mode, const void *data,
                  size_t len, struct mir_error *err)
{
    return whole(cpio, path, S_IFREG | (mode & 07777), data, len, err);
}

int img_cpio_link(struct img_cpio *cpio, const char *path, const char *target,
                  struct mir_error *err)
{
    size_t len = strlen(target);
    if (!len || len > IMG_CPIO_PATH_MAX) {
        mir_fail(err, MIR_USAGE, "the link %.64s says %zu bytes", path, len);
        return mir_error_hint(err, "1 to %d", IMG_CPIO_PATH_MAX);
    }
    return whole(cpio, path, S_IFLNK | 0777, target, len, err);
}

int img_cpio_finish(struct img_cpio *cpio, struct mir_error *err)
{
    const struct head last = {.path = LAST_NAME, .links = 1};
    if (cpio->left)
        return mir_fail(err, MIR_INTERNAL, "an archive ends inside of a file");
    return put_head(cpio, &last, 0, err);
}
