/* SPDX-License-Identifier: ISC */
/* EBS direct, API 2019-11-02: snapshots written block by block. Reading them is in ebs_read.c. */
#include "ebs.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/memory.h"
#include "ec2.h"
#include "ec2_image.h"
#include "snapshot_data.h"

#define GIB_MAX 65536
#define BLOCKS_PER_GIB 2048
#define PENDING_MAX 100
#define TOKEN_MAX 255
#define TAGS_MAX 50

static int64_t blocks_of(const struct fc_object *snapshot)
{
    return json_integer_value(fc_at(snapshot->doc, "volumeSize")) * BLOCKS_PER_GIB;
}

int fc_ebs_find(struct fc_call *call, const char *id, struct fc_object **ret,
                struct fc_refusal *refusal)
{
    if (!fc_kind_id_valid(fc_kind_find("snapshot"), id))
        return fc_invalid(refusal, "The snapshot ID '%.60s' is malformed.", id);
    struct fc_object *snapshot = fc_store_get(call->world->store, "snapshot", call->region, id);
    if (!snapshot || !fc_visible(snapshot, call->now_ms))
        return fc_refuse(refusal, 404, "ResourceNotFoundException",
                         "The snapshot '%.60s' does not exist.", id);
    if (strcmp(fc_text_at(snapshot->doc, "ownerId"), call->world->account.id) != 0)
        return fc_refuse(refusal, 403, "AccessDeniedException",
                         "You do not have permission to access the snapshot '%.60s'.", id);
    *ret = snapshot;
    return 0;
}

int fc_ebs_index(const struct fc_object *snapshot, const char *text, int64_t *ret,
                 struct fc_refusal *refusal)
{
    char *end;
    int64_t index = strtoll(text, &end, 10);
    if (end == text || *end || index < 0 || index >= blocks_of(snapshot))
        return fc_invalid(refusal, "The block index %.30s is not within the volume.", text);
    *ret = index;
    return 0;
}

/* --- start --- */

static const struct fc_param start_params[] = {
    {"VolumeSize", FC_INT, true},     {"ParentSnapshotId", FC_TEXT, false},
    {"Description", FC_TEXT, false},  {"ClientToken", FC_TEXT, false},
    {"Encrypted", FC_BOOL, false},    {"KmsKeyArn", FC_TEXT, false},
    {"Timeout", FC_INT, false},       {"Tags.#.Key", FC_TEXT, false},
    {"Tags.#.Value", FC_TEXT, false}, {NULL, FC_TEXT, false},
};

static int check_start(struct fc_call *call, struct fc_object **ret_parent,
                       struct fc_refusal *refusal)
{
    int64_t gib = fc_param_int(call, "VolumeSize", 0), minutes = fc_param_int(call, "Timeout", 60);
    const char *parent = fc_param_text(call, "ParentSnapshotId");
    const char *token = fc_param_text(call, "ClientToken");
    if (gib < 1 || gib > GIB_MAX)
        return fc_invalid(refusal, "VolumeSize has to be within 1 and %d", GIB_MAX);
    if (minutes < 10 || minutes > 4320)
        return fc_invalid(refusal, "Timeout has to be within 10 and 4320");
    if (token && (!*token || strlen(token) > TOKEN_MAX))
        return fc_invalid(refusal, "ClientToken has to have 1 to %d characters", TOKEN_MAX);
    if (fc_param_text(call, "KmsKeyArn") && !fc_param_bool(call, "Encrypted", false))
        return fc_invalid(refusal, "KmsKeyArn needs Encrypted");
    if (!parent)
        return 0;
    if (fc_ebs_find(call, parent, ret_parent, refusal))
        return -1;
    if (strcmp(fc_text_at((*ret_parent)->doc, "status"), "completed") != 0 ||
        json_integer_value(fc_at((*ret_parent)->doc, "volumeSize")) > gib)
        return fc_invalid(refusal, "The parent is not complete, or larger");
    return 0;
}

static int read_tags(struct fc_call *call, json_t **ret_set, struct fc_refusal *refusal)
{
    json_t *set = json_array(), *tag;
    size_t i;
    struct fc_refusal wrong;
    json_array_foreach(fc_param_list(call, "Tags"), i, tag)
    {
        const char *key = fc_text_at(tag, "Key"), *value = fc_text_at(tag, "Value");
        if (fc_ec2_check_tag(key, value, &wrong) || i == TAGS_MAX) {
            json_decref(set);
            return fc_invalid(refusal, "%s", i == TAGS_MAX ? "too many tags" : wrong.message);
        }
        json_array_append_new(set, json_pack("{s:s,s:s}", "key", key, "value", value));
    }
    *ret_set = set;
    return 0;
}

static int count_pending(struct fc_call *call, struct fc_refusal *refusal)
{
    unsigned count = 0;
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, "snapshot", call->region));)
        count += fc_at(o->doc, "_upload") != NULL;
    return count < PENDING_MAX
               ? 0
               : fc_refuse(refusal, 400, "ConcurrentLimitExceededException",
                           "You have reached the limit for concurrent API requests or pending "
                           "snapshots.");
}

static json_t *start_reply(const struct fc_object *snapshot)
{
    json_t *tags = json_array(), *tag;
    size_t i;
    json_array_foreach(fc_at(snapshot->doc, "tagSet"), i, tag)
    {
        json_array_append_new(
            tags, json_pack("{s:O,s:O}", "Key", fc_at(tag, "key"), "Value", fc_at(tag, "value")));
    }
    const char *parent = fc_text_at(snapshot->doc, "_upload.parent");
    json_t *reply =
        json_pack("{s:s,s:O,s:O,s:O,s:f,s:O,s:i,s:o}", "SnapshotId", snapshot->id, "OwnerId",
                  fc_at(snapshot->doc, "ownerId"), "Status", fc_at(snapshot->doc, "status"),
                  "Description", fc_at(snapshot->doc, "description"), "StartTime",
                  (double)snapshot->created_ms / 1000, "VolumeSize",
                  fc_at(snapshot->doc, "volumeSize"), "BlockSize", FC_BLOCK_BYTES, "Tags", tags);
    if (*parent)
        json_object_set_new(reply, "ParentSnapshotId", json_string(parent));
    return reply;
}

/* True: the call is over, with *ret_reply or a refusal. */
static bool token_used(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal,
                       int *ret_rc)
{
    const char *token = fc_param_text(call, "ClientToken");
    mir_auto_free char *id = token ? mir_format("StartSnapshot:%s", token) : NULL;
    const struct fc_object *used =
        token ? fc_store_get(call->world->store, "token", call->region, id) : NULL;
    if (!used)
        return false;
    const struct fc_object *snapshot =
        fc_store_get(call->world->store, "snapshot", call->region, fc_text_at(used->doc, "kept"));
    *ret_rc = 0;
    if (!json_equal(fc_at(used->doc, "params"), call->params) || !snapshot)
        *ret_rc = fc_refuse(refusal, 409, "ConflictException",
                            "The client token was used for another request.");
    else
        *ret_reply = start_reply(snapshot);
    return true;
}

static int start_snapshot(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *parent = NULL;
    struct mir_error err = {0};
    json_t *tags = NULL;
    int rc;
    if (token_used(call, ret_reply, refusal, &rc))
        return rc;
    if (check_start(call, &parent, refusal) || count_pending(call, refusal) ||
        read_tags(call, &tags, refusal))
        return -1;
    int64_t gib = fc_param_int(call, "VolumeSize", 0);
    const char *description = fc_param_text(call, "Description");
    struct fc_object *snapshot =
        fc_snapshot_make(call, gib, description ? description : "", "vol-ffffffff", tags, NULL);
    if (fc_snapshot_data_begin(call->world, snapshot->id, gib, &err)) {
        fc_snapshot_end(call->world, snapshot, &call->cause);
        return fc_refuse(refusal, 500, "InternalServerException", "%s", err.text);
    }
    int64_t timeout_ms = fc_param_int(call, "Timeout", 60) * 60000;
    snapshot->due_ms = call->now_ms + timeout_ms;
    json_object_set_new(snapshot->doc, "encrypted",
                        json_boolean(fc_param_bool(call, "Encrypted", false)));
    json_object_set_new(snapshot->doc, "_upload",
                        json_pack("{s:I,s:s}", "timeout_ms", (json_int_t)timeout_ms, "parent",
                                  parent ? parent->id : ""));
    fc_ec2_token_keep(call, "ClientToken", json_string(snapshot->id));
    *ret_reply = start_reply(snapshot);
    return 0;
}

/* --- put --- */

static int check_headers(struct fc_call *call, struct fc_refusal *refusal)
{
    const struct fc_request *request = call->request;
    const char *length = fc_request_header(request, "x-amz-Data-Length");
    const char *checksum = fc_request_header(request, "x-amz-Checksum");
    const char *algorithm = fc_request_header(request, "x-amz-Checksum-Algorithm");
    const char *progress = fc_request_header(request, "x-amz-Progress");
    char expected[48], *end = NULL;
    if (!length || !checksum || !algorithm)
        return fc_invalid(refusal, "x-amz-Data-Length, x-amz-Checksum and x-amz-Checksum-Algorithm "
                                   "have to be given");
    if (strcmp(length, "524288") != 0 || request->body.len != FC_BLOCK_BYTES)
        return fc_invalid(refusal,
                          "A block has 524288 bytes; the header says %.20s, the body has "
                          "%" PRIu64,
                          length, request->body.len);
    if (strcmp(algorithm, "SHA256") != 0)
        return fc_invalid(refusal, "The checksum algorithm is SHA256");
    if (progress && (strtol(progress, &end, 10) < 0 || *end || strtol(progress, NULL, 10) > 100))
        return fc_invalid(refusal, "x-amz-Progress is a percentage");
    EVP_EncodeBlock((unsigned char *)expected, request->body.sha256, 32);
    if (strcmp(checksum, expected) != 0)
        return fc_invalid(refusal, "The checksum of the block is not the one that was given");
    return 0;
}

/* The time-out begins anew with each block; said once a minute, not thousands of times. */
static void keep_alive(struct fc_call *call, struct fc_object *snapshot)
{
    int64_t due_ms = call->now_ms + json_integer_value(fc_at(snapshot->doc, "_upload.timeout_ms"));
    if (due_ms < snapshot->due_ms + 60000)
        return;
    snapshot->due_ms = due_ms;
    fc_store_touch(call->world->store, snapshot);
}

static int put_snapshot_block(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *snapshot;
    struct mir_error err = {0};
    int64_t index;
    if (fc_ebs_find(call, call->segments[0], &snapshot, refusal) ||
        fc_ebs_index(snapshot, call->segments[1], &index, refusal) || check_headers(call, refusal))
        return -1;
    if (!fc_at(snapshot->doc, "_upload"))
        return fc_invalid(refusal, "The snapshot '%s' is not in the 'pending' state.",
                          snapshot->id);
    if (fc_snapshot_data_put(call->world, snapshot->id, index, call->request->body.memory.data,
                             call->request->body.sha256, &err))
        return fc_refuse(refusal, 500, "InternalServerException", "%s", err.text);
    keep_alive(call, snapshot);
    fc_reply_header(call->reply, "x-amz-Checksum", "%s",
                    fc_request_header(call->request, "x-amz-Checksum"));
    fc_reply_header(call->reply, "x-amz-Checksum-Algorithm", "SHA256");
    *ret_reply = json_object();
    return 0;
}

/* --- complete --- */

/* How many blocks there are; the SHA-256 of all their digests in the order of their numbers, as
 * base64. */
static int64_t count_blocks(struct fc_world *world, const char *id, char checksum[48])
{
    unsigned char sum[32];
    int64_t count = 0;
    EVP_MD_CTX *all = EVP_MD_CTX_new();
    if (!all || !EVP_DigestInit_ex(all, EVP_sha256(), NULL))
        mir_memory_out();
    for (int64_t i = 0; (i = fc_snapshot_data_next(world, id, i)) >= 0; i++) {
        if (!fc_snapshot_data_sum(world, id, i, sum))
            break;
        EVP_DigestUpdate(all, sum, sizeof sum);
        count++;
    }
    EVP_DigestFinal_ex(all, sum, NULL);
    EVP_MD_CTX_free(all);
    EVP_EncodeBlock((unsigned char *)checksum, sum, sizeof sum);
    return count;
}

static void inherit(struct fc_world *world, const char *parent, const char *id)
{
    unsigned char *block = mir_calloc(1, FC_BLOCK_BYTES), sum[32], own[32];
    for (int64_t i = 0; *parent && (i = fc_snapshot_data_next(world, parent, i)) >= 0; i++)
        if (!fc_snapshot_data_sum(world, id, i, own) &&
            fc_snapshot_data_sum(world, parent, i, sum) &&
            !fc_snapshot_data_get(world, parent, i, block))
            fc_snapshot_data_put(world, id, i, block, sum, NULL);
    free(block);
}

static int check_complete(struct fc_call *call, const struct fc_object *snapshot,
                          struct fc_refusal *refusal)
{
    const struct fc_request *request = call->request;
    const char *count = fc_request_header(request, "x-amz-ChangedBlocksCount");
    const char *checksum = fc_request_header(request, "x-amz-Checksum");
    const char *algorithm = fc_request_header(request, "x-amz-Checksum-Algorithm");
    const char *method = fc_request_header(request, "x-amz-Checksum-Aggregation-Method");
    char expected[48], *end = NULL;
    if (!count || !*count || strtoll(count, &end, 10) < 0 || *end)
        return fc_invalid(refusal, "x-amz-ChangedBlocksCount has to be given");
    int64_t blocks = count_blocks(call->world, snapshot->id, expected);
    if (strtoll(count, NULL, 10) != blocks)
        return fc_invalid(refusal, "%" PRId64 " blocks were written, not %.20s", blocks, count);
    if (checksum && (!algorithm || strcmp(algorithm, "SHA256") != 0 || !method ||
                     strcmp(method, "LINEAR") != 0))
        return fc_invalid(refusal, "A checksum is SHA256, aggregated LINEAR");
    if (checksum && strcmp(checksum, expected) != 0)
        return fc_invalid(refusal, "The checksum of the snapshot is not the one that was given");
    return 0;
}

static int complete_snapshot(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *snapshot;
    if (fc_ebs_find(call, call->segments[0], &snapshot, refusal))
        return -1;
    const json_t *upload = fc_at(snapshot->doc, "_upload");
    if (!upload && !fc_at(snapshot->doc, "_uploaded"))
        return fc_invalid(refusal, "The snapshot '%s' was not started here.", snapshot->id);
    if (upload && check_complete(call, snapshot, refusal))
        return -1;
    if (upload) {
        mir_auto_free char *parent = mir_strdup(fc_text_at(upload, "parent"));
        json_t *doc = fc_ec2_edit(call, snapshot);
        inherit(call->world, parent, snapshot->id);
        json_object_del(doc, "_upload");
        json_object_set_new(doc, "_uploaded", json_true());
        snapshot->due_ms = call->now_ms + call->world->settings.snapshot_ms;
    }
    *ret_reply = json_pack("{s:O}", "Status", fc_at(snapshot->doc, "status"));
    return 0;
}

static const struct fc_operation operations[] = {
    {.name = "StartSnapshot",
     .handle = start_snapshot,
     .params = start_params,
     .method = "POST",
     .path = "/snapshots",
     .status = 201},
    {.name = "CompleteSnapshot",
     .handle = complete_snapshot,
     .method = "POST",
     .path = "/snapshots/completion/{}",
     .status = 202},
    {.name = "PutSnapshotBlock",
     .handle = put_snapshot_block,
     .method = "PUT",
     .path = "/snapshots/{}/blocks/{}",
     .flags = FC_OP_NO_BODY,
     .status = 201},
    {.name = "GetSnapshotBlock",
     .handle = fc_ebs_get_snapshot_block,
     .method = "GET",
     .path = "/snapshots/{}/blocks/{}",
     .flags = FC_OP_NO_BODY | FC_OP_RAW},
    {.name = "ListSnapshotBlocks",
     .handle = fc_ebs_list_snapshot_blocks,
     .method = "GET",
     .path = "/snapshots/{}/blocks"},
    {.name = "ListChangedBlocks",
     .handle = fc_ebs_list_changed_blocks,
     .method = "GET",
     .path = "/snapshots/{}/changedblocks"},
    {.name = NULL},
};

const struct fc_service fc_service_ebs = {
    .name = "ebs", .protocol = FC_PROTOCOL_JSON, .operations = operations};
