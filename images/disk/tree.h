/* SPDX-License-Identifier: ISC */
/*
 * The folders and files that a list of paths means: what both file systems are written from.
 * Node 0 is the root; a folder stands before what is in it, and files stand in the order given.
 *
 * Borrows the files. Owned by one thread; MIR_USAGE for what no file system can have.
 */
#ifndef IMAGES_DISK_TREE_H
#define IMAGES_DISK_TREE_H

#include "images/volume.h"

struct img_node {
    const char *name; /* in a path; not terminated; the root's is empty */
    size_t name_len;
    size_t parent;               /* the root's is the root */
    const struct img_file *file; /* NULL: a folder */
};

struct img_tree {
    struct img_node *nodes; /* owned */
    size_t count;
};

/* same: what makes two names of the same length one, like strncmp (0: they are the same). */
int img_tree_init(struct img_tree *tree, const struct img_file *files, size_t count,
                  int (*same)(const char *a, const char *b, size_t len), struct mir_error *err);
void img_tree_clear(struct img_tree *tree);
#define mir_auto_tree MIR_CLEANUP(img_tree_clear)

/* The first node from `from` on that is in the folder; tree->count: there is none. */
size_t img_tree_in(const struct img_tree *tree, size_t folder, size_t from);

/* The lengths of all files; saturates at UINT64_MAX. */
uint64_t img_tree_bytes(const struct img_tree *tree);

/* Adds the file's bytes [from, from + len) at this place of the disk. */
int img_file_put(struct img_disk *disk, uint64_t at, const struct img_file *file, uint64_t from,
                 uint64_t len, struct mir_error *err);

/* MIR_USAGE unless [at, at + len) is a part of the disk, of whole sectors, and long enough. */
int img_volume_check(const struct img_disk *disk, uint64_t at, uint64_t len, uint64_t least,
                     struct mir_error *err);

/* Says MIR_USAGE: the files do not fit into len, and what they would need. Returns -1. */
int img_volume_full(uint64_t len, uint64_t needed, struct mir_error *err);

#endif
