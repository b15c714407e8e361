/* SPDX-License-Identifier: ISC */
/* What is not EC2 itself: roles, objects, schedules, parameters. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "ec2/s3.h"
#include "ec2/scheduler.h"
#include "ec2/ssm.h"
#include "ec2/sts.h"
#include "moto.h"

#define ROLE "arn:aws:iam::" MOTO_ACCOUNT ":role/a-role"
#define POLICY "{\"Version\": \"2012-10-17\", \"Statement\": []}"

/* --- roles --- */

static void check_role(const struct ec2_credentials *keys)
{
    EXPECT(!strncmp(keys->access_key_id, "ASIA", 4));
    EXPECT(keys->secret.len && keys->session_token.len && recent(keys->expires_s - 900));
    SAME(keys->account_id, MOTO_ACCOUNT);
    SAME(keys->source, "arn:aws:sts::" MOTO_ACCOUNT ":assumed-role/a-role/a-session");
}

void call_roles(void)
{
    struct ec2_assume_role args = {.role_arn = ROLE,
                                   .session_name = "a-session",
                                   .external_id = "somebody",
                                   .serial_number = "arn:aws:iam::" MOTO_ACCOUNT ":mfa/me",
                                   .token_code = "123456",
                                   .policy = POLICY,
                                   .duration_s = 900};
    struct ec2_assume_role_web web = {.role_arn = ROLE,
                                      .session_name = "a-session",
                                      .token = "header.body.signature",
                                      .policy = POLICY,
                                      .duration_s = 900};
    struct ec2_credentials keys = {0};
    CALL("AssumeRole", ec2_assume_role, &args, &keys);
    check_role(&keys);
    ec2_credentials_clear(&keys);
    CALL("AssumeRoleWithWebIdentity", ec2_assume_role_with_web_identity, &web, &keys);
    check_role(&keys);
    ec2_credentials_clear(&keys);
}

/* --- S3 --- */

static const struct ec2_s3_object bucket = {"bucket-of-ours", NULL, EC2_S3_PATH};

#define S3(function, ...) expect(!function(calls.session, __VA_ARGS__, &calls.err), #function)

static void check_object(const struct ec2_s3_object *object, const char *want, const char *etag)
{
    struct ec2_s3_head head = {0};
    ec2_auto_s3_list struct ec2_s3_list list = {0};
    mir_auto_buf struct mir_buf got;
    char text[16] = "";
    mir_buf_init(&got, 100);
    S3(ec2_s3_head, object, calls.until_ms, &head);
    EXPECT(head.size == (int64_t)strlen(want) && recent(head.modified_s));
    SAME(head.etag, etag);
    EXPECT(!ec2_s3_metadata(&head, "owner", text, sizeof text));
    SAME(text, "me");
    ec2_s3_head_clear(&head);
    S3(ec2_s3_get, object, 2, 3, calls.until_ms, &got);
    EXPECT(got.len == 3 && !strncmp(mir_buf_text(&got), want + 2, 3));
    S3(ec2_s3_list_objects, &bucket, "folder/", calls.until_ms, &list);
    EXPECT(list.count == 1);
    if (list.count) {
        SAME(list.rows[0].key, object->key);
        SAME(list.rows[0].etag, etag);
        EXPECT(list.rows[0].size == (int64_t)strlen(want) && recent(list.rows[0].modified_s));
    }
}

static const struct ec2_pair metadata[] = {{"owner", "me"}};
static const struct ec2_s3_body body = {.data = "of an object",
                                        .len = 12,
                                        .content_type = "text/plain",
                                        .metadata = metadata,
                                        .metadata_count = 1};

void call_objects(void)
{
    const struct ec2_s3_object object = {bucket.bucket, "folder/a key+", EC2_S3_PATH};
    char etag[EC2_S3_ETAG_TEXT] = "";
    struct ec2_s3_head head = {0};
    S3(ec2_s3_create_bucket, &bucket, calls.until_ms);
    S3(ec2_s3_create_bucket, &bucket, calls.until_ms);
    S3(ec2_s3_put, &object, &body, calls.until_ms, etag);
    check_object(&object, "of an object", etag);
    EXPECT(ec2_s3_delete_bucket(calls.session, &bucket, calls.until_ms, &calls.err) &&
           calls.err.kind == MIR_CONFLICT);
    S3(ec2_s3_delete, &object, calls.until_ms);
    EXPECT(ec2_s3_head(calls.session, &object, calls.until_ms, &head, &calls.err) &&
           calls.err.kind == MIR_NOT_FOUND);
}

static void begin_parts(const struct ec2_s3_object *object, char id[EC2_S3_UPLOAD_ID_TEXT],
                        struct ec2_s3_part *ret_part)
{
    const struct ec2_s3_body kept = {.metadata = metadata, .metadata_count = 1};
    const struct ec2_s3_body part = {.data = "in one part", .len = 11};
    ec2_auto_s3_uploads struct ec2_s3_uploads uploads = {0};
    S3(ec2_s3_begin, object, &kept, calls.until_ms, id);
    S3(ec2_s3_put_part, object, id, 1, &part, calls.until_ms, ret_part->etag);
    ret_part->number = 1;
    S3(ec2_s3_list_uploads, &bucket, "folder/", calls.until_ms, &uploads);
    EXPECT(uploads.count == 1);
    if (uploads.count) {
        SAME(uploads.rows[0].key, object->key);
        SAME(uploads.rows[0].id, id);
        EXPECT(uploads.rows[0].begun_s > 0);
    }
}

void call_parts(void)
{
    const struct ec2_s3_object object = {bucket.bucket, "folder/in parts", EC2_S3_PATH};
    char id[EC2_S3_UPLOAD_ID_TEXT] = "";
    struct ec2_s3_part part = {0};
    struct ec2_s3_head head = {0};
    begin_parts(&object, id, &part);
    S3(ec2_s3_complete, &object, id, &part, 1, calls.until_ms);
    S3(ec2_s3_head, &object, calls.until_ms, &head);
    check_object(&object, "in one part", head.etag);
    ec2_s3_head_clear(&head);
    begin_parts(&object, id, &part);
    S3(ec2_s3_abort, &object, id, calls.until_ms);
    S3(ec2_s3_delete, &object, calls.until_ms);
    S3(ec2_s3_delete_bucket, &bucket, calls.until_ms);
    S3(ec2_s3_delete_bucket, &bucket, calls.until_ms);
}

/* --- schedules --- */

static void check_schedule(const struct ec2_schedule_args *want, const char *arn)
{
    struct ec2_schedule_name name = {want->name, want->group};
    struct ec2_schedule found = {0};
    CALL("GetSchedule", ec2_get_schedule, &name, &found);
    SAME(found.name, want->name);
    SAME(found.group, want->group);
    SAME(found.arn, arn);
    SAME(found.state, "ENABLED");
    SAME(found.target_arn, want->target_arn);
    SAME(found.role_arn, want->role_arn);
    SAME(found.input, want->input);
    SAME(found.after, "DELETE");
    EXPECT(found.at_s == want->at_s);
    ec2_schedule_clear(&found);
}

static void list_schedules(const struct ec2_schedule_args *want, size_t count)
{
    struct ec2_list_schedules_args args = {.prefix = "sched", .group = want->group};
    struct ec2_schedules found = {0};
    CALL("ListSchedules", ec2_list_schedules, &args, &found);
    EXPECT(found.count == count);
    if (found.count) {
        SAME(found.rows[0].name, want->name);
        SAME(found.rows[0].group, want->group);
        SAME(found.rows[0].state, "ENABLED");
        SAME(found.rows[0].target_arn, want->target_arn);
    }
    ec2_schedules_clear(&found);
}

void call_schedules(void)
{
    struct ec2_schedule_args args = {.name = "schedule-1",
                                     .group = "default",
                                     .client_token = "token",
                                     .description = "ends it",
                                     .at_s = 1995000000,
                                     .target_arn = EC2_SCHEDULE_TERMINATE,
                                     .role_arn = ROLE,
                                     .input = "{\"InstanceIds\":[\"i-1\"]}",
                                     .retries = 10,
                                     .retry_age_s = 3600,
                                     .dead_letter_arn =
                                         "arn:aws:sqs:" MOTO_REGION ":" MOTO_ACCOUNT ":queue"};
    struct ec2_schedule_arn created = {0}, updated = {0};
    struct ec2_schedule_name name = {args.name, args.group};
    struct ec2_schedule none = {0};
    CALL_INSIDE("CreateSchedule", ec2_create_schedule, &args, &created);
    check_schedule(&args, created.arn);
    list_schedules(&args, 1);
    args.at_s += 600;
    args.input = "{\"InstanceIds\":[\"i-2\"]}";
    CALL_INSIDE("UpdateSchedule", ec2_update_schedule, &args, &updated);
    SAME(updated.arn, created.arn);
    check_schedule(&args, created.arn);
    DO("DeleteSchedule", ec2_delete_schedule, &name);
    list_schedules(&args, 0);
    EXPECT(ec2_get_schedule(calls.session, &name, calls.until_ms, &none, &calls.err) &&
           calls.err.kind == MIR_NOT_FOUND);
    args.name = "left"; /* for moto.py to look at */
    CALL_INSIDE("CreateSchedule", ec2_create_schedule, &args, &created);
}

/* --- parameters --- */

#define IMAGES "/aws/service/ami-amazon-linux-latest"

static void call_own_parameter(void)
{
    const struct ec2_put_parameter_args put = {"/mirage-deploy/x/reaper", "word", "String",
                                               "what a reaper says", true};
    const struct ec2_parameter_args args = {put.name, true};
    struct ec2_parameter_version version = {0};
    struct ec2_parameter one = {0};
    CALL("PutParameter", ec2_put_parameter, &put, &version);
    CALL("PutParameter", ec2_put_parameter, &put, &version);
    EXPECT(version.version == 2);
    CALL("GetParameter", ec2_get_parameter, &args, &one);
    SAME(one.value, put.value);
    EXPECT(one.version == 2);
    ec2_parameter_clear(&one);
}

void call_parameters(void)
{
    struct ec2_parameters_args path = {IMAGES, true};
    struct ec2_parameters all = {0};
    struct ec2_parameter one = {0};
    CALL("GetParametersByPath", ec2_get_parameters, &path, &all);
    EXPECT(all.count > 3);
    if (all.count) {
        struct ec2_parameter_args args = {all.rows[0].name, true};
        CALL("GetParameter", ec2_get_parameter, &args, &one);
        SAME(one.name, all.rows[0].name);
        SAME(one.value, all.rows[0].value);
        SAME(one.type, "String");
        EXPECT(!strncmp(one.value, "ami-", 4) && one.version > 0);
    }
    ec2_parameter_clear(&one);
    ec2_parameters_clear(&all);
    call_own_parameter();
}
