/* SPDX-License-Identifier: ISC */
#include "resolve.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "api/buf.h"
#include "api/memory.h"

#define ROUNDS_MAX 16
#define MISSING_MAX ((size_t)400)

/* Names, owned, each once. */
struct names {
    char *list[IMG_PACKAGES_MAX];
    size_t count;
};

static void clear_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->list[i]);
    names->count = 0;
}
#define auto_names MIR_CLEANUP(clear_names)

static void add_name(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (!strcmp(names->list[i], name))
            return;
    if (names->count < MIR_NELEMS(names->list))
        names->list[names->count++] = mir_strdup(name);
}

static int show(const struct img_catalogue *catalogue, const struct names *names, size_t from,
                struct img_packages *ret, struct mir_error *err)
{
    const char *words[IMG_PACKAGES_MAX];
    for (size_t i = from; i < names->count; i++)
        words[i - from] = names->list[i];
    return from < names->count
               ? catalogue->show(catalogue->ctx, words, names->count - from, ret, err)
               : 0;
}

static bool counts(const struct img_root *root, enum mir_carrier carrier, bool dynamic_tender)
{
    return (root->in & IMG_IN(carrier)) && (!root->for_tender || dynamic_tender);
}

/* The name that the pattern stands for, owned: what the meta package depends on; in a folder
 * without it the last in order of version numbers. NULL: unknown. */
static char *name_of(const struct img_root *root, const struct img_packages *metas,
                     const struct img_packages *all)
{
    const struct img_package *meta = root->meta ? img_packages_find(metas, root->meta) : NULL;
    struct img_span list = {meta ? meta->depends : "", meta ? strlen(meta->depends) : 0};
    struct img_span span;
    const char *best = NULL;
    if (!root->meta)
        return mir_strdup(root->pattern);
    while (img_control_depends(&list, &span)) {
        char *name = mir_format("%.*s", (int)span.len, span.at);
        if (!fnmatch(root->pattern, name, 0))
            return name;
        free(name);
    }
    for (size_t i = 0; all && i < all->count; i++)
        if (!fnmatch(root->pattern, all->list[i].name, 0) &&
            (!best || strverscmp(best, all->list[i].name) < 0))
            best = all->list[i].name;
    return mir_strdup(best);
}

static int fail_missing(const struct mir_buf *missing, const struct img_catalogue *catalogue,
                        struct mir_error *err)
{
    mir_fail(err, MIR_NOT_FOUND, "these packages are missing:%s", mir_buf_text(missing));
    return mir_error_hint(err, catalogue->all
                                   ? "put the .deb files of Debian there, for amd64"
                                   : "they are Debian's; for another system: --packages DIR");
}

/* The roots themselves are in ret then. */
static int find_roots(const struct img_catalogue *catalogue, enum mir_carrier carrier,
                      bool dynamic_tender, struct img_packages *ret, struct mir_error *err)
{
    mir_auto_packages struct img_packages metas = {0};
    auto_names struct names names = {.count = 0};
    mir_auto_buf struct mir_buf missing;
    mir_buf_init(&missing, MISSING_MAX);
    for (size_t i = 0; i < img_roots_n; i++)
        if (counts(&img_roots[i], carrier, dynamic_tender) && img_roots[i].meta)
            add_name(&names, img_roots[i].meta);
    if (show(catalogue, &names, 0, &metas, err))
        return -1;
    clear_names(&names);
    for (size_t i = 0; i < img_roots_n; i++) {
        if (!counts(&img_roots[i], carrier, dynamic_tender))
            continue;
        mir_auto_free char *name = name_of(&img_roots[i], &metas, catalogue->all);
        if (name)
            add_name(&names, name);
        else
            mir_buf_addf(&missing, " %s", img_roots[i].pattern);
    }
    if (show(catalogue, &names, 0, ret, err))
        return -1;
    for (size_t i = 0; i < names.count; i++)
        if (!img_packages_find(ret, names.list[i]))
            mir_buf_addf(&missing, " %s", names.list[i]);
    return missing.len ? fail_missing(&missing, catalogue, err) : 0;
}

static bool has_libraries(const struct img_package *package, enum mir_carrier carrier)
{
    for (size_t i = 0; i < img_roots_n; i++)
        if ((img_roots[i].in & IMG_IN(carrier)) && img_roots[i].libraries &&
            !fnmatch(img_roots[i].pattern, package->name, 0))
            return true;
    return false;
}

static bool is_library(const struct img_package *package)
{
    const char *slash = strrchr(package->section, '/');
    return !strcmp(slash ? slash + 1 : package->section, "libs");
}

static void add_depends(struct names *names, const struct img_package *package)
{
    struct img_span list = {package->depends, strlen(package->depends)}, span;
    while (img_control_depends(&list, &span)) {
        mir_auto_free char *name = mir_format("%.*s", (int)span.len, span.at);
        add_name(names, name);
    }
}

/* One round: asks for what `names` has from `from` on, keeps what is a library, and names what that
 * depends on. */
static int follow(const struct img_catalogue *catalogue, struct names *names, size_t from,
                  struct img_packages *ret, struct mir_error *err)
{
    mir_auto_packages struct img_packages shown = {0};
    if (show(catalogue, names, from, &shown, err))
        return -1;
    for (size_t i = 0; i < shown.count; i++) {
        const struct img_package *package = &shown.list[i];
        if (!is_library(package))
            continue;
        add_depends(names, package);
        if (!img_packages_find(ret, package->name) && img_packages_copy(ret, package, err))
            return -1;
    }
    return 0;
}

int img_resolve(const struct img_catalogue *catalogue, enum mir_carrier carrier,
                bool dynamic_tender, struct img_packages *ret, struct mir_error *err)
{
    mir_auto_packages struct img_packages found = {0};
    auto_names struct names names = {.count = 0};
    if (find_roots(catalogue, carrier, dynamic_tender, &found, err))
        return -1;
    for (size_t i = 0; i < found.count; i++)
        if (has_libraries(&found.list[i], carrier))
            add_depends(&names, &found.list[i]);
    size_t asked = 0;
    for (unsigned round = 0; round < ROUNDS_MAX && asked < names.count; round++) {
        size_t from = asked;
        asked = names.count;
        if (follow(catalogue, &names, from, &found, err))
            return -1;
    }
    *ret = found;
    found = (struct img_packages){0};
    return 0;
}
