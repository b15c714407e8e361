/* SPDX-License-Identifier: ISC */
#include "tar_read.h"

#include <stdio.h>
#include <string.h>

#define BLOCK 512
#define NAME_BYTES_MAX 4096 /* with its end mark */

/* Where the fields of a header lie. */
enum { AT_MODE = 100, AT_SIZE = 124, AT_SUM = 148, AT_TYPE = 156, AT_LINK = 157, AT_PREFIX = 345 };

void img_tar_read_init(struct img_tar_read *tar, const struct img_tar_sink *sink)
{
    memset(tar, 0, sizeof *tar);
    tar->sink = *sink;
    mir_buf_init(&tar->name, NAME_BYTES_MAX);
    mir_buf_init(&tar->target, NAME_BYTES_MAX);
}

void img_tar_read_clear(struct img_tar_read *tar)
{
    mir_buf_clear(&tar->name);
    mir_buf_clear(&tar->target);
}

static int damaged(struct mir_error *err, const char *what)
{
    return mir_fail(err, MIR_CORRUPT, "a damaged tar archive: %s", what);
}

/* Octal digits up to a space or a NUL; GNU's binary form where the first bit is set. */
static int number(const unsigned char *p, size_t len, uint64_t *ret)
{
    uint64_t value = 0;
    size_t i = 0;
    if (p[0] & 0x80) {
        for (i = 1; i < len; i++) {
            if (value >> 55)
                return -1;
            value = value << 8 | p[i];
        }
        *ret = value;
        return p[0] == 0x80 ? 0 : -1;
    }
    while (i < len && p[i] == ' ')
        i++;
    for (; i < len && p[i] && p[i] != ' '; i++) {
        if (p[i] < '0' || p[i] > '7')
            return -1;
        value = value << 3 | (uint64_t)(p[i] - '0');
    }
    *ret = value;
    return 0;
}

static bool sum_is_right(const unsigned char *head)
{
    uint64_t said, sum = 0;
    if (number(head + AT_SUM, 8, &said))
        return false;
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= AT_SUM && i < AT_SUM + 8 ? ' ' : head[i];
    return sum == said;
}

static enum img_tar_kind kind_of(char type)
{
    static const struct {
        char type;
        enum img_tar_kind kind;
    } rows[] = {{'0', IMG_TAR_FILE},   {'\0', IMG_TAR_FILE},   {'7', IMG_TAR_FILE},
                {'5', IMG_TAR_FOLDER}, {'2', IMG_TAR_SYMLINK}, {'1', IMG_TAR_HARDLINK}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (rows[i].type == type)
            return rows[i].kind;
    return IMG_TAR_OTHER;
}

static const char *without_dot(const char *path)
{
    while (*path == '/' || (path[0] == '.' && path[1] == '/'))
        path += *path == '/' ? 1 : 2;
    return path;
}

/* A field that fills its room has no end mark. */
static void add_field(struct mir_buf *out, const unsigned char *p, size_t room)
{
    const unsigned char *end = memchr(p, 0, room);
    mir_buf_add(out, p, end ? (size_t)(end - p) : room);
}

static void name_of(const struct img_tar_read *tar, struct mir_buf *out)
{
    const unsigned char *head = tar->head;
    if (!memcmp(head + 257, "ustar\0", 6) && head[AT_PREFIX]) {
        add_field(out, head + AT_PREFIX, 155);
        mir_buf_adds(out, "/");
    }
    add_field(out, head, 100);
}

static int begin_entry(struct img_tar_read *tar, uint64_t size, struct mir_error *err)
{
    struct img_tar_entry entry = {.kind = kind_of((char)tar->head[AT_TYPE])};
    uint64_t mode;
    if (number(tar->head + AT_MODE, 8, &mode))
        return damaged(err, "a mode is no number");
    if (!tar->name.len)
        name_of(tar, &tar->name);
    if (!tar->target.len)
        add_field(&tar->target, tar->head + AT_LINK, 100);
    bool is_link = entry.kind == IMG_TAR_SYMLINK || entry.kind == IMG_TAR_HARDLINK;
    entry.path = without_dot(mir_buf_text(&tar->name));
    entry.target = is_link ? mir_buf_text(&tar->target) : "";
    entry.mode = (unsigned)mode & 07777;
    entry.size = entry.kind == IMG_TAR_FILE ? size : 0;
    bool wanted = false;
    int rc = tar->sink.entry(tar->sink.ctx, &entry, &wanted, err);
    tar->wanted = wanted && entry.kind == IMG_TAR_FILE;
    mir_buf_reset(&tar->name);
    mir_buf_reset(&tar->target);
    return rc;
}

/* The header is there. */
static int begin(struct img_tar_read *tar, struct mir_error *err)
{
    static const unsigned char zeros[BLOCK];
    char type = (char)tar->head[AT_TYPE];
    uint64_t size;
    if (!memcmp(tar->head, zeros, BLOCK)) {
        tar->ended = true;
        return 0;
    }
    if (!sum_is_right(tar->head) || number(tar->head + AT_SIZE, 12, &size))
        return damaged(err, "a header's sum or size is wrong");
    if (type == 'x' || type == 'g')
        return damaged(err, "it has pax headers, which a package has not");
    tar->long_of = type == 'L' || type == 'K' ? type : 0;
    tar->wanted = false;
    if (tar->long_of) {
        if (size > NAME_BYTES_MAX)
            return damaged(err, "a name is too long");
        mir_buf_reset(type == 'L' ? &tar->name : &tar->target);
    } else if (begin_entry(tar, size, err)) {
        return -1;
    }
    tar->left = size;
    tar->pad = (unsigned)(-size & (BLOCK - 1));
    return 0;
}

/* `len` bytes of content, all of them of this file or name. */
static int pass(struct img_tar_read *tar, const unsigned char *data, size_t len,
                struct mir_error *err)
{
    if (!tar->long_of)
        return tar->wanted ? tar->sink.content(tar->sink.ctx, data, len, err) : 0;
    const unsigned char *end = memchr(data, 0, len);
    mir_buf_add(tar->long_of == 'L' ? &tar->name : &tar->target, data,
                end ? (size_t)(end - data) : len);
    return 0;
}

static size_t least(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

int img_tar_read_feed(struct img_tar_read *tar, const void *data, size_t len, struct mir_error *err)
{
    const unsigned char *p = data;
    while (len && !tar->ended) {
        size_t n;
        if (tar->left) {
            n = least(tar->left, len);
            if (pass(tar, p, n, err))
                return -1;
            tar->left -= n;
        } else if (tar->pad) {
            n = least(tar->pad, len);
            tar->pad -= (unsigned)n;
        } else {
            n = least(BLOCK - tar->head_len, len);
            memcpy(tar->head + tar->head_len, p, n);
            tar->head_len += n;
            if (tar->head_len == BLOCK) {
                tar->head_len = 0;
                if (begin(tar, err))
                    return -1;
            }
        }
        p += n;
        len -= n;
    }
    return 0; /* behind the end come zeros, or what nobody reads */
}

int img_tar_read_finish(const struct img_tar_read *tar, struct mir_error *err)
{
    return tar->ended ? 0 : damaged(err, "it is cut off");
}
