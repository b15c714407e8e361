/* SPDX-License-Identifier: ISC */
/* From parts to a disk: decrypted, unpacked, taken out of the tar file. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/id.h"
#include "api/memory.h"
#include "blob.h"
#include "bundle.h"
#include "guest_disk.h"

#define CHUNK ((size_t)64 << 10)
#define TAR_BLOCK 512
#define STORE_BYTES ((off_t)10 << 30)        /* of the root; holes behind the disk */
#define NEW_FILE FC_GUEST_DISK_DIR "/.store" /* which nobody takes for a disk */

struct unpacking {
    const struct fc_bundle *bundle;
    int fd;
    EVP_CIPHER_CTX *cipher; /* owned, both */
    EVP_MD_CTX *digest;
    z_stream z;
    bool unpacked; /* the gzip file has ended */
    uint64_t at;   /* in the tar file */
    unsigned char header[TAR_BLOCK];
    unsigned char crypt[CHUNK], plain[CHUNK + EVP_MAX_BLOCK_LENGTH], tar[CHUNK];
    const char *wrong; /* the first thing that is; NULL */
};

static const char *check_header(const struct unpacking *u)
{
    const char *head = (const char *)u->header;
    char digits[13] = "";
    memcpy(digits, head + 124, 12);
    if (strncmp(head, u->bundle->name, 100) != 0)
        return "the image has another name in its tar file";
    if (strtoll(digits, NULL, 8) != u->bundle->size)
        return "the image has another size in its tar file";
    return NULL;
}

static const char *take_tar(struct unpacking *u, const unsigned char *data, size_t len)
{
    uint64_t end = TAR_BLOCK + (uint64_t)u->bundle->size;
    EVP_DigestUpdate(u->digest, data, len);
    while (len && !u->wrong) {
        uint64_t room = u->at < TAR_BLOCK ? TAR_BLOCK - u->at : u->at < end ? end - u->at : len;
        size_t take = room < len ? (size_t)room : len;
        if (u->at < TAR_BLOCK)
            memcpy(u->header + u->at, data, take);
        else if (u->at < end && u->fd >= 0 && mir_write_all(u->fd, data, take))
            u->wrong = "the disk cannot be kept";
        u->at += take;
        data += take;
        len -= take;
        if (u->at == TAR_BLOCK)
            u->wrong = check_header(u);
    }
    return u->wrong;
}

static const char *inflate_all(struct unpacking *u, unsigned char *data, size_t len)
{
    u->z.next_in = data;
    u->z.avail_in = (uInt)len;
    while (u->z.avail_in && !u->wrong) {
        u->z.next_out = u->tar;
        u->z.avail_out = CHUNK;
        int rc = u->unpacked ? Z_DATA_ERROR : inflate(&u->z, Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END)
            return u->wrong = "the parts do not unpack";
        u->unpacked = rc == Z_STREAM_END;
        take_tar(u, u->tar, CHUNK - u->z.avail_out);
    }
    return u->wrong;
}

static const char *take_part(struct unpacking *u, const struct fc_world *world, const char *file)
{
    mir_auto_close int from = fc_blob_open(world, file);
    ssize_t got;
    while (!u->wrong && (got = read(from, u->crypt, CHUNK)) > 0) {
        int n = 0;
        if (EVP_DecryptUpdate(u->cipher, u->plain, &n, u->crypt, (int)got) != 1)
            return u->wrong = "the parts cannot be decrypted";
        inflate_all(u, u->plain, (size_t)n);
    }
    return u->wrong;
}

static const char *end_all(struct unpacking *u)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len = 0;
    int n = 0;
    if (EVP_DecryptFinal_ex(u->cipher, u->plain, &n) != 1)
        return "the parts cannot be decrypted";
    if (inflate_all(u, u->plain, (size_t)n))
        return u->wrong;
    if (!u->unpacked || u->at < TAR_BLOCK + (uint64_t)u->bundle->size)
        return "the parts are not all of the image";
    EVP_DigestFinal_ex(u->digest, sum, &len);
    mir_hex(sum, len, hex);
    return strcmp(hex, u->bundle->digest) ? "the image has another digest" : NULL;
}

const char *fc_bundle_disk(const struct fc_world *world, const struct fc_bundle *bundle, int fd)
{
    struct unpacking *u = mir_calloc(1, sizeof *u);
    size_t i;
    json_t *file;
    u->bundle = bundle;
    u->fd = fd;
    u->cipher = EVP_CIPHER_CTX_new();
    u->digest = EVP_MD_CTX_new();
    if (!u->cipher || !u->digest || inflateInit2(&u->z, MAX_WBITS + 16) != Z_OK ||
        EVP_DigestInit_ex(u->digest, EVP_sha1(), NULL) != 1 ||
        EVP_DecryptInit_ex(u->cipher, EVP_aes_128_cbc(), NULL, bundle->key, bundle->iv) != 1)
        mir_memory_out();
    json_array_foreach(bundle->files, i, file)
    {
        if (take_part(u, world, json_string_value(file)))
            break;
    }
    const char *wrong = u->wrong ? u->wrong : end_all(u);
    inflateEnd(&u->z);
    EVP_MD_CTX_free(u->digest);
    EVP_CIPHER_CTX_free(u->cipher);
    free(u);
    return wrong;
}

void fc_bundle_store_name(const char *instance, char out[FC_STORE_TEXT])
{
    snprintf(out, FC_STORE_TEXT, "store-%.20s", instance);
}

int fc_bundle_store(const struct fc_world *world, const struct fc_bundle *bundle,
                    const char *instance)
{
    char name[FC_STORE_TEXT];
    fc_bundle_store_name(instance, name);
    mir_auto_free char *path = mir_format(FC_GUEST_DISK_DIR "/%s", name);
    if (mkdirat(world->dir_fd, FC_GUEST_DISK_DIR, 0700) && errno != EEXIST)
        return -1;
    mir_auto_close int fd =
        openat(world->dir_fd, NEW_FILE, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 || fc_bundle_disk(world, bundle, fd) || ftruncate(fd, STORE_BYTES) ||
                   renameat(world->dir_fd, NEW_FILE, world->dir_fd, path)
               ? -1
               : 0;
}
