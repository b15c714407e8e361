/* SPDX-License-Identifier: ISC */
/* All that the programs of a root need to start: interpreter and libraries, and what those need. */
#include <string.h>

#include "api/buf.h"
#include "api/memory.h"
#include "needed.h"
#include "parts.h"

#define DEPTH_MAX 64
#define MISSING_MAX ((size_t)500)

struct search {
    struct img_parts *parts;
    struct mir_buf missing;
    unsigned depth;
    char loader[201]; /* the interpreter's own name: libraries that need it have it already */
};

static int follow(struct search *search, const struct img_entry *entry, struct mir_error *err);

/* The file of that name in the packages, at `path` in the root, and what it needs itself. */
static int add(struct search *search, const char *name, const char *path, const char *whose,
               struct mir_error *err)
{
    if (img_entries_find(&search->parts->root, path))
        return 0;
    const struct img_entry *entry = img_entries_named(&search->parts->kept, name);
    if (!entry) {
        if (!strstr(mir_buf_text(&search->missing), name))
            mir_buf_addf(&search->missing, "%s %s (for %s)", search->missing.len ? "," : "", name,
                         whose);
        return 0;
    }
    mir_auto_free char *copy = mir_strdup(path);
    const struct img_entry placed = {.path = copy,
                                     .mode = 0755,
                                     .bytes = entry->bytes,
                                     .len = entry->len,
                                     .package = entry->package};
    img_entries_add(&search->parts->root, &placed);
    return follow(search, &placed, err);
}

static int follow(struct search *search, const struct img_entry *entry, struct mir_error *err)
{
    mir_auto_needed struct img_needed needed = {0};
    if (img_needed_read(entry->bytes, entry->len, &needed, err))
        return mir_error_wrap(err, "%s", entry->path);
    if (++search->depth > DEPTH_MAX)
        return mir_fail(err, MIR_CORRUPT, "%s: libraries that need libraries without end",
                        entry->path);
    const char *loader = needed.interpreter ? strrchr(needed.interpreter, '/') : NULL;
    if (loader)
        mir_copy(search->loader, sizeof search->loader, loader + 1);
    int rc = loader ? add(search, loader + 1, needed.interpreter, entry->path, err) : 0;
    for (size_t i = 0; !rc && i < needed.count; i++) {
        if (!strcmp(needed.libraries[i], search->loader))
            continue;
        mir_auto_free char *path = mir_format("lib/%s", needed.libraries[i]);
        rc = add(search, needed.libraries[i], path, entry->path, err);
    }
    search->depth--;
    return rc;
}

/* The programs: whatever was put there by name. The list of them must not change under the loop. */
static int follow_programs(struct search *search, struct mir_error *err)
{
    static const char *const folders[] = {"bin/", "tender/", "init"};
    struct img_entry programs[IMG_TENDERS_MAX + 16];
    size_t count = 0;
    const struct img_entries *root = &search->parts->root;
    for (size_t i = 0; i < root->count; i++)
        for (size_t j = 0; j < MIR_NELEMS(folders); j++)
            if (root->list[i].kind == IMG_ENTRY_FILE && count < MIR_NELEMS(programs) &&
                !strncmp(root->list[i].path, folders[j], strlen(folders[j])))
                programs[count++] = root->list[i]; /* its path stays where it is */
    for (size_t i = 0; i < count; i++)
        if (follow(search, &programs[i], err))
            return -1;
    for (size_t i = 0; i < img_opened_n; i++) {
        mir_auto_free char *path = mir_format("lib/%s", img_opened[i].name);
        if ((img_opened[i].in & IMG_IN(search->parts->carrier)) &&
            add(search, img_opened[i].name, path, "what is opened by name", err))
            return -1;
    }
    return 0;
}

int img_parts_libraries(struct img_parts *parts, struct mir_error *err)
{
    struct search search = {.parts = parts};
    mir_buf_init(&search.missing, MISSING_MAX);
    int rc = follow_programs(&search, err);
    if (!rc && search.missing.len) {
        rc = mir_fail(err, MIR_NOT_FOUND, "no package has these libraries:%s",
                      mir_buf_text(&search.missing));
        mir_error_hint(err, "the packages have to be of one release, all of them");
    }
    mir_buf_clear(&search.missing);
    return rc;
}
