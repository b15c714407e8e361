/* SPDX-License-Identifier: ISC */
/* Snapshots of volumes: looked at, deleted, made, and imported from an object in S3. ec2/tag.h says
 * what all these calls have in common. */
#ifndef EC2_SNAPSHOT_H
#define EC2_SNAPSHOT_H

#include "ec2/tag.h"

struct ec2_describe_snapshots_args {
    const char *const *ids;
    size_t id_count;
    const char *const *owners; /* "self" */
    size_t owner_count;
    const struct ec2_filter *filters;
    size_t filter_count;
};

struct ec2_snapshot {
    char id[EC2_ID_TEXT], volume_id[EC2_ID_TEXT];
    char state[EC2_WORD_TEXT]; /* "pending", "completed", "error", ... */
    char state_message[160], progress[16], owner[16];
    char description[EC2_NAME_TEXT];
    int64_t started_s, size_gib;
    bool encrypted;
    struct ec2_found_tag *tags;
    size_t tag_count;
};

struct ec2_snapshots {
    struct ec2_snapshot *rows;
    size_t count;
};

int ec2_describe_snapshots(struct ec2_session *session,
                           const struct ec2_describe_snapshots_args *args, int64_t until_ms,
                           struct ec2_snapshots *ret, struct mir_error *err);
void ec2_snapshots_clear(struct ec2_snapshots *snapshots);
void ec2_snapshot_clear(struct ec2_snapshot *snapshot);

int ec2_delete_snapshot(struct ec2_session *session, const struct ec2_target *args,
                        int64_t until_ms, struct mir_error *err);

struct ec2_create_snapshot_args {
    const char *volume_id, *description;
    const struct ec2_tag_set *tags;
    size_t tag_count;
    bool dry_run;
};

/* Has no token: is asked for once and never repeated when its answer was lost. */
int ec2_create_snapshot(struct ec2_session *session, const struct ec2_create_snapshot_args *args,
                        int64_t until_ms, struct ec2_snapshot *ret, struct mir_error *err);

struct ec2_import {
    const char *description, *client_token;
    const char *format;             /* "RAW", "VHD", "VMDK" */
    const char *bucket, *key;       /* the object, or */
    const char *url;                /* "s3://bucket/key", or a presigned one */
    const char *role_name;          /* NULL: "vmimport" */
    const struct ec2_tag_set *tags; /* for import-snapshot-task; the snapshot itself has none */
    size_t tag_count;
    enum mir_flag encrypted;
    bool dry_run;
};

struct ec2_import_task {
    char id[EC2_ID_TEXT];
    char state[EC2_WORD_TEXT]; /* "active", "completed", "deleting", "deleted" */
    char state_message[160], progress[16];
    char snapshot_id[EC2_ID_TEXT]; /* "" not yet */
    char description[EC2_NAME_TEXT];
    struct ec2_found_tag *tags;
    size_t tag_count;
};

struct ec2_import_tasks {
    struct ec2_import_task *rows;
    size_t count;
};

int ec2_import_snapshot(struct ec2_session *session, const struct ec2_import *args,
                        int64_t until_ms, struct ec2_import_task *ret, struct mir_error *err);
void ec2_import_task_clear(struct ec2_import_task *task);
int ec2_describe_import_tasks(struct ec2_session *session, const struct ec2_describe *args,
                              int64_t until_ms, struct ec2_import_tasks *ret,
                              struct mir_error *err);
void ec2_import_tasks_clear(struct ec2_import_tasks *tasks);
int ec2_cancel_import(struct ec2_session *session, const struct ec2_target *args, int64_t until_ms,
                      struct mir_error *err);

#endif
