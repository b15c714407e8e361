/* SPDX-License-Identifier: ISC */
/*
 * rest_calls URL: makes each call of EBS direct and S3 once, with all that it can send, and checks
 * what is read of the answers, which tests/ec2/model_rest.py gives.
 */
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "ec2/ebs.h"
#include "ec2/s3.h"

#define SNAPSHOT "snap-0123456789abcdef0"

static struct ec2_session *session;
static int64_t until_ms;
static int failed;

static void expect(bool met, const char *what, const struct mir_error *err)
{
    if (met)
        return;
    failed = 1;
    printf("%s: %s\n", what, err->text);
}

#define EXPECT(condition) expect(condition, #condition, &err)

static void call_ebs(void)
{
    struct mir_error err = {0};
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
    EXPECT(!ec2_ebs_start_snapshot(session, &start, until_ms, &snapshot, &err));
    EXPECT(!strcmp(snapshot.id, SNAPSHOT) && snapshot.volume_gib == 1);
    EXPECT(!ec2_ebs_put_block(session, &put, until_ms, &err));
    EXPECT(!ec2_ebs_complete_snapshot(session, SNAPSHOT, 1, put.digest, until_ms, status, &err));
    EXPECT(!strcmp(status, "pending"));
    EXPECT(!ec2_ebs_list_blocks(session, SNAPSHOT, NULL, until_ms, &blocks, &err));
    EXPECT(blocks.count == 2 && !strcmp(blocks.rows[1].token, "second"));
    EXPECT(!ec2_ebs_list_blocks(session, SNAPSHOT, SNAPSHOT, until_ms, &blocks, &err));
    EXPECT(blocks.count == 1 && !strcmp(blocks.rows[0].first_token, "one") &&
           !strcmp(blocks.rows[0].token, "two"));
    EXPECT(!ec2_ebs_get_block(session, SNAPSHOT, 7, "token", until_ms, block, &err));
    free(block);
}

static void call_objects(const struct ec2_s3_object *object)
{
    struct mir_error err = {0};
    const struct ec2_pair metadata[] = {{"owner", "me"}};
    struct ec2_s3_body body = {.data = "body",
                               .len = 4,
                               .content_type = "text/plain",
                               .metadata = metadata,
                               .metadata_count = 1};
    char etag[EC2_S3_ETAG_TEXT] = "", text[16] = "";
    struct ec2_s3_head head = {0};
    mir_auto_buf struct mir_buf got;
    ec2_auto_s3_list struct ec2_s3_list list = {0};
    mir_buf_init(&got, 100);
    EXPECT(!ec2_s3_create_bucket(session, object, until_ms, &err));
    EXPECT(!ec2_s3_put(session, object, &body, until_ms, etag, &err));
    EXPECT(!strcmp(etag, "etag-1"));
    EXPECT(!ec2_s3_get(session, object, 2, 2, until_ms, &got, &err));
    EXPECT(!strcmp(mir_buf_text(&got), "dy"));
    EXPECT(!ec2_s3_head(session, object, until_ms, &head, &err));
    EXPECT(!ec2_s3_metadata(&head, "owner", text, sizeof text) && !strcmp(text, "me"));
    ec2_s3_head_clear(&head);
    EXPECT(!ec2_s3_list_objects(session, object, "pre", until_ms, &list, &err));
    EXPECT(list.count == 2 && !strcmp(list.rows[1].key, "second key") && list.rows[1].size == 7 &&
           list.rows[1].modified_s == 1795219023 && !strcmp(list.rows[1].etag, "etag-2"));
    EXPECT(!ec2_s3_delete(session, object, until_ms, &err));
    EXPECT(!ec2_s3_delete_bucket(session, object, until_ms, &err));
}

static void call_parts(const struct ec2_s3_object *object)
{
    struct mir_error err = {0};
    const struct ec2_pair metadata[] = {{"owner", "me"}};
    struct ec2_s3_body body = {.data = "body", .len = 4},
                       kept = {.metadata = metadata, .metadata_count = 1};
    char id[EC2_S3_UPLOAD_ID_TEXT] = "";
    struct ec2_s3_part part = {.number = 1};
    ec2_auto_s3_uploads struct ec2_s3_uploads uploads = {0};
    EXPECT(!ec2_s3_begin(session, object, &kept, until_ms, id, &err));
    EXPECT(!strcmp(id, "upload-1"));
    EXPECT(!ec2_s3_put_part(session, object, id, 1, &body, until_ms, part.etag, &err));
    EXPECT(!ec2_s3_list_uploads(session, object, "pre", until_ms, &uploads, &err));
    EXPECT(uploads.count == 2 && !strcmp(uploads.rows[1].key, "second key") &&
           !strcmp(uploads.rows[1].id, "upload-2") && uploads.rows[1].begun_s == 1795219023);
    EXPECT(!ec2_s3_complete(session, object, id, &part, 1, until_ms, &err));
    EXPECT(!ec2_s3_abort(session, object, id, until_ms, &err));
}

int main(int argc, char **argv)
{
    struct ec2_credentials keys = {.access_key_id = "AKID"};
    struct mir_error err = {0};
    if (argc != 2 || mir_secret_set(&keys.secret, "s", 1, &err))
        return 2;
    struct ec2_session_settings settings = {.region = "eu-central-1",
                                            .credentials = ec2_credentials_fixed(&keys)};
    settings.endpoints[EC2_EBS] = settings.endpoints[EC2_S3] = argv[1];
    session = ec2_session_new(&settings, &err);
    if (!session)
        return 2;
    until_ms = ec2_until(session, 60000);
    struct ec2_s3_object object = {"bucket", "folder/a key", EC2_S3_PATH};
    call_ebs();
    call_objects(&object);
    call_parts(&object);
    ec2_session_free(session);
    ec2_credentials_clear(&keys);
    return failed;
}
