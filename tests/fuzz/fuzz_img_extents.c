/* SPDX-License-Identifier: ISC */
/*
 * The stream of extents from a helper that is not trusted: every record inside the disk and behind
 * the one before it; and without the right digest it never comes to an end.
 */
#include <string.h>

#include "fuzz_img_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DISK_MAX ((uint64_t)1 << 40)

/* The last 32 bytes are the digest of the others: put there, so that an end can be reached. */
static void mend(unsigned char *bytes, size_t size)
{
    struct krn_digest digest;
    krn_digest_init(&digest);
    krn_digest_add(&digest, bytes, size - KRN_DIGEST_BYTES);
    krn_digest_bytes(&digest, bytes + size - KRN_DIGEST_BYTES);
}

/* True: it was read to its end. */
static bool read_all(int fd)
{
    struct img_extents x;
    struct img_run run = {.len = 1};
    struct mir_error err = {0};
    uint64_t end = 0, sum = 0;
    int rc = img_extents_open(&x, fd, DISK_MAX, &err);
    while (!rc && run.len && !(rc = img_extents_next(&x, &run, &err))) {
        if (run.at < end || run.at > x.size || run.len > x.size - run.at)
            abort();
        end = run.at + run.len;
        sum += run.len;
    }
    if (rc ? err.kind != MIR_CORRUPT || !err.text[0] : sum != x.bytes)
        abort();
    img_extents_clear(&x);
    return !rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (size < KRN_DIGEST_BYTES)
        return 0;
    unsigned char *bytes = malloc(size);
    memcpy(bytes, data, size);
    mend(bytes, size);
    bool whole = read_all(fuzz_file(&fd, bytes, size));
    bytes[size / 2] ^= 1;
    /* It may end before the change; then the rest was never looked at. */
    if (whole && (size_t)lseek(fd, 0, SEEK_CUR) == size && read_all(fuzz_file(&fd, bytes, size)))
        abort();
    free(bytes);
    return 0;
}
