/* SPDX-License-Identifier: ISC */
#include "ec2/ebs.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base64.h"
#include "api/id.h"
#include "api/json.h"
#include "api/memory.h"
#include "operations.h"

#define DIGEST_TEXT 48 /* base 64 of a SHA-256 */
#define PAGE 1000
#define PAGES_MAX 100000
#define TOKEN_MAX 4096

static const struct mir_field tag_fields[] = {
    MIR_ROW(struct ec2_pair, name, "Key", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_pair, value, "Value", MIR_PUT_TEXT),
};
static const struct mir_table tag_table = MIR_TABLE(struct ec2_pair, tag_fields);

static const struct mir_field start_fields[] = {
    MIR_ROW(struct ec2_ebs_start, volume_gib, "VolumeSize", MIR_PUT_NUMBER),
    MIR_ROW(struct ec2_ebs_start, description, "Description", MIR_PUT_TEXT),
    MIR_MANY(struct ec2_ebs_start, tags, tag_count, "Tags", MIR_PUT_LIST, &tag_table),
    MIR_ROW(struct ec2_ebs_start, token, "ClientToken", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_ebs_start, parent_id, "ParentSnapshotId", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_ebs_start, encrypted, "Encrypted", MIR_PUT_TRUE),
    MIR_ROW(struct ec2_ebs_start, key_arn, "KmsKeyArn", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_ebs_start, timeout_min, "Timeout", MIR_PUT_NUMBER),
};
static const struct mir_table start_table = MIR_TABLE(struct ec2_ebs_start, start_fields);

static const struct mir_field snapshot_fields[] = {
    MIR_MUST(struct ec2_ebs_snapshot, id, "SnapshotId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_ebs_snapshot, status, "Status", MIR_GET_TEXT),
    MIR_ROW(struct ec2_ebs_snapshot, volume_gib, "VolumeSize", MIR_GET_NUMBER),
    MIR_MUST(struct ec2_ebs_snapshot, block_size, "BlockSize", MIR_GET_NUMBER),
};
static const struct mir_table snapshot_table = MIR_TABLE(struct ec2_ebs_snapshot, snapshot_fields);

static const struct mir_field block_fields[] = {
    MIR_MUST(struct ec2_ebs_block, index, "BlockIndex", MIR_GET_NUMBER),
    MIR_MUST(struct ec2_ebs_block, token, "BlockToken", MIR_GET_OWNED),
};
static const struct mir_table block_table = MIR_TABLE(struct ec2_ebs_block, block_fields);

static const struct mir_field blocks_fields[] = {
    MIR_MANY(struct ec2_ebs_blocks, rows, count, "Blocks", MIR_GET_LIST, &block_table),
    MIR_ROW(struct ec2_ebs_blocks, volume_gib, "VolumeSize", MIR_GET_NUMBER),
    MIR_MUST(struct ec2_ebs_blocks, block_size, "BlockSize", MIR_GET_NUMBER),
};
static const struct mir_table blocks_table = MIR_TABLE(struct ec2_ebs_blocks, blocks_fields);

static const struct mir_field changed_fields[] = {
    MIR_MUST(struct ec2_ebs_block, index, "BlockIndex", MIR_GET_NUMBER),
    MIR_ROW(struct ec2_ebs_block, token, "SecondBlockToken", MIR_GET_OWNED),
    MIR_ROW(struct ec2_ebs_block, first_token, "FirstBlockToken", MIR_GET_OWNED),
};
static const struct mir_table changed_table = MIR_TABLE(struct ec2_ebs_block, changed_fields);

static const struct mir_field changes_fields[] = {
    MIR_MANY(struct ec2_ebs_blocks, rows, count, "ChangedBlocks", MIR_GET_LIST, &changed_table),
    MIR_ROW(struct ec2_ebs_blocks, volume_gib, "VolumeSize", MIR_GET_NUMBER),
    MIR_MUST(struct ec2_ebs_blocks, block_size, "BlockSize", MIR_GET_NUMBER),
};
static const struct mir_table changes_table = MIR_TABLE(struct ec2_ebs_blocks, changes_fields);

enum { START, LIST, CHANGED };

const struct ec2_operation ec2_ebs_operations[] = {
    [START] = {.name = "StartSnapshot",
               .service = EC2_EBS,
               .protocol = EC2_REST_JSON,
               .method = "POST",
               .request = &start_table,
               .reply = &snapshot_table},
    [LIST] = {.name = "ListSnapshotBlocks",
              .service = EC2_EBS,
              .protocol = EC2_REST_JSON,
              .method = "GET",
              .reply = &blocks_table,
              .reads = true},
    [CHANGED] = {.name = "ListChangedBlocks",
                 .service = EC2_EBS,
                 .protocol = EC2_REST_JSON,
                 .method = "GET",
                 .reply = &changes_table,
                 .reads = true},
    {0},
};

/* --- writing --- */

static int check_block_size(int64_t size, struct mir_error *err)
{
    if (size == (int64_t)EC2_EBS_BLOCK)
        return 0;
    return mir_fail(err, MIR_CORRUPT, "the snapshot's blocks are of %" PRId64 " bytes, not %zu",
                    size, EC2_EBS_BLOCK);
}

int ec2_ebs_start_snapshot(struct ec2_session *session, const struct ec2_ebs_start *args,
                           int64_t until_ms, struct ec2_ebs_snapshot *ret, struct mir_error *err)
{
    struct ec2_ebs_snapshot made = {0};
    if (!args->token || !*args->token)
        return mir_fail(err, MIR_USAGE, "a snapshot is not started without a token");
    if (ec2_operate_at(session, &ec2_ebs_operations[START], "/snapshots", args, until_ms, &made,
                       err))
        return -1;
    *ret = made;
    if (check_block_size(made.block_size, err)) {
        if (err)
            err->outcome = MIR_HAPPENED;
        return -1;
    }
    return 0;
}

static char *snapshot_path(const char *prefix, const char *id, const char *rest)
{
    struct mir_buf path;
    mir_buf_init(&path, 1024);
    mir_buf_adds(&path, prefix);
    mir_url_encode(&path, id, strlen(id), false);
    mir_buf_adds(&path, rest);
    return mir_buf_take(&path);
}

static char *block_path(const char *id, uint64_t index)
{
    char rest[40];
    snprintf(rest, sizeof rest, "/blocks/%" PRIu64, index);
    return snapshot_path("/snapshots/", id, rest);
}

static void digest_text(const unsigned char digest[EC2_EBS_DIGEST], char out[DIGEST_TEXT])
{
    mir_auto_free char *text = mir_base64(digest, EC2_EBS_DIGEST);
    mir_copy(out, DIGEST_TEXT, text);
}

/* What arrived is what was sent, as far as the service says. */
static int accept_put(void *ctx, const struct mir_http_response *response, struct mir_error *err)
{
    const char *want = ctx;
    char seen[DIGEST_TEXT] = "";
    if (mir_http_response_header(response, "x-amz-Checksum", seen, sizeof seen) ||
        !strcmp(seen, want))
        return 0;
    return mir_fail(err, MIR_CORRUPT, "the block arrived with another checksum");
}

int ec2_ebs_put_block(struct ec2_session *session, const struct ec2_ebs_put *args, int64_t until_ms,
                      struct mir_error *err)
{
    char checksum[DIGEST_TEXT], hex[EC2_HEX_TEXT];
    mir_auto_free char *path = block_path(args->snapshot_id, args->index);
    digest_text(args->digest, checksum);
    mir_hex(args->digest, EC2_EBS_DIGEST, hex);
    const struct mir_http_header headers[] = {{"Content-Type", "application/octet-stream"},
                                              {"x-amz-Checksum", checksum},
                                              {"x-amz-Checksum-Algorithm", "SHA256"},
                                              {"x-amz-Data-Length", "524288"}};
    struct ec2_call call = {.service = EC2_EBS,
                            .operation = "PutSnapshotBlock",
                            .method = "PUT",
                            .path = path,
                            .headers = headers,
                            .header_count = MIR_NELEMS(headers),
                            .body = args->data,
                            .body_len = EC2_EBS_BLOCK,
                            .payload = hex,
                            .payload_header = true,
                            .attempts_max = args->once ? 1 : 0,
                            .accept = accept_put,
                            .accept_ctx = checksum};
    return ec2_call(session, &call, until_ms, NULL, err);
}

/* The status of the answer, "pending" when it says none. */
static int accept_complete(void *ctx, const struct mir_http_response *response,
                           struct mir_error *err)
{
    char *status = ctx;
    json_t *json =
        mir_json_parse(mir_buf_text(&response->body), response->body.len, response->body.max, NULL);
    const char *text = json_string_value(json_object_get(json, "Status"));
    mir_copy(status, 16, text ? text : "pending");
    json_decref(json);
    return 0;
}

int ec2_ebs_complete_snapshot(struct ec2_session *session, const char *snapshot_id,
                              uint64_t block_count, const unsigned char digest[EC2_EBS_DIGEST],
                              int64_t until_ms, char ret_status[16], struct mir_error *err)
{
    char checksum[DIGEST_TEXT], count[24], status[16] = "";
    mir_auto_free char *path = snapshot_path("/snapshots/completion/", snapshot_id, "");
    digest_text(digest, checksum);
    snprintf(count, sizeof count, "%" PRIu64, block_count);
    const struct mir_http_header headers[] = {{"x-amz-ChangedBlocksCount", count},
                                              {"x-amz-Checksum", checksum},
                                              {"x-amz-Checksum-Algorithm", "SHA256"},
                                              {"x-amz-Checksum-Aggregation-Method", "LINEAR"}};
    struct ec2_call call = {.service = EC2_EBS,
                            .operation = "CompleteSnapshot",
                            .path = path,
                            .headers = headers,
                            .header_count = MIR_NELEMS(headers),
                            .accept = accept_complete,
                            .accept_ctx = status};
    if (ec2_call(session, &call, until_ms, NULL, err))
        return -1;
    if (ret_status)
        mir_copy(ret_status, 16, status);
    return 0;
}

/* --- listing --- */

void ec2_ebs_blocks_clear(struct ec2_ebs_blocks *blocks)
{
    mir_record_clear(&changes_table, blocks);
}

/* One page: which table reads it, and where it goes. */
struct listing {
    const struct ec2_operation *operation;
    struct ec2_ebs_blocks *all;
    char token[TOKEN_MAX]; /* of the next page; "" none */
};

static int append_rows(struct ec2_ebs_blocks *all, struct ec2_ebs_blocks *page,
                       struct mir_error *err)
{
    int64_t last = all->count ? all->rows[all->count - 1].index : -1;
    for (size_t i = 0; i < page->count; i++) {
        if (page->rows[i].index <= last)
            return mir_fail(err, MIR_CORRUPT, "the blocks are not listed in their order");
        last = page->rows[i].index;
    }
    if (check_block_size(page->block_size, err))
        return -1;
    all->volume_gib = page->volume_gib;
    all->block_size = page->block_size;
    if (page->count == 0)
        return 0;
    all->rows = mir_realloc(all->rows, all->count + page->count, sizeof *all->rows);
    memcpy(all->rows + all->count, page->rows, page->count * sizeof *page->rows);
    all->count += page->count;
    free(page->rows);
    *page = (struct ec2_ebs_blocks){0};
    return 0;
}

static int accept_page(void *ctx, const struct mir_http_response *response, struct mir_error *err)
{
    struct listing *list = ctx;
    struct ec2_ebs_blocks page = {0};
    struct mir_error hidden = {0};
    json_t *json = mir_json_parse(mir_buf_text(&response->body), response->body.len,
                                  response->body.max, &hidden);
    int rc = json_is_object(json) ? mir_json_read(list->operation->reply, json, &page, err)
                                  : mir_fail(err, MIR_CORRUPT, "the answer is no JSON object");
    const char *next = json_string_value(json_object_get(json, "NextToken"));
    if (!rc && next && !strcmp(next, list->token))
        rc = mir_fail(err, MIR_CORRUPT, "the list of blocks has no end");
    if (!rc)
        rc = append_rows(list->all, &page, err);
    if (!rc && mir_copy(list->token, sizeof list->token, next ? next : ""))
        rc = mir_fail(err, MIR_CORRUPT, "the token of the next page is too long");
    json_decref(json);
    mir_record_clear(list->operation->reply, &page);
    return rc;
}

static int list_page(struct ec2_session *session, struct listing *list, const char *path,
                     const char *first_id, int64_t until_ms, struct mir_error *err)
{
    char size[16], token[TOKEN_MAX];
    struct ec2_pair query[3];
    size_t count = 0;
    snprintf(size, sizeof size, "%d", PAGE);
    mir_copy(token, sizeof token, list->token);
    query[count++] = (struct ec2_pair){"maxResults", size};
    if (first_id)
        query[count++] = (struct ec2_pair){"firstSnapshotId", first_id};
    if (*token)
        query[count++] = (struct ec2_pair){"pageToken", token};
    struct ec2_call call = {.service = EC2_EBS,
                            .operation = list->operation->name,
                            .method = "GET",
                            .path = path,
                            .query = query,
                            .query_count = count,
                            .reads = true,
                            .accept = accept_page,
                            .accept_ctx = list};
    return ec2_call(session, &call, until_ms, NULL, err);
}

int ec2_ebs_list_blocks(struct ec2_session *session, const char *snapshot_id, const char *first_id,
                        int64_t until_ms, struct ec2_ebs_blocks *ret, struct mir_error *err)
{
    mir_auto_free char *path =
        snapshot_path("/snapshots/", snapshot_id, first_id ? "/changedblocks" : "/blocks");
    struct ec2_ebs_blocks all = {0};
    struct listing *list = mir_calloc(1, sizeof *list);
    list->operation = &ec2_ebs_operations[first_id ? CHANGED : LIST];
    list->all = &all;
    int rc = list_page(session, list, path, first_id, until_ms, err);
    for (int pages = 1; !rc && *list->token; pages++)
        rc = pages < PAGES_MAX ? list_page(session, list, path, first_id, until_ms, err)
                               : mir_fail(err, MIR_CORRUPT, "the list of blocks has no end");
    free(list);
    if (rc) {
        ec2_ebs_blocks_clear(&all);
        return -1;
    }
    ec2_ebs_blocks_clear(ret);
    *ret = all;
    return 0;
}

/* --- reading --- */

static int accept_block(void *ctx, const struct mir_http_response *response, struct mir_error *err)
{
    unsigned char digest[EC2_EBS_DIGEST];
    char want[DIGEST_TEXT] = "", seen[DIGEST_TEXT];
    if (response->body.len != EC2_EBS_BLOCK)
        return mir_fail(err, MIR_CORRUPT, "a block of %zu bytes", response->body.len);
    SHA256((const unsigned char *)response->body.data, response->body.len, digest);
    digest_text(digest, seen);
    if (mir_http_response_header(response, "x-amz-Checksum", want, sizeof want) ||
        strcmp(want, seen) != 0)
        return mir_fail(err, MIR_CORRUPT, "the block does not have its checksum");
    memcpy(ctx, response->body.data, EC2_EBS_BLOCK);
    return 0;
}

int ec2_ebs_get_block(struct ec2_session *session, const char *snapshot_id, uint64_t index,
                      const char *token, int64_t until_ms, void *data, struct mir_error *err)
{
    mir_auto_free char *path = block_path(snapshot_id, index);
    struct ec2_pair query[] = {{"blockToken", token}};
    struct ec2_call call = {.service = EC2_EBS,
                            .operation = "GetSnapshotBlock",
                            .method = "GET",
                            .path = path,
                            .query = query,
                            .query_count = 1,
                            .reads = true,
                            .reply_max = EC2_EBS_BLOCK,
                            .accept = accept_block,
                            .accept_ctx = data};
    return ec2_call(session, &call, until_ms, NULL, err);
}
