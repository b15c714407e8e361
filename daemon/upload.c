/* SPDX-License-Identifier: ISC */
#include "daemon/upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/fault.h"
#include "api/file.h"
#include "api/id.h"
#include "api/memory.h"

/* Left to everybody else on the file system, the database first of all. */
#define SPARE_BYTES ((uint64_t)8 << 20)

const struct mird_depot mird_depot_kernels = {"kernels", "kernel", false};
const struct mird_depot mird_depot_blocks = {"blocks", "block device", true};

struct mird_upload {
    const struct mird_depot *depot;
    char *dir; /* owned */
    char sha256[MIR_SHA256_TEXT];
    char part[MIR_SHA256_TEXT + 16]; /* file name in dir */
    bool part_there;
    int dir_fd, fd;
    EVP_MD_CTX *digest;
    uint64_t bytes, max_bytes;
};

static char *dir_of(const struct mird_depot *depot, const char *state_dir)
{
    return mir_format("%s/%s", state_dir, depot->folder);
}

char *mird_depot_path(const struct mird_depot *depot, const char *state_dir, const char *sha256)
{
    return mir_format("%s/%s/%s", state_dir, depot->folder, sha256);
}

static int is_part(const char *name)
{
    char sha256[MIR_SHA256_TEXT];
    if (strlen(name) < MIR_SHA256_TEXT)
        return 0;
    memcpy(sha256, name, MIR_SHA256_TEXT - 1);
    sha256[MIR_SHA256_TEXT - 1] = '\0';
    return mir_sha256_valid(sha256) && !strncmp(name + MIR_SHA256_TEXT - 1, ".part-", 6);
}

int mird_depot_prepare(const struct mird_depot *depot, const char *state_dir, struct mir_error *err)
{
    mir_auto_free char *path = dir_of(depot, state_dir);
    if (mir_dir_make(path, 0700, err))
        return -1;
    DIR *dir = opendir(path);
    if (!dir)
        return mir_fail_errno(err, errno, "cannot read %s", path);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (is_part(entry->d_name))
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    return 0;
}

static int hint_space(const struct mird_depot *depot, const char *dir, struct mir_error *err)
{
    return mir_error_hint(err,
                          "free some space under %s (%ss no longer needed may be deleted), or "
                          "set MIRAGE_DEPLOY_STATE to a larger disk",
                          dir, depot->noun);
}

static int check_room(const struct mird_depot *depot, const char *dir, uint64_t bytes,
                      struct mir_error *err)
{
    struct statvfs fs;
    if (statvfs(dir, &fs))
        return 0; /* the write itself will tell */
    uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (bytes <= room && room - bytes >= SPARE_BYTES)
        return 0;
    mir_fail(err, MIR_NO_SPACE,
             "no space for a %s of %" PRIu64 " bytes: %" PRIu64 " are free, and %" PRIu64
             " are kept for what runs already",
             depot->noun, bytes, room, SPARE_BYTES);
    return hint_space(depot, dir, err);
}

int mird_depot_room(const struct mird_depot *depot, const char *state_dir, uint64_t bytes,
                    struct mir_error *err)
{
    mir_auto_free char *dir = dir_of(depot, state_dir);
    return check_room(depot, dir, bytes, err);
}

static int cannot_store(const struct mird_upload *upload, struct mir_error *err)
{
    mir_fail_errno(err, errno, "cannot store the %s in %s", upload->depot->noun, upload->dir);
    return err && err->kind == MIR_NO_SPACE ? hint_space(upload->depot, upload->dir, err) : -1;
}

static int open_part(struct mird_upload *upload, struct mir_error *err)
{
    unsigned char salt[4];
    char hex[9];
    mir_random_system()->bytes(mir_random_system()->ctx, salt, sizeof salt);
    mir_hex(salt, sizeof salt, hex);
    snprintf(upload->part, sizeof upload->part, "%s.part-%s", upload->sha256, hex);
    upload->dir_fd = open(upload->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (upload->dir_fd < 0)
        return mir_fail_errno(err, errno, "cannot open %s", upload->dir);
    upload->fd = openat(upload->dir_fd, upload->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (upload->fd < 0)
        return cannot_store(upload, err);
    upload->part_there = true;
    return 0;
}

int mird_upload_begin(const struct mird_depot *depot, const char *state_dir, const char *sha256,
                      uint64_t max_bytes, struct mird_upload **ret, struct mir_error *err)
{
    struct mird_upload *upload = mir_calloc(1, sizeof *upload);
    upload->depot = depot;
    upload->dir = dir_of(depot, state_dir);
    upload->dir_fd = upload->fd = -1;
    upload->max_bytes = max_bytes;
    mir_copy(upload->sha256, sizeof upload->sha256, sha256);
    upload->digest = EVP_MD_CTX_new();
    if (!upload->digest || EVP_DigestInit_ex(upload->digest, EVP_sha256(), NULL) != 1) {
        mird_upload_free(upload);
        return mir_fail(err, MIR_INTERNAL, "SHA-256 is not to be had");
    }
    if (open_part(upload, err)) {
        mird_upload_free(upload);
        return -1;
    }
    *ret = upload;
    return 0;
}

static bool all_zero(const char *data, size_t len)
{
    return !len || (!data[0] && !memcmp(data, data + 1, len - 1));
}

/* What is zero becomes a hole where that is worth it: the end of the file is set with the digest.
 */
static int put(const struct mird_upload *upload, const void *data, size_t len)
{
    if (upload->depot->holes && all_zero(data, len))
        return lseek(upload->fd, (off_t)len, SEEK_CUR) < 0 ? -1 : 0;
    return mir_write_all(upload->fd, data, len);
}

int mird_upload_write(struct mird_upload *upload, const void *data, size_t len,
                      struct mir_error *err)
{
    if (len > upload->max_bytes - upload->bytes) {
        mir_fail(err, MIR_USAGE, "the %s is larger than %" PRIu64 " bytes", upload->depot->noun,
                 upload->max_bytes);
        return mir_error_hint(err, "raise kernel_max under [daemon] in the configuration");
    }
    /* Asked again for each block: whoever sends in chunks has not said how much is coming. */
    if (check_room(upload->depot, upload->dir, len, err))
        return -1;
    if (put(upload, data, len))
        return cannot_store(upload, err);
    EVP_DigestUpdate(upload->digest, data, len);
    upload->bytes += len;
    return 0;
}

int mird_upload_check(struct mird_upload *upload, struct mir_error *err)
{
    unsigned char digest[32];
    unsigned size = sizeof digest;
    char hex[MIR_SHA256_TEXT];
    if (upload->bytes == 0)
        return mir_fail(err, MIR_USAGE, "the %s is empty", upload->depot->noun);
    if (upload->depot->holes && ftruncate(upload->fd, (off_t)upload->bytes))
        return cannot_store(upload, err);
    EVP_DigestFinal_ex(upload->digest, digest, &size);
    mir_hex(digest, sizeof digest, hex);
    if (!strcmp(hex, upload->sha256))
        return 0;
    mir_fail(err, MIR_CORRUPT, "what came has SHA-256 %s, not %s", hex, upload->sha256);
    return mir_error_hint(err, "the file changed or was cut off on its way: send it again");
}

int mird_upload_fd(const struct mird_upload *upload)
{
    return upload->fd;
}

uint64_t mird_upload_bytes(const struct mird_upload *upload)
{
    return upload->bytes;
}

int mird_upload_publish(struct mird_upload *upload, struct mir_error *err)
{
    if (mir_fault_before("kernel.fsync", err))
        return -1;
    if (fsync(upload->fd))
        return cannot_store(upload, err);
    if (mir_fault_before("kernel.rename", err))
        return -1;
    if (renameat(upload->dir_fd, upload->part, upload->dir_fd, upload->sha256))
        return mir_fail_errno(err, errno, "cannot name the %s in %s", upload->depot->noun,
                              upload->dir);
    upload->part_there = false;
    if (mir_fault_after("kernel.rename", err))
        return -1;
    if (fsync(upload->dir_fd))
        return mir_fail_errno(err, errno, "cannot sync %s", upload->dir);
    return mir_fault_after("kernel.sync_dir", err);
}

void mird_upload_free(struct mird_upload *upload)
{
    if (!upload)
        return;
    if (upload->part_there)
        unlinkat(upload->dir_fd, upload->part, 0);
    mir_cleanup_closep(&upload->fd);
    mir_cleanup_closep(&upload->dir_fd);
    EVP_MD_CTX_free(upload->digest);
    free(upload->dir);
    free(upload);
}
