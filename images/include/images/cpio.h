/* SPDX-License-Identifier: ISC */
/*
 * Writer of cpio archives in the "newc" format, as Linux unpacks them into its first root.
 * Everything belongs to root and is of the year 1970, inode numbers are counted, so equal calls
 * give equal bytes. The caller chooses the order; a folder comes before what is in it (Linux makes
 * none by itself).
 *
 * Format: "initramfs buffer format" of Linux's documentation (driver-api/early-userspace); header
 * and content are each padded to 4 bytes with zeros. Archives may follow one another, each at a
 * multiple of 4.
 *
 * Pure: bytes go to a function. Owned by one thread, nothing to free. After a -1 the archive is
 * useless.
 */
#ifndef IMAGES_CPIO_H
#define IMAGES_CPIO_H

#include <stddef.h>
#include <stdint.h>

#include "api/buf.h"
#include "api/error.h"

#define IMG_CPIO_PATH_MAX 1023                   /* bytes of a path, and of what a link says */
#define IMG_CPIO_FILE_MAX ((uint64_t)0xffffffff) /* of one file: 32 bits */

/* Takes the next bytes of the archive; 0, or -1 with err. */
typedef int img_cpio_take(void *ctx, const void *data, size_t len, struct mir_error *err);

struct img_cpio {
    img_cpio_take *take;
    void *ctx;     /* borrowed */
    uint64_t at;   /* bytes so far, those of img_cpio_skip() among them */
    uint64_t left; /* of the content of the file that was begun */
    uint32_t inode;
};

void img_cpio_init(struct img_cpio *cpio, img_cpio_take *take, void *ctx);

/* The same into a struct mir_buf, whose maximum counts: MIR_NO_SPACE beyond it. */
void img_cpio_init_buf(struct img_cpio *cpio, struct mir_buf *buf);

/*
 * Paths are relative, without "." or ".." or empty parts: "bin/xl"; MIR_USAGE for any other. `mode`
 * are the twelve low bits (0755). A device is one of characters.
 */
int img_cpio_folder(struct img_cpio *cpio, const char *path, unsigned mode, struct mir_error *err);
int img_cpio_file(struct img_cpio *cpio, const char *path, unsigned mode, const void *data,
                  size_t len, struct mir_error *err);
int img_cpio_link(struct img_cpio *cpio, const char *path, const char *target,
                  struct mir_error *err);
int img_cpio_device(struct img_cpio *cpio, const char *path, unsigned mode, uint32_t major,
                    uint32_t minor, struct mir_error *err);

/*
 * A file in pieces: begin, content until it has come whole, end. img_cpio_skip() counts content
 * that the caller puts there himself (a range of an input on a disk of extents: cpio->at is where).
 * MIR_INTERNAL for more or less than was announced, or for another entry in between.
 */
int img_cpio_begin(struct img_cpio *cpio, const char *path, unsigned mode, uint64_t len,
                   struct mir_error *err);
int img_cpio_content(struct img_cpio *cpio, const void *data, size_t len, struct mir_error *err);
int img_cpio_skip(struct img_cpio *cpio, uint64_t len, struct mir_error *err);
int img_cpio_end(struct img_cpio *cpio, struct mir_error *err);

/* The last entry. What comes behind it is another archive, or zeros. */
int img_cpio_finish(struct img_cpio *cpio, struct mir_error *err);

#endif
