/* SPDX-License-Identifier: ISC */
/* The groups of calls that moto_calls makes, and what one group leaves for the next. */
#ifndef MOTO_H
#define MOTO_H

#include "calls.h"
#include "ec2/compute.h"

#define MOTO_ACCOUNT "123456789012" /* as moto calls whoever asks */
#define MOTO_REGION "us-east-1"
#define MOTO_ZONE "us-east-1a"
#define MOTO_TYPE "t3.nano"
#define MOTO_BASE "amzn-ami-hvm-2017.09.1.20171103-x86_64-gp2" /* an image of Amazon's */
/* Made by moto.py before, as what else is tagged "kept" = "prepared". */
#define MOTO_PROFILE "a-profile"
#define MOTO_PROFILE_ARN "arn:aws:iam::" MOTO_ACCOUNT ":instance-profile/" MOTO_PROFILE

struct moto {
    char vpc[EC2_ID_TEXT], subnet[EC2_ID_TEXT], group[EC2_ID_TEXT], snapshot[EC2_ID_TEXT];
    char nic[EC2_ID_TEXT], image[EC2_ID_TEXT], base[EC2_ID_TEXT], instance[EC2_ID_TEXT],
        spot[EC2_ID_TEXT], volume[EC2_ID_TEXT];
    char spare[EC2_ID_TEXT]; /* a volume that nobody has */
};

extern struct moto moto;

/* A disk with all that can be said of it. */
#define MOTO_DEVICE                                                                                \
    {                                                                                              \
        .name = "/dev/xvda", .snapshot_id = moto.snapshot, .size_gib = 2, .volume_type = "gp3",    \
        .delete_on_termination = MIR_YES, .encrypted = MIR_NO, .iops = 3000, .throughput = 125     \
    }

/* One call, expected to succeed; what was sent and what came count (tests/ec2/coverage.h). */
void made(const char *operation, int rc, const void *args, const void *ret);

#define CALL(operation, function, args, ret)                                                       \
    made(operation, function(calls.session, args, calls.until_ms, ret, &calls.err), args, ret)
#define DO(operation, function, args)                                                              \
    made(operation, function(calls.session, args, calls.until_ms, &calls.err), args, NULL)
/* Whose public arguments are not what is sent. */
#define CALL_INSIDE(operation, function, args, ret)                                                \
    made(operation, function(calls.session, args, calls.until_ms, ret, &calls.err), NULL, ret)

/* Tried first, which must neither do nor answer anything; then made. */
#define TRY_CALL(operation, function, args, ret)                                                   \
    do {                                                                                           \
        (args)->dry_run = true;                                                                    \
        CALL(operation, function, args, ret);                                                      \
        (args)->dry_run = false;                                                                   \
        CALL(operation, function, args, ret);                                                      \
    } while (0)
#define TRY_DO(operation, function, args)                                                          \
    do {                                                                                           \
        (args)->dry_run = true;                                                                    \
        DO(operation, function, args);                                                             \
        (args)->dry_run = false;                                                                   \
        DO(operation, function, args);                                                             \
    } while (0)

/* A description by one id, or by one filter of one value. */
struct one_id {
    const char *id;
    struct ec2_describe args;
};
struct one_filter {
    const char *value;
    struct ec2_filter filter;
    struct ec2_describe args;
};
const struct ec2_describe *by_id(struct one_id *one, const char *id);
const struct ec2_describe *by_filter(struct one_filter *one, const char *name, const char *value);

/* A set of one tag, "kept" = `value`. */
struct one_tag {
    struct ec2_tag tag;
    struct ec2_tag_set set;
};
const struct ec2_tag_set *tagged(struct one_tag *one, const char *resource_type, const char *value);
/* Carries it the tag "kept" with that value? */
#define KEPT(row, value) SAME(ec2_tag_value((row)->tags, (row)->tag_count, "kept"), value)

bool recent(int64_t at_s); /* within the last hour, or the next minutes */

/* moto_places.c: who, where, as what, and for how much */
void call_identity(void);
void call_places(void);
void call_types(void);
/* moto_network.c: where instances stand, and who may reach them */
void call_networks(void);
void call_groups(void);
void call_addresses(void);
void delete_networks(void);
/* moto_prepared.c: what only others can make */
void call_prepared(void);
void delete_prepared(void);
/* moto_disks.c: snapshots, images and volumes */
void call_blocks(void);
void call_images(void);
void call_volumes(void);
void delete_disks(void);
/* moto_instances.c */
void call_keys(void);
void call_instances(void);
void call_spot(void);
void call_changes(void);
void delete_instances(void);
/* moto_services.c: what is not EC2 itself */
void call_roles(void);
void call_objects(void);
void call_parts(void);
void call_schedules(void);
void call_parameters(void);

#endif
