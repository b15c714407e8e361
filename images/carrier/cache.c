/* SPDX-License-Identifier: ISC */
#include "cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/clock.h"
#include "api/file.h"
#include "api/json.h"
#include "api/memory.h"
#include "shape.h"

#define FOUND_BYTES_MAX ((size_t)1 << 20)
#define FOUND "found-"
#define NEW ".new-"

static const char *absolute(const char *name)
{
    const char *value = getenv(name);
    return value && *value == '/' ? value : NULL;
}

char *img_cache_default(struct mir_error *err)
{
    const char *cache = absolute("XDG_CACHE_HOME"), *home = absolute("HOME");
    if (cache)
        return mir_format("%s/mirage-deploy/carrier", cache);
    if (home)
        return mir_format("%s/.cache/mirage-deploy/carrier", home);
    mir_fail(err, MIR_USAGE, "no cache: neither XDG_CACHE_HOME nor HOME is set");
    mir_error_hint(err, "--cache DIR");
    return NULL;
}

int img_cache_open(struct img_cache *cache, const char *folder, struct mir_error *err)
{
    char real[PATH_MAX];
    *cache = (struct img_cache){.lock_fd = -1};
    if (mir_dir_make(folder, 0755, err))
        return mir_error_hint(err, "--cache DIR names another folder");
    if (!realpath(folder, real))
        return mir_fail_errno(err, errno, "cannot find %s", folder);
    mir_auto_free char *debs = mir_format("%s/debs", real);
    if (mir_dir_make(debs, 0755, err))
        return mir_error_hint(err, "--cache DIR names another folder");
    cache->folder = mir_strdup(real);
    cache->debs = mir_steal(&debs);
    return 0;
}

void img_cache_close(struct img_cache *cache)
{
    mir_cleanup_closep(&cache->lock_fd);
    free(cache->folder);
    free(cache->debs);
    *cache = (struct img_cache){.lock_fd = -1};
}

/* Calls `act` for each name in a folder that begins so; the names are collected first, for `act`
 * may remove them. */
static int each(const char *folder, const char *prefix,
                int (*act)(void *ctx, const char *name, struct mir_error *err), void *ctx,
                struct mir_error *err)
{
    mir_auto_buf struct mir_buf names;
    mir_buf_init(&names, (size_t)4 << 20);
    DIR *dir = opendir(folder);
    if (!dir)
        return mir_fail_errno(err, errno, "cannot list %s", folder);
    for (struct dirent *e; (e = readdir(dir));)
        if (!strncmp(e->d_name, prefix, strlen(prefix)) && strcmp(e->d_name, ".") != 0 &&
            strcmp(e->d_name, "..") != 0)
            mir_buf_add(&names, e->d_name, strlen(e->d_name) + 1);
    closedir(dir);
    for (size_t at = 0; at < names.len; at += strlen(names.data + at) + 1)
        if (act(ctx, names.data + at, err))
            return -1;
    return 0;
}

/* Somebody's apt may still write there, for whom nobody waits: then it goes another time. */
static int sweep(void *ctx, const char *name, struct mir_error *err)
{
    const struct img_cache *cache = ctx;
    mir_auto_free char *path = mir_format("%s/%s", cache->folder, name);
    (void)err;
    (void)mir_dir_remove_at(AT_FDCWD, path, NULL);
    return 0;
}

int img_cache_lock(struct img_cache *cache, void (*say)(const char *text), struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/lock", cache->folder);
    mir_auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot open %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        if (say)
            say("another mirage-carrier is at work; waiting for it");
        while (flock(fd, LOCK_EX))
            if (errno != EINTR)
                return mir_fail_errno(err, errno, "cannot lock %s", path);
    }
    cache->lock_fd = mir_steal_fd(&fd);
    return each(cache->folder, NEW, sweep, cache, err);
}

char *img_cache_new(const struct img_cache *cache, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/" NEW "XXXXXX", cache->folder);
    if (mkdtemp(path))
        return mir_steal(&path);
    mir_fail_errno(err, errno, "cannot make a folder in %s", cache->folder);
    return NULL;
}

/* --- what was found --- */

static char *found_path(const struct img_cache *cache, const char *key)
{
    return mir_format("%s/" FOUND "%s.json", cache->folder, key);
}

static int read_found(json_t *json, struct img_packages *ret, int64_t *ret_looked_s,
                      struct mir_error *err)
{
    mir_auto_packages struct img_packages packages = {0};
    long long looked = 0;
    json_t *item;
    size_t i;
    if (mir_json_get_int(json, "looked", &looked, err))
        return -1;
    json_array_foreach(json_object_get(json, "packages"), i, item)
    {
        struct img_package package;
        if (img_package_from_json(item, &package, err) ||
            img_packages_add(&packages, &package, err))
            return -1;
    }
    if (!packages.count)
        return mir_fail(err, MIR_CORRUPT, "it names no packages");
    *ret = packages;
    packages = (struct img_packages){0};
    *ret_looked_s = looked;
    return 0;
}

int img_cache_recall(const struct img_cache *cache, const char *key, struct img_packages *ret,
                     int64_t *ret_looked_s, struct mir_error *err)
{
    mir_auto_free char *path = found_path(cache, key);
    mir_auto_free char *text = NULL;
    size_t len;
    if (mir_file_read(path, FOUND_BYTES_MAX, &text, &len, err))
        return -1;
    json_t *json = mir_json_parse(text, len, FOUND_BYTES_MAX, err);
    int rc = json ? read_found(json, ret, ret_looked_s, err) : -1;
    json_decref(json);
    return rc ? mir_error_wrap(err, "%s", path) : 0;
}

int img_cache_remember(const struct img_cache *cache, const char *key,
                       const struct img_packages *packages, int64_t looked_s, struct mir_error *err)
{
    mir_auto_free char *path = found_path(cache, key);
    json_t *list = json_array();
    for (size_t i = 0; i < packages->count; i++)
        json_array_append_new(list, img_package_to_json(&packages->list[i]));
    json_t *json = json_pack("{s:I, s:o}", "looked", (json_int_t)looked_s, "packages", list);
    mir_auto_free char *text = mir_json_text(json);
    json_decref(json);
    return mir_file_write_at(AT_FDCWD, path, text, strlen(text), 0644, err);
}

/* --- what nobody needs any more --- */

struct tidy {
    const struct img_cache *cache;
    struct mir_buf wanted; /* file names, each with its end mark */
};

static int want(void *ctx, const char *name, struct mir_error *err)
{
    struct tidy *tidy = ctx;
    mir_auto_packages struct img_packages packages = {0};
    int64_t looked;
    size_t end = strlen(name), begin = strlen(FOUND);
    (void)err;
    if (end < begin + 5 || strcmp(name + end - 5, ".json") != 0)
        return 0;
    mir_auto_free char *key = mir_format("%.*s", (int)(end - 5 - begin), name + begin);
    if (img_cache_recall(tidy->cache, key, &packages, &looked, NULL))
        return 0; /* who cannot be read needs nothing */
    for (size_t i = 0; i < packages.count; i++) {
        mir_auto_free char *file = img_package_file_name(&packages.list[i]);
        mir_buf_add(&tidy->wanted, file, strlen(file) + 1);
    }
    return 0;
}

static int drop(void *ctx, const char *name, struct mir_error *err)
{
    const struct tidy *tidy = ctx;
    for (size_t at = 0; at < tidy->wanted.len; at += strlen(tidy->wanted.data + at) + 1)
        if (!strcmp(tidy->wanted.data + at, name))
            return 0;
    mir_auto_free char *path = mir_format("%s/%s", tidy->cache->debs, name);
    return unlink(path) && errno != ENOENT ? mir_fail_errno(err, errno, "cannot remove %s", path)
                                           : 0;
}

void img_cache_touch(const char *base)
{
    (void)utimensat(AT_FDCWD, base, NULL, 0); /* in a cache that others made it is theirs to say */
}

/* "xen-0123456789abcdef" */
static bool is_base(const char *name)
{
    const char *dash = strchr(name, '-');
    mir_auto_free char *shape = mir_format("%.*s", dash ? (int)(dash - name) : 0, name);
    return img_carrier_by_name(shape) != MIR_CARRIER_NONE &&
           strspn(dash + 1, "0123456789abcdef") == strlen(dash + 1);
}

static int drop_unused(void *ctx, const char *name, struct mir_error *err)
{
    const struct img_cache *cache = ctx;
    struct stat st;
    mir_auto_free char *path = mir_format("%s/%s", cache->folder, name);
    (void)err;
    if (is_base(name) && !stat(path, &st) &&
        mir_now_s(mir_clock_system()) - st.st_mtime > IMG_BASE_UNUSED_S)
        (void)mir_dir_remove_at(AT_FDCWD, path, NULL);
    return 0;
}

int img_cache_tidy(const struct img_cache *cache, struct mir_error *err)
{
    struct tidy tidy = {.cache = cache};
    struct img_cache copy = *cache;
    mir_buf_init(&tidy.wanted, (size_t)4 << 20);
    int rc = each(cache->folder, "", drop_unused, &copy, err) ||
                     each(cache->folder, FOUND, want, &tidy, err) ||
                     each(cache->debs, "", drop, &tidy, err)
                 ? -1
                 : 0;
    mir_buf_clear(&tidy.wanted);
    return rc;
}
