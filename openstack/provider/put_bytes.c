/* SPDX-License-Identifier: ISC */
/* The bytes of an image as they are sent, and what they hash to. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/memory.h"
#include "put.h"

#define AGAIN_BYTES ((size_t)1 << 16) /* of what is read once more, at a time */

static EVP_MD_CTX *digest_new(const EVP_MD *kind)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (!digest)
        mir_memory_out();
    if (EVP_DigestInit_ex(digest, kind, NULL))
        return digest;
    EVP_MD_CTX_free(digest); /* it is forbidden here, as MD5 may be */
    return NULL;
}

static void start_digest(struct put_bytes *bytes)
{
    bytes->sha512 = digest_new(EVP_sha512());
    if (!bytes->sha512)
        mir_memory_out();
}

int put_bytes_file(struct put_bytes *bytes, const char *path, struct mir_error *err)
{
    struct stat st;
    *bytes = (struct put_bytes){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (bytes->fd < 0)
        return mir_fail_errno(err, errno, "cannot open the kernel %s", path);
    if (fstat(bytes->fd, &st)) {
        close(bytes->fd);
        return mir_fail_errno(err, errno, "cannot look at the kernel %s", path);
    }
    bytes->length = st.st_size;
    start_digest(bytes);
    return 0;
}

static int open_disk(struct put_bytes *bytes, struct mir_error *err)
{
    return bytes->imager->open_file(bytes->imager->ctx, bytes->put->spec, &bytes->put->needs,
                                    bytes->container, PUT_IMAGER_MS, &bytes->disk, err);
}

int put_bytes_disk(struct put_bytes *bytes, const struct put *put, const char *container,
                   struct mir_error *err)
{
    *bytes = (struct put_bytes){.fd = -1,
                                .imager = put->stack->imager,
                                .container = container,
                                .put = put,
                                .length = MIR_HTTP_LENGTH_UNKNOWN};
    if (open_disk(bytes, err))
        return -1;
    start_digest(bytes);
    return 0;
}

void put_bytes_zeros(struct put_bytes *bytes, uint64_t count)
{
    *bytes =
        (struct put_bytes){.fd = -1, .zeros = count, .zeros_left = count, .length = (int64_t)count};
    start_digest(bytes);
}

void put_bytes_clear(struct put_bytes *bytes)
{
    if (bytes->fd >= 0)
        close(bytes->fd);
    if (bytes->disk)
        bytes->imager->close(bytes->disk);
    EVP_MD_CTX_free(bytes->sha512);
    *bytes = (struct put_bytes){.fd = -1};
}

int put_bytes_again(struct put_bytes *bytes, struct mir_error *err)
{
    if (bytes->fd >= 0 && lseek(bytes->fd, 0, SEEK_SET))
        return mir_fail_errno(err, errno, "cannot read the kernel again");
    if (bytes->disk) {
        bytes->imager->close(bytes->disk);
        bytes->disk = NULL;
        if (open_disk(bytes, err))
            return -1;
    }
    bytes->range = (struct mir_disk_range){.at = 0};
    bytes->range_at = bytes->sent_bytes = 0;
    bytes->zeros_left = bytes->zeros;
    EVP_MD_CTX_free(bytes->sha512);
    start_digest(bytes);
    return 0;
}

/* --- reading --- */

static int read_file(struct put_bytes *bytes, void *out, size_t size, size_t *ret_len,
                     struct mir_error *err)
{
    ssize_t n;
    do
        n = read(bytes->fd, out, size);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return mir_fail_errno(err, errno, "cannot read the kernel");
    *ret_len = (size_t)n;
    return 0;
}

static int read_disk(struct put_bytes *bytes, void *out, size_t size, size_t *ret_len,
                     struct mir_error *err)
{
    if (bytes->range_at == bytes->range.len) {
        bytes->range_at = 0;
        if (bytes->imager->next(bytes->disk, &bytes->range, err))
            return -1;
    }
    uint64_t left = bytes->range.len - bytes->range_at;
    *ret_len = left < size ? (size_t)left : size;
    if (*ret_len)
        memcpy(out, bytes->range.data + bytes->range_at, *ret_len);
    bytes->range_at += *ret_len;
    return 0;
}

static int read_zeros(struct put_bytes *bytes, void *out, size_t size, size_t *ret_len,
                      struct mir_error *err)
{
    (void)err;
    *ret_len = bytes->zeros_left < size ? (size_t)bytes->zeros_left : size;
    memset(out, 0, *ret_len);
    bytes->zeros_left -= *ret_len;
    return 0;
}

/* Some of the bytes; none: their end. */
static int read_some(struct put_bytes *bytes, void *out, size_t size, size_t *ret_len,
                     struct mir_error *err)
{
    int (*const next)(struct put_bytes *, void *, size_t, size_t *, struct mir_error *) =
        bytes->disk      ? read_disk
        : bytes->fd >= 0 ? read_file
                         : read_zeros;
    return next(bytes, out, size, ret_len, err);
}

static int read_next(void *ctx, void *out, size_t size, size_t *ret_len, struct mir_error *err)
{
    struct put_bytes *bytes = ctx;
    size_t len = 0;
    if (read_some(bytes, out, size, &len, err))
        return -1;
    if (!EVP_DigestUpdate(bytes->sha512, out, len))
        mir_memory_out();
    bytes->sent_bytes += len;
    *ret_len = len;
    return 0;
}

struct mir_http_stream put_bytes_stream(struct put_bytes *bytes)
{
    return (struct mir_http_stream){.read = read_next, .ctx = bytes, .length = bytes->length};
}

/* --- comparing --- */

static bool same(EVP_MD_CTX *digest, const char *hex)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    char text[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len = sizeof raw;
    if (!EVP_DigestFinal_ex(digest, raw, &len))
        mir_memory_out();
    mir_hex(raw, len, text);
    return !strcmp(text, hex);
}

/* Where MD5 is forbidden there is nothing to compare but the size. */
static int compare_md5(struct put_bytes *bytes, const char *hex, bool *ret_right,
                       struct mir_error *err)
{
    EVP_MD_CTX *md5 = digest_new(EVP_md5());
    unsigned char *part = mir_calloc(1, AGAIN_BYTES);
    size_t len = 1;
    uint64_t sent = bytes->sent_bytes;
    int rc = md5 ? put_bytes_again(bytes, err) : 0;
    while (md5 && !rc && len) {
        rc = read_some(bytes, part, AGAIN_BYTES, &len, err);
        if (!rc && !EVP_DigestUpdate(md5, part, len))
            mir_memory_out();
    }
    bytes->sent_bytes = sent;
    if (!rc)
        *ret_right = !md5 || same(md5, hex);
    EVP_MD_CTX_free(md5);
    free(part);
    return rc;
}

/* A cloud that converts what it imports says another size and another digest, and in another
 * format: then there is nothing to compare with. */
int put_bytes_compare(struct put_bytes *bytes, const struct os_image *image, struct mir_error *err)
{
    bool right = (uint64_t)image->size_bytes == bytes->sent_bytes;
    if (right && *image->hash && !strcmp(image->hash_algo, "sha512"))
        right = same(bytes->sha512, image->hash);
    else if (right && *image->checksum && compare_md5(bytes, image->checksum, &right, err))
        return -1;
    if (right)
        return 0;
    mir_fail(err, MIR_CORRUPT, "image %s is not what was sent: %lld bytes of %llu, hash %.20s...",
             image->id, (long long)image->size_bytes, (unsigned long long)bytes->sent_bytes,
             *image->hash ? image->hash : image->checksum);
    return mir_error_hint(err, "it is put away, and the next attempt sends it again");
}
