/* SPDX-License-Identifier: ISC */
#include "make.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/fault.h"
#include "api/file.h"
#include "api/memory.h"
#include "cache.h"
#include "deb.h"
#include "fetch.h"
#include "images/cpio.h"
#include "manifest.h"
#include "shelf.h"
#include "squeeze.h"
#include "vmlinuz.h"

#define OWN_BYTES_MAX ((size_t)16 << 20)
#define ARCHIVE_BYTES_MAX ((size_t)128 << 20)
#define DIGEST_SHOWN 16 /* hex digits of a folder's name */

/* --- what is ours --- */

static int read_own(const char *path, const char *name, struct img_own_file *ret,
                    struct mir_error *err)
{
    struct img_own_file file = {.name = name};
    if (mir_file_read(path, OWN_BYTES_MAX, &file.bytes, &file.len, err))
        return -1;
    img_sha256(file.bytes, file.len, file.sha256);
    *ret = file;
    return 0;
}

static int add_tender(const char *path, const char *name, struct img_parts *parts,
                      struct mir_error *err)
{
    for (size_t i = 0; i < parts->tender_count; i++)
        if (!strcmp(parts->tenders[i].name, name))
            return mir_fail(err, MIR_USAGE, "%s is given twice", name);
    return read_own(path, name, &parts->tenders[parts->tender_count++], err);
}

/* "solo5-spt=FILE", or a file of that name. */
static int read_tender(const char *word, struct img_parts *parts, struct mir_error *err)
{
    static const char *const names[] = {"solo5-spt", "solo5-hvt"};
    const char *slash = strrchr(word, '/');
    for (size_t i = 0; i < MIR_NELEMS(names); i++) {
        size_t len = strlen(names[i]);
        if (!strncmp(word, names[i], len) && word[len] == '=')
            return add_tender(word + len + 1, names[i], parts, err);
        if (!strcmp(slash ? slash + 1 : word, names[i]))
            return add_tender(word, names[i], parts, err);
    }
    mir_fail(err, MIR_USAGE, "%s: a tender is called solo5-spt or solo5-hvt", word);
    return mir_error_hint(err, "say which of them it is: --tender solo5-spt=FILE");
}

static int read_owns(const struct img_make *make, struct img_parts *parts, struct mir_error *err)
{
    if (make->tender_count && make->carrier != MIR_CARRIER_LINUX) {
        mir_fail(err, MIR_USAGE, "a tender is for the carrier linux alone");
        return mir_error_hint(err, "leave --tender out");
    }
    if (!img_carrier_has_archive(make->carrier))
        return 0;
    if (read_own(make->init, "init", &parts->init, err))
        return -1;
    for (size_t i = 0; i < make->tender_count; i++)
        if (read_tender(make->tenders[i], parts, err))
            return -1;
    return 0;
}

/* --- the folder --- */

struct base {
    const char *folder; /* where it is written */
    const struct img_parts *parts;
    struct img_base_file files[IMG_BASE_FILES_MAX];
    size_t count;
};

static int write_file(struct base *base, const char *name, const void *data, size_t len,
                      const struct img_package *package, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/%s", base->folder, name);
    struct img_base_file *file = &base->files[base->count++];
    *file = (struct img_base_file){.name = name, .bytes = len, .package = package};
    img_sha256(data, len, file->sha256);
    return mir_file_write_at(AT_FDCWD, path, data, len, 0644, err);
}

/* A Linux without a configuration may need all that it has. */
static bool needs_no_types(const struct img_parts *parts, const struct img_output *output)
{
    const struct img_entry *config = img_parts_one(parts, output->config, NULL);
    return config && img_vmlinux_needs_no_types(config->bytes, config->len);
}

static int pack_output(const struct img_parts *parts, const struct img_output *output,
                       const struct img_entry *entry, struct mir_buf *out, struct img_repacked *ret,
                       struct mir_error *err)
{
    switch (output->how) {
    case IMG_XZ:
        return img_squeeze_xz(entry->bytes, entry->len, IMG_SQUEEZE_BEST, out, err);
    case IMG_FOR_XEN:
        return img_vmlinuz_repack(entry->bytes, entry->len, needs_no_types(parts, output), out, ret,
                                  err);
    case IMG_AS_IT_IS:
        break;
    }
    return mir_buf_add(out, entry->bytes, entry->len)
               ? mir_fail(err, MIR_NO_SPACE, "%s is larger than it may be", entry->path)
               : 0;
}

static int write_output(struct base *base, const struct img_output *output, struct mir_error *err)
{
    const struct img_entry *entry = img_parts_one(base->parts, output->pattern, err);
    mir_auto_buf struct mir_buf packed;
    struct img_repacked repacked = {.bytes = 0};
    mir_buf_init(&packed, ARCHIVE_BYTES_MAX);
    if (!entry || pack_output(base->parts, output, entry, &packed, &repacked, err) ||
        write_file(base, output->name, packed.data, packed.len, entry->package, err))
        return -1;
    base->files[base->count - 1].repacked = repacked;
    return 0;
}

static int put_entry(struct img_cpio *cpio, const struct img_entry *entry, struct mir_error *err)
{
    switch (entry->kind) {
    case IMG_ENTRY_FILE:
        return img_cpio_file(cpio, entry->path, entry->mode, entry->bytes, entry->len, err);
    case IMG_ENTRY_FOLDER:
        return img_cpio_folder(cpio, entry->path, entry->mode, err);
    case IMG_ENTRY_LINK:
        return img_cpio_link(cpio, entry->path, entry->target, err);
    case IMG_ENTRY_CONSOLE:
        return img_cpio_device(cpio, entry->path, entry->mode, 5, 1, err);
    }
    return -1;
}

/* Behind it comes another archive: Linux finds it at a multiple of four only. */
static int write_archive(struct base *base, const char *name, bool for_disks, struct mir_error *err)
{
    static const char zeros[4];
    mir_auto_buf struct mir_buf plain;
    mir_auto_buf struct mir_buf packed;
    struct img_cpio cpio;
    mir_buf_init(&plain, ARCHIVE_BYTES_MAX);
    mir_buf_init(&packed, ARCHIVE_BYTES_MAX);
    img_cpio_init_buf(&cpio, &plain);
    for (size_t i = 0; i < base->parts->root.count; i++)
        if (base->parts->root.list[i].for_disks == for_disks &&
            put_entry(&cpio, &base->parts->root.list[i], err))
            return -1;
    if (img_cpio_finish(&cpio, err) ||
        img_squeeze_zstd(plain.data, plain.len, IMG_SQUEEZE_BEST, &packed, err))
        return -1;
    mir_buf_add(&packed, zeros, -packed.len & 3);
    return write_file(base, name, packed.data, packed.len, NULL, err);
}

static int write_base(struct base *base, struct mir_error *err)
{
    enum mir_carrier carrier = base->parts->carrier;
    for (size_t i = 0; i < img_outputs_n; i++)
        if ((img_outputs[i].in & IMG_IN(carrier)) && write_output(base, &img_outputs[i], err))
            return -1;
    if (img_carrier_has_archive(carrier) && (write_archive(base, IMG_BASE_ARCHIVE, false, err) ||
                                             write_archive(base, IMG_BASE_DISKS, true, err)))
        return -1;
    mir_auto_free char *text = img_manifest_text(base->parts, base->files, base->count);
    mir_auto_free char *path = mir_format("%s/" IMG_BASE_MANIFEST, base->folder);
    return mir_file_write_at(AT_FDCWD, path, text, strlen(text), 0644, err);
}

/* --- from packages to the folder --- */

static int read_packages(struct img_parts *parts, struct mir_error *err)
{
    for (size_t i = 0; i < parts->packages.count; i++)
        if (img_deb_read(&parts->packages.list[i], img_parts_wanted, parts, &parts->kept, err))
            return -1;
    return 0;
}

/* Whatever is there under this name is not whole. */
static int publish(const char *new, const char *folder, struct mir_error *err)
{
    if (mir_dir_remove_at(AT_FDCWD, folder, err) || chmod(new, 0755) ||
        mir_fault_before("carrier.publish", err))
        return -1;
    if (rename(new, folder))
        return mir_fail_errno(err, errno, "cannot put %s in place", folder);
    return mir_fault_after("carrier.publish", err);
}

static int build(const struct img_cache *cache, struct img_parts *parts, const char *folder,
                 struct mir_error *err)
{
    if (read_packages(parts, err) || img_parts_compose(parts, err))
        return -1;
    mir_auto_free char *new = img_cache_new(cache, err);
    if (!new)
        return -1;
    struct base base = {.folder = new, .parts = parts};
    int rc = write_base(&base, err) || publish(new, folder, err) ? -1 : 0;
    if (rc)
        mir_dir_remove_at(AT_FDCWD, new, NULL);
    return rc;
}

/* The answer, when the base of these parts is there. */
static bool is_there(const struct img_cache *cache, const struct img_parts *parts,
                     struct img_made *ret)
{
    struct img_made made = {.looked_s = ret->looked_s};
    img_manifest_digest(parts, made.digest);
    mir_auto_free char *folder = mir_format(
        "%s/%s-%.*s", cache->folder, mir_carrier_name(parts->carrier), DIGEST_SHOWN, made.digest);
    if (!img_manifest_whole(folder, made.digest, &made.bytes, &made.packages))
        return false;
    img_cache_touch(folder);
    made.folder = mir_steal(&folder);
    *ret = made;
    return true;
}

static int build_unless(const struct img_make *make, const struct img_cache *cache,
                        struct img_parts *parts, struct img_made *ret, struct mir_error *err)
{
    char digest[MIR_SHA256_TEXT];
    if (is_there(cache, parts, ret))
        return 0;
    if (make->say)
        make->say("making the base");
    img_manifest_digest(parts, digest);
    mir_auto_free char *folder = mir_format("%s/%s-%.*s", cache->folder,
                                            mir_carrier_name(parts->carrier), DIGEST_SHOWN, digest);
    if (build(cache, parts, folder, err))
        return -1;
    if (!is_there(cache, parts, ret))
        return mir_fail(err, MIR_INTERNAL, "%s is not what it was written as", folder);
    ret->made = true;
    return 0;
}

/* --- where the packages come from --- */

static int make_of_folder(const struct img_make *make, struct img_cache *cache,
                          struct img_parts *parts, struct img_made *ret, struct mir_error *err)
{
    mir_auto_packages struct img_packages all = {0};
    if (img_shelf_read(make->packages, &all, err))
        return -1;
    const struct img_catalogue catalogue = img_shelf_catalogue(&all);
    if (img_resolve(&catalogue, make->carrier, img_parts_dynamic_tender(parts), &parts->packages,
                    err))
        return mir_error_wrap(err, "%s", make->packages);
    if (is_there(cache, parts, ret))
        return 0;
    return img_cache_lock(cache, make->say, err) || build_unless(make, cache, parts, ret, err) ? -1
                                                                                               : 0;
}

/* What is remembered and made needs neither apt nor the lock. */
static bool is_remembered(const struct img_make *make, const struct img_cache *cache,
                          const char *key, struct img_parts *parts, struct img_made *ret)
{
    if (make->refresh || img_cache_recall(cache, key, &parts->packages, &ret->looked_s, NULL))
        return false;
    bool there = is_there(cache, parts, ret);
    img_packages_clear(&parts->packages);
    return there;
}

static int make_of_apt(const struct img_make *make, struct img_cache *cache,
                       struct img_parts *parts, struct img_made *ret, struct mir_error *err)
{
    bool dynamic = img_parts_dynamic_tender(parts);
    mir_auto_free char *key =
        mir_format("%s%s", mir_carrier_name(make->carrier), dynamic ? "-tender" : "");
    if (is_remembered(make, cache, key, parts, ret))
        return 0;
    if (img_cache_lock(cache, make->say, err))
        return -1;
    const struct img_fetch fetch = {.cache = cache,
                                    .key = key,
                                    .carrier = make->carrier,
                                    .dynamic_tender = dynamic,
                                    .offline = make->offline,
                                    .refresh = make->refresh,
                                    .say = make->say};
    struct img_fetched fetched = {.looked_s = 0};
    if (img_fetch(&fetch, &fetched, err))
        return -1;
    parts->packages = fetched.packages;
    ret->looked_s = fetched.looked_s;
    /* Remembered first: the packages are there, whatever becomes of the rest. */
    if ((!fetched.from_cache &&
         img_cache_remember(cache, key, &parts->packages, fetched.looked_s, err)) ||
        build_unless(make, cache, parts, ret, err))
        return -1;
    return img_cache_tidy(cache, err);
}

int img_make(const struct img_make *make, struct img_made *ret, struct mir_error *err)
{
    mir_auto_cache struct img_cache cache = {.lock_fd = -1};
    struct img_parts parts = {.carrier = make->carrier};
    struct img_made made = {.looked_s = 0};
    int rc = img_cache_open(&cache, make->cache, err) || read_owns(make, &parts, err) ? -1 : 0;
    if (!rc)
        rc = make->packages ? make_of_folder(make, &cache, &parts, &made, err)
                            : make_of_apt(make, &cache, &parts, &made, err);
    img_parts_clear(&parts);
    if (rc)
        free(made.folder);
    else
        *ret = made;
    return rc;
}
