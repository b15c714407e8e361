/* SPDX-License-Identifier: ISC */
/*
 * Reader of tar archives, fed in pieces: what dpkg-deb --fsys-tarfile writes, and nothing more
 * (ustar, and GNU's long names). Pure; nothing is put on a disk, so a path can be anything.
 *
 * Format: POSIX.1-2001, pax(1), "ustar Interchange Format"; of GNU tar's the records L and K and
 * sizes in base 256. deb(5) allows no others. Names of at most 4095 bytes.
 *
 * Owned by one thread. MIR_CORRUPT for what is no such archive, or has ended too early.
 */
#ifndef IMAGES_CARRIER_TAR_READ_H
#define IMAGES_CARRIER_TAR_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/buf.h"

enum img_tar_kind {
    IMG_TAR_FILE,
    IMG_TAR_FOLDER,
    IMG_TAR_SYMLINK,
    IMG_TAR_HARDLINK, /* another name of a file of this archive */
    IMG_TAR_OTHER     /* devices and pipes */
};

struct img_tar_entry {
    const char *path;   /* borrowed; as it is there, but without "./" and "/" in front */
    const char *target; /* borrowed; of links, "" else */
    enum img_tar_kind kind;
    unsigned mode;
    uint64_t size; /* of a file's content, 0 else */
};

struct img_tar_sink {
    /* An entry begins; *ret_wanted: its content is to come. */
    int (*entry)(void *ctx, const struct img_tar_entry *entry, bool *ret_wanted,
                 struct mir_error *err);
    /* More of a wanted file's content. */
    int (*content)(void *ctx, const void *data, size_t len, struct mir_error *err);
    void *ctx;
};

struct img_tar_read {
    struct img_tar_sink sink;
    unsigned char head[512];
    size_t head_len;
    uint64_t left; /* of the content that goes by */
    unsigned pad;  /* behind it */
    char long_of;  /* L or K: the content is a name; 0: a file's */
    bool wanted;
    bool ended;
    struct mir_buf name, target; /* long ones, for the entry that comes */
};

void img_tar_read_init(struct img_tar_read *tar, const struct img_tar_sink *sink);
void img_tar_read_clear(struct img_tar_read *tar);

int img_tar_read_feed(struct img_tar_read *tar, const void *data, size_t len,
                      struct mir_error *err);

/* No more bytes. */
int img_tar_read_finish(const struct img_tar_read *tar, struct mir_error *err);

#endif
