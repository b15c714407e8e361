/* SPDX-License-Identifier: ISC */
/*
 * An upload under way, as the files of it share it: put.c has its order, put_bytes.c the bytes and
 * what they hash to, put_send.c brings them to the cloud. One thread; nothing here is owned unless
 * it says so.
 */
#ifndef OS_PUT_H
#define OS_PUT_H

#include <openssl/evp.h>

#include "stack.h"

#define PUT_IMAGER_MS 300000
#define MARK_WHOLE "mirage-deploy:whole" /* of an image: it is what was sent */

struct put {
    struct stack *stack;
    struct stack_site *site;
    const struct mir_instance_spec *spec;
    struct mir_needs needs;
    int64_t until_ms;
    bool began;             /* something is in Glance, also when it fails */
    struct os_images found; /* owned: of the project, with our tag */
};

/* Bytes on their way, of one kind of the three. */
struct put_bytes {
    int fd; /* of a file; -1: none. Owned */
    const struct mir_imager *imager;
    struct mir_disk *disk; /* of the imager; NULL: none. Owned */
    struct mir_disk_range range;
    uint64_t range_at;
    const char *container;
    const struct put *put;      /* whose disk it is */
    uint64_t zeros, zeros_left; /* so many; for a root disk that holds nothing */
    int64_t length;             /* MIR_HTTP_LENGTH_UNKNOWN: its end says it */
    uint64_t sent_bytes;        /* these and the digest: of what was read so far */
    EVP_MD_CTX *sha512;         /* owned */
};

/* --- put_bytes.c --- */

int put_bytes_file(struct put_bytes *bytes, const char *path, struct mir_error *err);
int put_bytes_disk(struct put_bytes *bytes, const struct put *put, const char *container,
                   struct mir_error *err);
void put_bytes_zeros(struct put_bytes *bytes, uint64_t count);
/* To their beginning, for another attempt. */
int put_bytes_again(struct put_bytes *bytes, struct mir_error *err);
void put_bytes_clear(struct put_bytes *bytes);
struct mir_http_stream put_bytes_stream(struct put_bytes *bytes);
/* Is the image what was sent? Ends the digest. Of a cloud that knows MD5 alone (before 2018) the
 * bytes are read once more. MIR_CORRUPT. */
int put_bytes_compare(struct put_bytes *bytes, const struct os_image *image, struct mir_error *err);

/* --- put_send.c --- */

/* Makes the image, sends it, waits until it is active and compares it. *ret_id is also set when it
 * fails after the image was made. */
int put_send(struct put *put, const struct os_create_image *args, struct put_bytes *bytes,
             char ret_id[OS_ID_TEXT], struct mir_error *err);

#endif
