/* SPDX-License-Identifier: ISC */
/*
 * Files, folders and links in memory, sorted by path: what was kept of packages, and what a first
 * root is made of. Bytes are borrowed or owned, as each entry says. Owned by one thread.
 */
#ifndef IMAGES_CARRIER_ENTRIES_H
#define IMAGES_CARRIER_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/cleanup.h"
#include "api/error.h"

#define IMG_ENTRY_BYTES_MAX ((size_t)64 << 20) /* of one file that is kept */

enum img_entry_kind { IMG_ENTRY_FILE, IMG_ENTRY_FOLDER, IMG_ENTRY_LINK, IMG_ENTRY_CONSOLE };

struct img_package;

struct img_entry {
    char *path; /* owned; relative */
    enum img_entry_kind kind;
    unsigned mode;
    const unsigned char *bytes; /* of a file */
    size_t len;
    char *target;                      /* owned; of a link */
    unsigned char *owned;              /* NULL: `bytes` is borrowed */
    const struct img_package *package; /* borrowed; NULL: ours */
    bool for_disks;                    /* of no use to a guest that has none */
};

struct img_entries {
    struct img_entry *list; /* owned, sorted by path */
    size_t count, room;
};

void img_entries_clear(struct img_entries *entries);
#define mir_auto_entries MIR_CLEANUP(img_entries_clear)

/* NULL when there is none. Borrowed until the next entry is added. */
const struct img_entry *img_entries_find(const struct img_entries *entries, const char *path);

/* Takes what `entry` owns (also when it fails); path and target are copied. The folders above it
 * come into being, 0755, where they are not there. An entry that is there already is replaced. */
void img_entries_add(struct img_entries *entries, const struct img_entry *entry);

/* The regular file that a path leads to, over links; NULL when to none. A target that begins with
 * "/" is looked for from the top. */
const struct img_entry *img_entries_follow(const struct img_entries *entries, const char *path);

/* The same of the first entry whose path ends in "/NAME" and that leads to a file. */
const struct img_entry *img_entries_named(const struct img_entries *entries, const char *name);

#endif
