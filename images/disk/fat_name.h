/* SPDX-License-Identifier: ISC */
/* Names in FAT folders: the 8.3 alias that every entry has, and the long name in front of it where
 * the alias is not the name itself. */
#ifndef IMAGES_DISK_FAT_NAME_H
#define IMAGES_DISK_FAT_NAME_H

#include "tree.h"

#define IMG_FAT_ALIAS 11
#define IMG_FAT_ENTRY ((size_t)32)

struct img_fat_name {
    unsigned char alias[IMG_FAT_ALIAS]; /* padded with spaces */
    unsigned long_entries;              /* 0: the alias is the name */
};

/* A name for each node (ret has tree->count of them; the root's remains empty), different within a
 * folder. MIR_USAGE for one that FAT cannot have. */
int img_fat_names(const struct img_tree *tree, struct img_fat_name *ret, struct mir_error *err);

/* The long entries of a node, at p; returns the place behind them, where its alias goes. */
unsigned char *img_fat_put_long(unsigned char *p, const struct img_node *node,
                                const struct img_fat_name *name);

/* A volume label from text (NULL: none, which has a text of its own). MIR_USAGE. */
int img_fat_label(const char *text, unsigned char ret[IMG_FAT_ALIAS], struct mir_error *err);

#endif
