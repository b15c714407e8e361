/* SPDX-License-Identifier: ISC */
/*
 * What a base says it is made of: shape, edition of the maker, every package with its SHA-256 and
 * the source it is built from, every file with its SHA-256 and its package, and where a package's
 * Linux was changed, how. Equal parts give equal text.
 */
#ifndef IMAGES_CARRIER_MANIFEST_H
#define IMAGES_CARRIER_MANIFEST_H

#include <stdint.h>

#include "parts.h"
#include "vmlinuz.h"

/* A file of the base folder. */
struct img_base_file {
    const char *name; /* borrowed */
    uint64_t bytes;
    char sha256[MIR_SHA256_TEXT];
    const struct img_package *package; /* borrowed; NULL: made of several */
    struct img_repacked repacked;      /* `bytes` 0: unpacked, it is the package's own */
};

#define IMG_BASE_FILES_MAX 8

void img_sha256(const void *data, size_t len, char ret[MIR_SHA256_TEXT]);

/* The name of a base: SHA-256 over all that it is made of and by. */
void img_manifest_digest(const struct img_parts *parts, char ret[MIR_SHA256_TEXT]);

/* Owned text, ending in a line feed. */
char *img_manifest_text(const struct img_parts *parts, const struct img_base_file *files,
                        size_t count);

/* Whether a folder has all that its manifest names, by size, and is of that digest; then the bytes
 * of all files and the number of packages. No error says why not. */
bool img_manifest_whole(const char *folder, const char *digest, uint64_t *ret_bytes,
                        size_t *ret_packages);

#endif
