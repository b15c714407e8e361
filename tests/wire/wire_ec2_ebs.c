/* SPDX-License-Identifier: ISC */
/* The calls of EBS direct that a table describes; those of headers: tests/ec2/model_rest.py. */
#include "ec2_wire.h"

#include "ec2/ebs.h"

static const struct ec2_pair tags[] = {{"mirage-deploy", "1"}};
static const struct ec2_ebs_start start_args = {.volume_gib = 1,
                                                .description = "mirage",
                                                .tags = tags,
                                                .tag_count = 1,
                                                .token = "d1-g1",
                                                .parent_id = "snap-0fedcba9876543210",
                                                .encrypted = true,
                                                .key_arn = "alias/mirage",
                                                .timeout_min = 60};

static int start(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_ebs_snapshot snapshot = {0};
    int rc = ec2_ebs_start_snapshot(session, &start_args, until_ms, &snapshot, err);
    assert_string_equal(snapshot.id, "snap-0123456789abcdef0");
    assert_string_equal(snapshot.status, "pending");
    assert_int_equal(snapshot.volume_gib, 1);
    return rc;
}

static int start_in_vain(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_ebs_start args = {.volume_gib = 1, .token = "d1-g1"};
    struct ec2_ebs_snapshot snapshot = {0};
    int rc = ec2_ebs_start_snapshot(session, &args, until_ms, &snapshot, err);
    assert_string_equal(snapshot.id, "");
    return rc;
}

static int list(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    ec2_auto_ebs_blocks struct ec2_ebs_blocks found = {0};
    int rc = ec2_ebs_list_blocks(session, "snap-0123456789abcdef0", NULL, until_ms, &found, err);
    assert_int_equal(found.count, 3);
    assert_int_equal(found.rows[1].index, 3);
    assert_string_equal(found.rows[0].token, "AAUBAc/+==");
    assert_int_equal(found.rows[2].index, 2047);
    assert_int_equal(found.volume_gib, 1);
    return rc;
}

static int list_in_vain(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    ec2_auto_ebs_blocks struct ec2_ebs_blocks found = {0};
    return ec2_ebs_list_blocks(session, "snap-0123456789abcdef0", NULL, until_ms, &found, err);
}

static int list_changed(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    ec2_auto_ebs_blocks struct ec2_ebs_blocks found = {0};
    int rc = ec2_ebs_list_blocks(session, "snap-0123456789abcdef0", "snap-0fedcba9876543210",
                                 until_ms, &found, err);
    assert_int_equal(found.count, 3);
    assert_string_equal(found.rows[0].first_token, "AAUBf1");
    assert_string_equal(found.rows[0].token, "AAUBs1");
    assert_null(found.rows[1].first_token);
    assert_null(found.rows[2].token);
    return rc;
}

static const struct wire_case cases[] = {
    {"StartSnapshot/all", start, MIR_OK, NULL},
    {"StartSnapshot/conflict", start_in_vain, MIR_CONFLICT, "ConflictException"},
    {"StartSnapshot/quota", start_in_vain, MIR_POLICY, "ServiceQuotaExceededException"},
    {"ListSnapshotBlocks/pages", list, MIR_OK, NULL},
    {"ListSnapshotBlocks/not-found", list_in_vain, MIR_NOT_FOUND, "ResourceNotFoundException"},
    {"ListChangedBlocks/plain", list_changed, MIR_OK, NULL},
};

WIRE_MAIN(cases)
