/* SPDX-License-Identifier: ISC */
/*
 * The block devices that a kernel is given: names and contents, the latter by their digests. Pure;
 * any thread. What a name may be: images/block.h.
 */
#ifndef API_BLOCK_H
#define API_BLOCK_H

#include <jansson.h>
#include <stdint.h>

#include "api/error.h"
#include "api/id.h"
#include "api/kernel.h"

#define MIR_BLOCKS_MAX 16
#define MIR_BLOCK_NAME 68

struct mir_block {
    char name[MIR_BLOCK_NAME];
    char sha256[MIR_SHA256_TEXT];
    uint64_t bytes;
};

/* A plain value: copied with `=`. */
struct mir_blocks {
    unsigned count;
    struct mir_block list[MIR_BLOCKS_MAX];
};

uint64_t mir_blocks_bytes(const struct mir_blocks *blocks); /* of all of them */

/* [{"name", "sha256", "bytes"}], new reference. */
json_t *mir_blocks_to_json(const struct mir_blocks *blocks);

/* The same back; NULL and null: none. `bytes` may be missing. MIR_USAGE for what is not such a
 * list, has too many, or a digest that is none. */
int mir_blocks_from_json(json_t *json, struct mir_blocks *ret, struct mir_error *err);

#endif
