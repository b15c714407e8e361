/* SPDX-License-Identifier: ISC */
#include "deb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/child.h"
#include "api/memory.h"
#include "images/digest.h"
#include "tar_read.h"

#define CONTROL_MAX ((size_t)1 << 20)

/* Without dpkg-deb there is no other way; anything else that it says is about the file. */
static int run(const struct mir_child *child, const char *file, struct mir_error *err)
{
    struct mir_error said = {0};
    if (!mir_child_run(child, &said))
        return 0;
    if (said.kind == MIR_UNAVAILABLE)
        mir_error_hint(&said, "packages of Debian are unpacked by it; install the package dpkg");
    if (said.kind == MIR_FAILED)
        said.kind = MIR_CORRUPT;
    if (err)
        *err = said;
    return mir_error_wrap(err, "%s", file);
}

static int digest_file(const char *file, char ret[MIR_SHA256_TEXT], struct mir_error *err)
{
    mir_auto_close int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot open %s", file);
    return img_digest_fd(fd, file, ret, err);
}

static int take_text(void *ctx, const void *data, size_t len, struct mir_error *err)
{
    struct mir_buf *buf = ctx;
    return mir_buf_add(buf, data, len) ? mir_fail(err, MIR_CORRUPT, "a control file of megabytes")
                                       : 0;
}

int img_deb_describe(const char *file, struct img_package *ret, struct mir_error *err)
{
    mir_auto_buf struct mir_buf text;
    mir_buf_init(&text, CONTROL_MAX);
    const char *const words[] = {"dpkg-deb", "--field", file, NULL};
    const struct mir_child child = {.words = words, .take = take_text, .ctx = &text};
    if (run(&child, file, err))
        return -1;
    struct img_span all = {mir_buf_text(&text), text.len}, record;
    struct img_package package;
    char sha256[MIR_SHA256_TEXT];
    if (!img_control_next(&all, &record))
        return mir_fail(err, MIR_CORRUPT, "%s says nothing of itself", file);
    if (digest_file(file, sha256, err))
        return -1;
    if (img_package_from_control(record, &package, err))
        return mir_error_wrap(err, "%s", file);
    memcpy(package.sha256, sha256, sizeof sha256);
    free(package.file);
    package.file = mir_strdup(file);
    *ret = package;
    return 0;
}

int img_deb_check(const struct img_package *package, struct mir_error *err)
{
    char sha256[MIR_SHA256_TEXT];
    if (digest_file(package->file, sha256, err))
        return -1;
    if (!strcmp(sha256, package->sha256))
        return 0;
    mir_fail(err, MIR_CORRUPT,
             "%s is not the package that the distribution signed (sha256 %.16s..., not %.16s...)",
             package->file, sha256, package->sha256);
    return mir_error_hint(err, "remove it; it is fetched again");
}

/* --- its files --- */

struct reader {
    const struct img_package *package;
    img_deb_wanted *wanted;
    const void *wanted_ctx;
    struct img_entries *ret;
    struct img_tar_read tar;
    /* The file that comes by, until it is whole. */
    char *path;
    unsigned mode;
    unsigned char *bytes;
    size_t len, size;
};

static void keep_file(struct reader *reader)
{
    const struct img_entry entry = {.path = reader->path,
                                    .mode = reader->mode,
                                    .bytes = reader->bytes,
                                    .len = reader->size,
                                    .owned = reader->bytes,
                                    .package = reader->package};
    img_entries_add(reader->ret, &entry);
    free(reader->path);
    reader->path = NULL;
    reader->bytes = NULL;
}

static int begin_file(struct reader *reader, const struct img_tar_entry *entry,
                      struct mir_error *err)
{
    if (entry->size > IMG_ENTRY_BYTES_MAX)
        return mir_fail(err, MIR_CORRUPT, "%.200s in it has %" PRIu64 " bytes", entry->path,
                        entry->size);
    reader->path = mir_strdup(entry->path);
    reader->mode = entry->mode;
    reader->size = (size_t)entry->size;
    reader->len = 0;
    reader->bytes = mir_calloc(1, reader->size + 1);
    if (!reader->size)
        keep_file(reader);
    return 0;
}

static int on_entry(void *ctx, const struct img_tar_entry *entry, bool *ret_wanted,
                    struct mir_error *err)
{
    struct reader *reader = ctx;
    if (!*entry->path || !reader->wanted(reader->wanted_ctx, entry->path))
        return 0;
    if (entry->kind == IMG_TAR_FILE) {
        *ret_wanted = entry->size > 0;
        return begin_file(reader, entry, err);
    }
    if (entry->kind != IMG_TAR_SYMLINK && entry->kind != IMG_TAR_HARDLINK)
        return 0;
    /* A second name is as good as a link from the top. */
    mir_auto_free char *target =
        mir_format("%s%s", entry->kind == IMG_TAR_HARDLINK ? "/" : "", entry->target);
    mir_auto_free char *path = mir_strdup(entry->path);
    img_entries_add(reader->ret, &(struct img_entry){.path = path,
                                                     .kind = IMG_ENTRY_LINK,
                                                     .mode = 0777,
                                                     .target = target,
                                                     .package = reader->package});
    return 0;
}

static int on_content(void *ctx, const void *data, size_t len, struct mir_error *err)
{
    struct reader *reader = ctx;
    (void)err;
    memcpy(reader->bytes + reader->len, data, len);
    reader->len += len;
    if (reader->len == reader->size)
        keep_file(reader);
    return 0;
}

static int feed(void *ctx, const void *data, size_t len, struct mir_error *err)
{
    struct reader *reader = ctx;
    return img_tar_read_feed(&reader->tar, data, len, err);
}

int img_deb_read(const struct img_package *package, img_deb_wanted *wanted, const void *ctx,
                 struct img_entries *ret, struct mir_error *err)
{
    struct reader reader = {.package = package, .wanted = wanted, .wanted_ctx = ctx, .ret = ret};
    const struct img_tar_sink sink = {on_entry, on_content, &reader};
    const char *const words[] = {"dpkg-deb", "--fsys-tarfile", package->file, NULL};
    const struct mir_child child = {.words = words, .take = feed, .ctx = &reader};
    img_tar_read_init(&reader.tar, &sink);
    int rc = run(&child, package->file, err);
    if (!rc && img_tar_read_finish(&reader.tar, err))
        rc = mir_error_wrap(err, "%s", package->file);
    img_tar_read_clear(&reader.tar);
    free(reader.path);
    free(reader.bytes);
    return rc;
}
