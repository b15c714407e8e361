/* SPDX-License-Identifier: ISC */
#include "api/block.h"

#include "api/json.h"
#include "api/memory.h"

uint64_t mir_blocks_bytes(const struct mir_blocks *blocks)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < blocks->count; i++)
        sum += blocks->list[i].bytes;
    return sum;
}

json_t *mir_blocks_to_json(const struct mir_blocks *blocks)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < blocks->count; i++)
        json_array_append_new(list, json_pack("{s:s,s:s,s:I}", "name", blocks->list[i].name,
                                              "sha256", blocks->list[i].sha256, "bytes",
                                              (json_int_t)blocks->list[i].bytes));
    return list;
}

static int read_block(json_t *json, struct mir_block *ret, struct mir_error *err)
{
    static const char *const allowed[] = {"name", "sha256", "bytes"};
    struct mir_block block = {.bytes = 0};
    const char *name = NULL, *sha256 = NULL;
    long long bytes = 0;
    if (mir_json_only(json, allowed, MIR_NELEMS(allowed), err) ||
        mir_json_get_text(json, "name", &name, err) ||
        mir_json_get_text(json, "sha256", &sha256, err) ||
        mir_json_get_int(json, "bytes", &bytes, err))
        return -1;
    if (!name || mir_copy(block.name, sizeof block.name, name))
        return mir_fail(err, MIR_USAGE, "a block device needs a 'name' of at most %d bytes",
                        MIR_BLOCK_NAME - 1);
    if (!sha256 || !mir_sha256_valid(sha256))
        return mir_fail(err, MIR_USAGE, "the block device '%s' needs a 'sha256' in 64 hex digits",
                        name);
    mir_copy(block.sha256, sizeof block.sha256, sha256);
    block.bytes = bytes > 0 ? (uint64_t)bytes : 0;
    *ret = block;
    return 0;
}

int mir_blocks_from_json(json_t *json, struct mir_blocks *ret, struct mir_error *err)
{
    struct mir_blocks blocks = {.count = 0};
    size_t count = json_array_size(json);
    if (json && !json_is_null(json) && !json_is_array(json))
        return mir_fail(err, MIR_USAGE, "field 'blocks' has to be a list");
    if (count > MIR_BLOCKS_MAX)
        return mir_fail(err, MIR_USAGE, "%zu block devices are given; at most %d are taken", count,
                        MIR_BLOCKS_MAX);
    for (; blocks.count < count; blocks.count++)
        if (read_block(json_array_get(json, blocks.count), &blocks.list[blocks.count], err))
            return -1;
    *ret = blocks;
    return 0;
}
