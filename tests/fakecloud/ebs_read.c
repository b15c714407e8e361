/* SPDX-License-Identifier: ISC */
/* EBS direct: the blocks of a completed snapshot, listed with tokens and read by them. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "ebs.h"
#include "snapshot_data.h"

#define TOKEN_TEXT 48
#define TOKEN_LIFE_S (7 * 86400)
#define PAGE_MIN 100
#define PAGE_MAX 10000

/* Only who has listed a block can name its token. */
static void block_token(struct fc_call *call, const char *id, int64_t index, const char *what,
                        char out[TOKEN_TEXT])
{
    unsigned char digest[32];
    mir_auto_free char *text =
        mir_format("%s %s %s %" PRId64, call->world->account.signing_key, what, id, index);
    if (!EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL))
        abort();
    EVP_EncodeBlock((unsigned char *)out, digest, 30);
}

static int find_complete(struct fc_call *call, const char *id, struct fc_object **ret,
                         struct fc_refusal *refusal)
{
    if (fc_ebs_find(call, id, ret, refusal))
        return -1;
    return strcmp(fc_text_at((*ret)->doc, "status"), "completed")
               ? fc_invalid(refusal, "The snapshot '%s' is not in the 'completed' state.", id)
               : 0;
}

int fc_ebs_get_snapshot_block(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *snapshot;
    int64_t index;
    char expected[TOKEN_TEXT], checksum[48];
    unsigned char sum[32];
    const char *token = fc_request_query(call->request, "blockToken");
    if (find_complete(call, call->segments[0], &snapshot, refusal) ||
        fc_ebs_index(snapshot, call->segments[1], &index, refusal))
        return -1;
    block_token(call, snapshot->id, index, "block", expected);
    if (!token || strcmp(token, expected) != 0)
        return fc_invalid(refusal, "The block token is not valid for this block.");
    unsigned char *block = mir_calloc(1, FC_BLOCK_BYTES);
    if (!fc_snapshot_data_sum(call->world, snapshot->id, index, sum) ||
        fc_snapshot_data_get(call->world, snapshot->id, index, block)) {
        free(block);
        return fc_refuse(refusal, 404, "ResourceNotFoundException", "There is no such block.");
    }
    EVP_EncodeBlock((unsigned char *)checksum, sum, sizeof sum);
    call->reply->status = 200;
    mir_copy(call->reply->type, sizeof call->reply->type, "application/octet-stream");
    fc_reply_header(call->reply, "x-amz-Data-Length", "%d", FC_BLOCK_BYTES);
    fc_reply_header(call->reply, "x-amz-Checksum", "%s", checksum);
    fc_reply_header(call->reply, "x-amz-Checksum-Algorithm", "SHA256");
    mir_buf_add(&call->reply->body, block, FC_BLOCK_BYTES);
    free(block);
    return 0;
}

/* --- lists --- */

struct page {
    int64_t max, from;
};

static int read_number(struct fc_call *call, const char *name, int64_t least, int64_t most,
                       int64_t *ret, struct fc_refusal *refusal)
{
    const char *text = fc_request_query(call->request, name);
    char *end = NULL;
    if (!text)
        return 0;
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end || value < least || value > most)
        return fc_invalid(refusal, "%s has to be within %" PRId64 " and %" PRId64, name, least,
                          most);
    *ret = value;
    return 0;
}

/* The token of a page holds the index that it begins at, and a proof that it was given out. */
static int read_page(struct fc_call *call, const char *id, struct page *page,
                     struct fc_refusal *refusal)
{
    const char *token = fc_request_query(call->request, "pageToken");
    char expected[TOKEN_TEXT], *end = NULL;
    page->max = PAGE_MAX;
    if (read_number(call, "maxResults", PAGE_MIN, PAGE_MAX, &page->max, refusal) ||
        read_number(call, "startingBlockIndex", 0, INT64_MAX / FC_BLOCK_BYTES, &page->from,
                    refusal))
        return -1;
    if (!token)
        return 0;
    page->from = strtoll(token, &end, 10);
    block_token(call, id, page->from, "page", expected);
    if (*end != '.' || strcmp(end + 1, expected) != 0)
        return fc_invalid(refusal, "The page token is not valid.");
    return 0;
}

static json_t *list_reply(struct fc_call *call, const struct fc_object *snapshot, const char *name,
                          json_t *blocks, int64_t next)
{
    char token[TOKEN_TEXT];
    json_t *reply = json_pack("{s:o,s:f,s:O,s:i}", name, blocks, "ExpiryTime",
                              (double)(call->now_ms / 1000 + TOKEN_LIFE_S), "VolumeSize",
                              fc_at(snapshot->doc, "volumeSize"), "BlockSize", FC_BLOCK_BYTES);
    if (next >= 0) {
        block_token(call, snapshot->id, next, "page", token);
        json_object_set_new(reply, "NextToken", json_sprintf("%" PRId64 ".%s", next, token));
    }
    return reply;
}

static void add_token(struct fc_call *call, json_t *row, const char *name, const char *id,
                      int64_t index)
{
    char token[TOKEN_TEXT];
    block_token(call, id, index, "block", token);
    json_object_set_new(row, name, json_string(token));
}

int fc_ebs_list_snapshot_blocks(struct fc_call *call, json_t **ret_reply,
                                struct fc_refusal *refusal)
{
    struct fc_object *snapshot;
    struct page page = {0};
    if (find_complete(call, call->segments[0], &snapshot, refusal) ||
        read_page(call, snapshot->id, &page, refusal))
        return -1;
    json_t *blocks = json_array();
    int64_t index = fc_snapshot_data_next(call->world, snapshot->id, page.from);
    while (index >= 0 && json_array_size(blocks) < (size_t)page.max) {
        json_t *row = json_pack("{s:I}", "BlockIndex", (json_int_t)index);
        add_token(call, row, "BlockToken", snapshot->id, index);
        json_array_append_new(blocks, row);
        index = fc_snapshot_data_next(call->world, snapshot->id, index + 1);
    }
    *ret_reply = list_reply(call, snapshot, "Blocks", blocks, index);
    return 0;
}

/* The next block that either has, from this index on; -1: none. */
static int64_t next_of_both(struct fc_world *world, const char *a, const char *b, int64_t from)
{
    int64_t one = fc_snapshot_data_next(world, a, from),
            two = fc_snapshot_data_next(world, b, from);
    return one < 0 || (two >= 0 && two < one) ? two : one;
}

int fc_ebs_list_changed_blocks(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *first = NULL, *second;
    struct page page = {0};
    const char *first_id = fc_request_query(call->request, "firstSnapshotId");
    if (find_complete(call, call->segments[0], &second, refusal) ||
        (first_id && find_complete(call, first_id, &first, refusal)) ||
        read_page(call, second->id, &page, refusal))
        return -1;
    const char *a = first ? first->id : second->id;
    struct fc_world *world = call->world;
    json_t *blocks = json_array();
    int64_t index = next_of_both(world, a, second->id, page.from);
    while (index >= 0 && json_array_size(blocks) < (size_t)page.max) {
        unsigned char one[32], two[32];
        bool in_first = first && fc_snapshot_data_sum(world, a, index, one);
        bool in_second = fc_snapshot_data_sum(world, second->id, index, two);
        if (in_first != in_second || memcmp(one, two, sizeof one) != 0) {
            json_t *row = json_pack("{s:I}", "BlockIndex", (json_int_t)index);
            if (in_first)
                add_token(call, row, "FirstBlockToken", a, index);
            if (in_second)
                add_token(call, row, "SecondBlockToken", second->id, index);
            json_array_append_new(blocks, row);
        }
        index = next_of_both(world, a, second->id, index + 1);
    }
    *ret_reply = list_reply(call, second, "ChangedBlocks", blocks, index);
    return 0;
}
