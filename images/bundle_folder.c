/* SPDX-License-Identifier: ISC */
#include "bundle_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/file.h"
#include "api/id.h"
#include "api/memory.h"

#define MANIFEST ".manifest.xml"
#define MANIFEST_BYTES_MAX ((size_t)4 << 20)

static void clear_names(struct img_bundle_names *list)
{
    for (unsigned i = 0; i < list->count; i++)
        free(list->names[i]);
    list->count = 0;
}

/* --- is it a bundle? --- */

/* A stranger's file may have any name; a message is one line. */
static int no_bundle(const char *path, const char *name, const char *why, struct mir_error *err)
{
    char shown[64];
    mir_copy(shown, sizeof shown, name);
    for (char *p = shown; *p; p++)
        *p = (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p;
    mir_fail(err, MIR_USAGE, "%s is not replaced: '%s' in it %s", path, shown, why);
    return mir_error_hint(err, "give another name; --force replaces a bundle and nothing else");
}

static bool ends_with(const char *name, const char *ending)
{
    size_t len = strlen(name), tail = strlen(ending);
    return len > tail && !strcmp(name + len - tail, ending);
}

static int list_files(const char *path, int fd, struct img_bundle_names *list,
                      struct mir_error *err)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir) {
        mir_fail_errno(err, errno, "cannot look into %s", path);
        if (copy >= 0)
            close(copy);
        return -1;
    }
    int rc = 0;
    struct dirent *entry;
    while (!rc && (entry = readdir(dir))) {
        struct stat st;
        const char *name = entry->d_name;
        if (!strcmp(name, ".") || !strcmp(name, ".."))
            continue;
        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
            rc = no_bundle(path, name, "is not a file", err);
        else if (list->count == IMG_BUNDLE_FILES_MAX)
            rc = no_bundle(path, name, "is one file too many for a bundle", err);
        else
            list->names[list->count++] = mir_strdup(name);
    }
    closedir(dir);
    return rc;
}

static const char *find_manifest(const struct img_bundle_names *list)
{
    for (unsigned i = 0; i < list->count; i++)
        if (ends_with(list->names[i], MANIFEST))
            return list->names[i];
    return NULL;
}

/* Of a bundle are the manifest and what it names. */
static int check_named(const char *path, const struct img_bundle_names *list, const char *manifest,
                       const char *text, struct mir_error *err)
{
    for (unsigned i = 0; i < list->count; i++) {
        mir_auto_free char *element = mir_format("<filename>%s</filename>", list->names[i]);
        if (strcmp(list->names[i], manifest) != 0 && !strstr(text, element))
            return no_bundle(path, list->names[i], "is no part of a bundle", err);
    }
    return 0;
}

/* The files of the bundle in there, which may be none. path is for messages. */
static int list_bundle(const char *path, int fd, struct img_bundle_names *list,
                       struct mir_error *err)
{
    mir_auto_free char *text = NULL;
    if (list_files(path, fd, list, err))
        return -1;
    if (!list->count)
        return 0;
    const char *manifest = find_manifest(list);
    if (!manifest)
        return no_bundle(path, list->names[0], "is no part of a bundle", err);
    mir_auto_free char *file = mir_format("/proc/self/fd/%d/%s", fd, manifest);
    if (mir_file_read(file, MANIFEST_BYTES_MAX, &text, NULL, NULL) || !strstr(text, "<manifest>"))
        return no_bundle(path, manifest, "is no bundle's manifest", err);
    return check_named(path, list, manifest, text, err);
}

static int open_old(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int is_there(const char *path, struct mir_error *err)
{
    mir_fail(err, MIR_USAGE, "%s is there already", path);
    return mir_error_hint(err, "give another name, or replace it with --force");
}

static int check_place(const char *path, bool replace, struct mir_error *err)
{
    struct stat st;
    struct img_bundle_names list = {.count = 0};
    if (lstat(path, &st)) /* the folder that it goes into is asked when something is made there */
        return 0;
    if (!S_ISDIR(st.st_mode)) {
        mir_fail(err, MIR_USAGE, "%s is there and is not a folder", path);
        return mir_error_hint(err, "a bundle is a folder: give another name");
    }
    if (!replace)
        return is_there(path, err);
    mir_auto_close int fd = open_old(path);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot look into %s", path);
    int rc = list_bundle(path, fd, &list, err);
    clear_names(&list);
    return rc;
}

/* --- the new one --- */

int img_bundle_folder_open(struct img_bundle_folder *folder, const char *path, bool replace,
                           struct mir_error *err)
{
    char id[MIR_ID_TEXT];
    const char *slash = strrchr(path, '/');
    *folder = (struct img_bundle_folder){.path = path, .fd = -1, .replace = replace};
    if (check_place(path, replace, err))
        return -1;
    mir_id_new(mir_random_system(), id);
    char *hidden =
        mir_format("%.*s.mirage-bundle-%.8s", slash ? (int)(slash + 1 - path) : 0, path, id);
    if (mkdir(hidden, 0755)) {
        mir_fail_errno(err, errno, "cannot make the folder %s", path);
        free(hidden);
        return mir_error_hint(err, "name a folder beside which files may be made");
    }
    folder->hidden = hidden;
    folder->fd = open_old(hidden);
    return folder->fd >= 0 ? 0 : mir_fail_errno(err, errno, "cannot make the folder %s", path);
}

int img_bundle_folder_file(void *ctx, const char *name, const void *bytes, size_t len,
                           struct mir_error *err)
{
    struct img_bundle_folder *folder = ctx;
    if (folder->written.count == IMG_BUNDLE_FILES_MAX)
        return mir_fail(err, MIR_USAGE, "more than %u parts", IMG_BUNDLE_FILES_MAX);
    mir_auto_close int fd = openat(folder->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd >= 0)
        folder->written.names[folder->written.count++] = mir_strdup(name);
    if (fd < 0 || mir_write_all(fd, bytes, len) || fsync(fd))
        return mir_fail_errno(err, errno, "cannot write %s", name);
    return 0;
}

/* --- its name --- */

static int exchange(const struct img_bundle_folder *folder)
{
    return renameat2(AT_FDCWD, folder->hidden, AT_FDCWD, folder->path, RENAME_EXCHANGE);
}

/* What has the hidden name now is what was replaced. If it became something else since it was
 * looked at, it goes back. */
static int remove_old(struct img_bundle_folder *folder, struct mir_error *err)
{
    struct img_bundle_names old = {.count = 0};
    mir_auto_close int fd = open_old(folder->hidden);
    int rc = fd < 0 ? mir_fail(err, MIR_CONFLICT, "%s is no folder any more", folder->path)
                    : list_bundle(folder->path, fd, &old, err);
    if (rc && !exchange(folder)) {
        clear_names(&old);
        return -1;
    }
    if (rc)
        mir_fail_errno(err, errno, "%s is the new bundle; what it was is %s", folder->path,
                       folder->hidden);
    for (unsigned i = 0; !rc && i < old.count; i++)
        unlinkat(fd, old.names[i], 0);
    clear_names(&old);
    if (!rc && rmdir(folder->hidden)) {
        mir_fail_errno(err, errno, "%s is the new bundle; the old one is left as %s", folder->path,
                       folder->hidden);
        rc = mir_error_hint(err, "remove it by hand");
    }
    free(folder->hidden);
    folder->hidden = NULL;
    return rc;
}

/* rename() replaces an empty folder and no other: what is left to file systems that know neither
 * of renameat2's flags. */
static int place_new(struct img_bundle_folder *folder, struct mir_error *err)
{
    const char *from = folder->hidden, *to = folder->path;
    int rc = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    if (rc && errno == EINVAL)
        rc = rename(from, to);
    if (rc && (errno == EEXIST || errno == ENOTEMPTY))
        return is_there(to, err);
    if (rc)
        return mir_fail_errno(err, errno, "cannot make the folder %s", to);
    free(folder->hidden);
    folder->hidden = NULL;
    return 0;
}

/* The name outlives a loss of power as well as the bytes do. */
static void sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    mir_auto_free char *parent =
        slash ? mir_format("%.*s", (int)(slash + 1 - path), path) : mir_strdup(".");
    mir_auto_close int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        fsync(fd); /* some file systems cannot, and the folder is whole all the same */
}

int img_bundle_folder_keep(struct img_bundle_folder *folder, struct mir_error *err)
{
    if (fsync(folder->fd))
        return mir_fail_errno(err, errno, "cannot write %s", folder->path);
    bool swapped = folder->replace && !exchange(folder);
    if (folder->replace && !swapped && errno != ENOENT) {
        if (errno != EINVAL)
            return mir_fail_errno(err, errno, "cannot replace %s", folder->path);
        mir_fail(err, MIR_UNAVAILABLE, "the file system cannot replace %s in one step",
                 folder->path);
        return mir_error_hint(err, "give another name, or remove the old one first");
    }
    if (!swapped && place_new(folder, err))
        return -1;
    sync_parent(folder->path);
    return swapped ? remove_old(folder, err) : 0;
}

void img_bundle_folder_clear(struct img_bundle_folder *folder)
{
    for (unsigned i = 0; folder->hidden && i < folder->written.count; i++)
        unlinkat(folder->fd, folder->written.names[i], 0);
    clear_names(&folder->written);
    if (folder->fd >= 0)
        close(folder->fd);
    if (folder->hidden)
        rmdir(folder->hidden);
    free(folder->hidden);
    folder->hidden = NULL;
    folder->fd = -1;
}
