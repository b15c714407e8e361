/* SPDX-License-Identifier: ISC */
#include "entries.h"

#include <stdlib.h>
#include <string.h>

#include "api/memory.h"

#define LINKS_MAX 16

static void clear_entry(struct img_entry *entry)
{
    free(entry->path);
    free(entry->target);
    free(entry->owned);
}

void img_entries_clear(struct img_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        clear_entry(&entries->list[i]);
    free(entries->list);
    *entries = (struct img_entries){0};
}

/* Where the path is, or has to come. */
static size_t place_of(const struct img_entries *entries, const char *path, bool *ret_there)
{
    size_t low = 0, high = entries->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(entries->list[middle].path, path);
        if (!order) {
            *ret_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_there = false;
    return low;
}

const struct img_entry *img_entries_find(const struct img_entries *entries, const char *path)
{
    bool there;
    size_t at = place_of(entries, path, &there);
    return there ? &entries->list[at] : NULL;
}

static void put(struct img_entries *entries, const struct img_entry *entry)
{
    struct img_entry copy = *entry;
    bool there;
    size_t at = place_of(entries, entry->path, &there);
    copy.path = mir_strdup(entry->path);
    copy.target = mir_strdup(entry->target);
    if (there) {
        clear_entry(&entries->list[at]);
        entries->list[at] = copy;
        return;
    }
    if (entries->count == entries->room) {
        entries->room = entries->room ? 2 * entries->room : 64;
        entries->list = mir_realloc(entries->list, entries->room, sizeof *entries->list);
    }
    memmove(entries->list + at + 1, entries->list + at,
            (entries->count - at) * sizeof *entries->list);
    entries->list[at] = copy;
    entries->count++;
}

void img_entries_add(struct img_entries *entries, const struct img_entry *entry)
{
    mir_auto_free char *path = mir_strdup(entry->path);
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!img_entries_find(entries, path))
            put(entries, &(struct img_entry){.path = path, .kind = IMG_ENTRY_FOLDER, .mode = 0755});
        *slash = '/';
    }
    put(entries, entry);
}

/* "a/b" and "../c" make "c"; owned. */
static char *joined(const char *from, const char *target)
{
    const char *slash = strrchr(from, '/');
    char *path = *target == '/' || !slash
                     ? mir_strdup(target)
                     : mir_format("%.*s/%s", (int)(slash - from), from, target);
    char *out = path;
    for (const char *p = path; *p;) {
        size_t len = strcspn(p, "/");
        bool up = len == 2 && p[0] == '.' && p[1] == '.';
        if (up) {
            while (out > path && *--out != '/')
                ;
        } else if (len && !(len == 1 && *p == '.')) {
            if (out > path)
                *out++ = '/';
            memmove(out, p, len);
            out += len;
        }
        p += len + (p[len] == '/');
    }
    *out = '\0';
    return path;
}

/* /lib is a link to /usr/lib on today's systems, which no package has in it. */
static const struct img_entry *find_merged(const struct img_entries *entries, const char *path)
{
    const struct img_entry *entry = img_entries_find(entries, path);
    if (entry)
        return entry;
    mir_auto_free char *merged = mir_format("usr/%s", path);
    return img_entries_find(entries, merged);
}

const struct img_entry *img_entries_follow(const struct img_entries *entries, const char *path)
{
    mir_auto_free char *at = joined("", path);
    for (unsigned i = 0; i < LINKS_MAX; i++) {
        const struct img_entry *entry = find_merged(entries, at);
        if (!entry || entry->kind == IMG_ENTRY_FILE)
            return entry;
        if (entry->kind != IMG_ENTRY_LINK)
            return NULL;
        char *next = joined(at, entry->target);
        free(at);
        at = next;
    }
    return NULL;
}

const struct img_entry *img_entries_named(const struct img_entries *entries, const char *name)
{
    for (size_t i = 0; i < entries->count; i++) {
        const char *slash = strrchr(entries->list[i].path, '/');
        if (strcmp(slash ? slash + 1 : entries->list[i].path, name) != 0)
            continue;
        const struct img_entry *found = img_entries_follow(entries, entries->list[i].path);
        if (found)
            return found;
    }
    return NULL;
}
