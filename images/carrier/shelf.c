/* SPDX-License-Identifier: ISC */
#include "shelf.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "api/memory.h"
#include "deb.h"

static int check(const struct img_packages *all, const struct img_package *package,
                 struct mir_error *err)
{
    const struct img_package *other = img_packages_find(all, package->name);
    if (strcmp(package->arch, "amd64") != 0 && strcmp(package->arch, "all") != 0) {
        mir_fail(err, MIR_USAGE, "%s is for %s", package->file, package->arch);
        return mir_error_hint(err, "a carrier is for amd64; take it away");
    }
    if (!other)
        return 0;
    mir_fail(err, MIR_USAGE, "%s and %s are two versions of one package", other->file,
             package->file);
    return mir_error_hint(err, "take the older one away");
}

static int add(struct img_packages *all, const char *folder, const char *name,
               struct mir_error *err)
{
    struct img_package package;
    mir_auto_free char *path = mir_format("%s/%s", folder, name);
    if (img_deb_describe(path, &package, err))
        return -1;
    if (check(all, &package, err)) {
        img_package_clear(&package);
        return -1;
    }
    return img_packages_add(all, &package, err);
}

int img_shelf_read(const char *folder, struct img_packages *ret, struct mir_error *err)
{
    mir_auto_packages struct img_packages all = {0};
    DIR *dir = opendir(folder);
    if (!dir)
        return mir_fail_errno(err, errno, "cannot list %s", folder);
    int rc = 0;
    for (struct dirent *e; !rc && (e = readdir(dir));) {
        size_t len = strlen(e->d_name);
        if (len > 4 && *e->d_name != '.' && !strcmp(e->d_name + len - 4, ".deb"))
            rc = add(&all, folder, e->d_name, err);
    }
    closedir(dir);
    if (rc)
        return -1;
    if (!all.count) {
        mir_fail(err, MIR_NOT_FOUND, "%s has no .deb files", folder);
        return mir_error_hint(err, "put packages of Debian for amd64 there");
    }
    *ret = all;
    all = (struct img_packages){0};
    return 0;
}

static int show(void *ctx, const char *const *names, size_t count, struct img_packages *ret,
                struct mir_error *err)
{
    const struct img_packages *all = ctx;
    for (size_t i = 0; i < count; i++) {
        const struct img_package *package = img_packages_find(all, names[i]);
        if (package && img_packages_copy(ret, package, err))
            return -1;
    }
    return 0;
}

struct img_catalogue img_shelf_catalogue(struct img_packages *all)
{
    return (struct img_catalogue){.show = show, .ctx = all, .all = all};
}
