/* SPDX-License-Identifier: ISC */
/*
 * rest_calls URL: makes each call of EBS direct and S3 once, with all that it can send, and checks
 * what is read of the answers, which tests/ec2/model_rest.py gives.
 */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "calls.h"
#include "ec2/ebs.h"
#include "ec2/s3.h"

#define SNAPSHOT "snap-0123456789abcdef0"

static void call_ebs(void)
{
    const struct ec2_pair tags[] = {{"a", "b"}};
    struct ec2_ebs_start start = {.volume_gib = 1,
                                  .description = "d",
                                  .tags = tags,
                                  .tag_count = 1,
                                  .token = "t",
                                  .parent_id = SNAPSHOT,
                                  .encrypted = true,
                                  .key_arn = "k",
                                  .timeout_min = 10};
    struct ec2_ebs_snapshot snapshot = {0};
    struct ec2_ebs_put put = {.snapshot_id = SNAPSHOT, .index = 7};
    unsigned char *block = mir_calloc(1, EC2_EBS_BLOCK);
    char status[16] = "";
    ec2_auto_ebs_blocks struct ec2_ebs_blocks blocks = {0};
    put.data = block;
    SHA256(block, EC2_EBS_BLOCK, put.digest);
    EXPECT(!ec2_ebs_start_snapshot(calls.session, &start, calls.until_ms, &snapshot, &calls.err));
    EXPECT(!strcmp(snapshot.id, SNAPSHOT) && snapshot.volume_gib == 1);
    EXPECT(!ec2_ebs_put_block(calls.session, &put, calls.until_ms, &calls.err));
    EXPECT(!ec2_ebs_complete_snapshot(calls.session, SNAPSHOT, 1, put.digest, calls.until_ms,
                                      status, &calls.err));
    EXPECT(!strcmp(status, "pending"));
    EXPECT(
        !ec2_ebs_list_blocks(calls.session, SNAPSHOT, NULL, calls.until_ms, &blocks, &calls.err));
    EXPECT(blocks.count == 2 && !strcmp(blocks.rows[1].token, "second"));
    EXPECT(!ec2_ebs_list_blocks(calls.session, SNAPSHOT, SNAPSHOT, calls.until_ms, &blocks,
                                &calls.err));
    EXPECT(blocks.count == 1 && !strcmp(blocks.rows[0].first_token, "one") &&
           !strcmp(blocks.rows[0].token, "two"));
    EXPECT(
        !ec2_ebs_get_block(calls.session, SNAPSHOT, 7, "token", calls.until_ms, block, &calls.err));
    free(block);
}

static void call_objects(const struct ec2_s3_object *object)
{
    const struct ec2_pair metadata[] = {{"owner", "me"}};
    struct ec2_s3_body body = {.data = "body",
                               .len = 4,
                               .content_type = "text/plain",
                               .metadata = metadata,
                               .metadata_count = 1,
                               .acl = "aws-exec-read"};
    char etag[EC2_S3_ETAG_TEXT] = "", text[16] = "";
    struct ec2_s3_head head = {0};
    mir_auto_buf struct mir_buf got;
    ec2_auto_s3_list struct ec2_s3_list list = {0};
    mir_buf_init(&got, 100);
    EXPECT(!ec2_s3_create_bucket_as(calls.session, object, "ObjectWriter", calls.until_ms,
                                    &calls.err));
    EXPECT(!ec2_s3_put(calls.session, object, &body, calls.until_ms, etag, &calls.err));
    EXPECT(!strcmp(etag, "etag-1"));
    EXPECT(!ec2_s3_get(calls.session, object, 2, 2, calls.until_ms, &got, &calls.err));
    EXPECT(!strcmp(mir_buf_text(&got), "dy"));
    EXPECT(!ec2_s3_head(calls.session, object, calls.until_ms, &head, &calls.err));
    EXPECT(!ec2_s3_metadata(&head, "owner", text, sizeof text) && !strcmp(text, "me"));
    ec2_s3_head_clear(&head);
    EXPECT(!ec2_s3_list_objects(calls.session, object, "pre", calls.until_ms, &list, &calls.err));
    EXPECT(list.count == 2 && !strcmp(list.rows[1].key, "second key") && list.rows[1].size == 7 &&
           list.rows[1].modified_s == 1795219023 && !strcmp(list.rows[1].etag, "etag-2"));
    EXPECT(!ec2_s3_delete(calls.session, object, calls.until_ms, &calls.err));
    EXPECT(!ec2_s3_delete_bucket(calls.session, object, calls.until_ms, &calls.err));
}

static void call_parts(const struct ec2_s3_object *object)
{
    const struct ec2_pair metadata[] = {{"owner", "me"}};
    struct ec2_s3_body body = {.data = "body", .len = 4},
                       kept = {.metadata = metadata, .metadata_count = 1};
    char id[EC2_S3_UPLOAD_ID_TEXT] = "";
    struct ec2_s3_part part = {.number = 1};
    ec2_auto_s3_uploads struct ec2_s3_uploads uploads = {0};
    EXPECT(!ec2_s3_begin(calls.session, object, &kept, calls.until_ms, id, &calls.err));
    EXPECT(!strcmp(id, "upload-1"));
    EXPECT(!ec2_s3_put_part(calls.session, object, id, 1, &body, calls.until_ms, part.etag,
                            &calls.err));
    EXPECT(
        !ec2_s3_list_uploads(calls.session, object, "pre", calls.until_ms, &uploads, &calls.err));
    EXPECT(uploads.count == 2 && !strcmp(uploads.rows[1].key, "second key") &&
           !strcmp(uploads.rows[1].id, "upload-2") && uploads.rows[1].begun_s == 1795219023);
    EXPECT(!ec2_s3_complete(calls.session, object, id, &part, 1, calls.until_ms, &calls.err));
    EXPECT(!ec2_s3_abort(calls.session, object, id, calls.until_ms, &calls.err));
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    calls_open(argv[1], "eu-central-1");
    struct ec2_s3_object object = {"bucket", "folder/a key", EC2_S3_PATH};
    call_ebs();
    call_objects(&object);
    call_parts(&object);
    calls_close();
    return calls.failed > 0;
}
