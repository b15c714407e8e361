/* SPDX-License-Identifier: ISC */
/* What an upload through the bucket leaves on its way: the object, and parts of it; the import of
 * it; and the snapshot, to which the import gives no tags. Whose that is, only its import says. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"

#define FILTER_VALUES_MAX 200 /* of one filter */

void cloud_imports_clear(struct cloud_imports *imports)
{
    ec2_s3_list_clear(&imports->objects);
    ec2_s3_uploads_clear(&imports->uploads);
    ec2_import_tasks_clear(&imports->tasks);
    ec2_snapshots_clear(&imports->snapshots);
}

/* --- finding --- */

static bool is_wanted(const struct cloud *cloud, const char *token, const struct mir_tags *tags)
{
    if (!token)
        return *tags->deployment;
    return !strcmp(tags->deployment, token) && !strcmp(tags->installation, cloud->installation) &&
           cloud_is_signed(cloud, tags);
}

/* Without a bucket there is nothing in it. */
static int find_objects(const struct cloud *cloud, struct ec2_session *session, const char *token,
                        int64_t until_ms, struct cloud_imports *ret, struct mir_error *err)
{
    char prefix[CLOUD_KEY_TEXT];
    struct mir_error said = {0};
    const struct ec2_s3_object bucket = {.bucket = cloud->bucket};
    cloud_key_prefix(cloud, token, prefix);
    int rc = ec2_s3_list_objects(session, &bucket, prefix, until_ms, &ret->objects, &said);
    if (!rc && cloud->way != CLOUD_BY_BUNDLE)
        rc = ec2_s3_list_uploads(session, &bucket, prefix, until_ms, &ret->uploads, &said);
    return cloud_gone(rc, &said, err);
}

/* Imports are described all at once: no document has a filter for their tags. */
static int find_tasks(const struct cloud *cloud, struct ec2_session *session, const char *token,
                      int64_t until_ms, struct ec2_import_tasks *ret, struct mir_error *err)
{
    const struct ec2_describe args = {.id_count = 0};
    size_t kept = 0;
    if (ec2_describe_import_tasks(session, &args, until_ms, ret, err))
        return -1;
    for (size_t i = 0; i < ret->count; i++) {
        struct mir_tags tags;
        cloud_tags_read(ret->rows[i].tags, ret->rows[i].tag_count, &tags);
        if (is_wanted(cloud, token, &tags))
            ret->rows[kept++] = ret->rows[i];
        else
            ec2_import_task_clear(&ret->rows[i]);
    }
    ret->count = kept;
    return 0;
}

/* Those of these snapshots that are there, and have no tags of ours, are appended. */
static int find_made(struct ec2_session *session, const char *const *ids, size_t count,
                     int64_t until_ms, struct ec2_snapshots *all, struct mir_error *err)
{
    static const char *const self[] = {"self"};
    const struct ec2_filter these = {.name = "snapshot-id", .values = ids, .value_count = count};
    const struct ec2_describe_snapshots_args args = {
        .owners = self, .owner_count = 1, .filters = &these, .filter_count = 1};
    struct ec2_snapshots found = {.rows = NULL};
    if (ec2_describe_snapshots(session, &args, until_ms, &found, err))
        return -1;
    all->rows = mir_realloc(all->rows, all->count + found.count + 1, sizeof *all->rows);
    size_t others = 0;
    for (size_t i = 0; i < found.count; i++) {
        struct mir_tags tags;
        cloud_tags_read(found.rows[i].tags, found.rows[i].tag_count, &tags);
        if (*tags.deployment)
            found.rows[others++] = found.rows[i];
        else
            all->rows[all->count++] = found.rows[i];
    }
    found.count = others;
    ec2_snapshots_clear(&found);
    return 0;
}

static int find_snapshots(struct ec2_session *session, int64_t until_ms, struct cloud_imports *ret,
                          struct mir_error *err)
{
    const char *ids[FILTER_VALUES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < ret->tasks.count; i++) {
        if (*ret->tasks.rows[i].snapshot_id)
            ids[count++] = ret->tasks.rows[i].snapshot_id;
        bool full = count == FILTER_VALUES_MAX || i + 1 == ret->tasks.count;
        if (full && count && find_made(session, ids, count, until_ms, &ret->snapshots, err))
            return -1;
        count = full ? 0 : count;
    }
    return 0;
}

int cloud_imports_find(const struct cloud *cloud, struct ec2_session *session, const char *token,
                       int64_t until_ms, struct cloud_imports *ret, struct mir_error *err)
{
    if (!cloud_bucket_here(cloud, session))
        return 0;
    /* A file of a bundle is put at once, and nothing is imported. */
    if (cloud->way == CLOUD_BY_BUNDLE)
        return find_objects(cloud, session, token, until_ms, ret, err);
    return find_objects(cloud, session, token, until_ms, ret, err) ||
                   find_tasks(cloud, session, token, until_ms, &ret->tasks, err) ||
                   find_snapshots(session, until_ms, ret, err)
               ? -1
               : 0;
}

/* --- what there is --- */

static bool goes_on(const struct ec2_import_task *task)
{
    return strcmp(task->state, "completed") != 0 && strcmp(task->state, "deleted") != 0;
}

/* The import that has made a snapshot; never NULL for one that was found by it. */
static const struct ec2_import_task *maker_of(const struct cloud_imports *imports,
                                              const struct ec2_snapshot *snapshot)
{
    for (size_t i = 0; i < imports->tasks.count; i++)
        if (!strcmp(imports->tasks.rows[i].snapshot_id, snapshot->id))
            return &imports->tasks.rows[i];
    return NULL;
}

/* What comes last in a key tells objects apart, and of that the end, where an id is no longer. */
static void each_key(const char *key, const char *kind, const char *id, cloud_thing_fn *fn,
                     void *ctx)
{
    struct mir_tags tags;
    size_t len = strlen(key);
    const char *name = len < MIR_OBJECT_ID ? key : key + len - (MIR_OBJECT_ID - 1);
    const char *slash = strrchr(name, '/');
    cloud_key_read(key, &tags, NULL);
    if (*tags.deployment)
        fn(ctx, kind, id ? id : slash ? slash + 1 : name, &tags);
}

void cloud_imports_each(const struct cloud_imports *imports, cloud_thing_fn *fn, void *ctx)
{
    struct mir_tags tags;
    for (size_t i = 0; i < imports->tasks.count; i++) {
        const struct ec2_import_task *task = &imports->tasks.rows[i];
        cloud_tags_read(task->tags, task->tag_count, &tags);
        if (goes_on(task))
            fn(ctx, "import-task", task->id, &tags);
    }
    for (size_t i = 0; i < imports->snapshots.count; i++) {
        const struct ec2_import_task *maker = maker_of(imports, &imports->snapshots.rows[i]);
        if (!maker)
            continue;
        cloud_tags_read(maker->tags, maker->tag_count, &tags);
        fn(ctx, "snapshot", imports->snapshots.rows[i].id, &tags);
    }
    for (size_t i = 0; i < imports->objects.count; i++)
        each_key(imports->objects.rows[i].key, CLOUD_OBJECT, NULL, fn, ctx);
    for (size_t i = 0; i < imports->uploads.count; i++)
        each_key(imports->uploads.rows[i].key, CLOUD_UPLOAD, imports->uploads.rows[i].id, fn, ctx);
}

/* --- the end of it --- */

int cloud_imports_empty(const struct cloud *cloud, struct ec2_session *session,
                        const struct cloud_imports *imports, int64_t until_ms,
                        struct mir_error *err)
{
    struct mir_error first = {0};
    for (size_t i = 0; i < imports->uploads.count; i++) {
        const struct ec2_s3_upload *row = &imports->uploads.rows[i];
        const struct ec2_s3_object object = {.bucket = cloud->bucket, .key = row->key};
        struct mir_error said = {0};
        int rc = ec2_s3_abort(session, &object, row->id, until_ms, &said);
        cloud_keep_first(rc, &said, &first);
    }
    for (size_t i = 0; i < imports->objects.count; i++) {
        const struct ec2_s3_object object = {.bucket = cloud->bucket,
                                             .key = imports->objects.rows[i].key};
        struct mir_error said = {0};
        int rc = ec2_s3_delete(session, &object, until_ms, &said);
        cloud_keep_first(rc, &said, &first);
    }
    return first.kind == MIR_OK ? 0 : cloud_said(&first, err);
}

/* What has no tags of ours may not be ended: the policy knows nothing else of it. */
static int end_snapshot(struct ec2_session *session, const struct ec2_import_task *maker,
                        const struct ec2_snapshot *snapshot, int64_t until_ms,
                        struct mir_error *err)
{
    const char *const ids[] = {snapshot->id};
    const struct ec2_target target = {.id = snapshot->id};
    struct ec2_tag tags[CLOUD_TAGS_MAX];
    size_t count = 0;
    struct mir_error said = {0};
    for (size_t i = 0; i < maker->tag_count && count < MIR_NELEMS(tags); i++)
        if (!strncmp(maker->tags[i].key, TAG_PREFIX, sizeof TAG_PREFIX - 1))
            tags[count++] =
                (struct ec2_tag){.key = maker->tags[i].key, .value = maker->tags[i].value};
    const struct ec2_tagging args = {.ids = ids, .id_count = 1, .tags = tags, .tag_count = count};
    int rc = ec2_create_tags(session, &args, until_ms, &said) ||
                     ec2_delete_snapshot(session, &target, until_ms, &said)
                 ? -1
                 : 0;
    return cloud_gone(rc, &said, err);
}

int cloud_imports_end(const struct cloud *cloud, struct ec2_session *session,
                      const struct cloud_imports *imports, int64_t until_ms, struct mir_error *err)
{
    struct mir_error first = {0}, said = {0};
    for (size_t i = 0; i < imports->tasks.count; i++) {
        const struct ec2_target target = {.id = imports->tasks.rows[i].id};
        struct mir_error refused = {0}, kept = {0};
        if (strcmp(imports->tasks.rows[i].state, "active") != 0)
            continue;
        int rc = ec2_cancel_import(session, &target, until_ms, &refused);
        cloud_keep_first(cloud_gone(rc, &refused, &kept), &kept, &first);
    }
    cloud_keep_first(cloud_imports_empty(cloud, session, imports, until_ms, &said), &said, &first);
    for (size_t i = 0; i < imports->snapshots.count; i++) {
        const struct ec2_snapshot *row = &imports->snapshots.rows[i];
        const struct ec2_import_task *maker = maker_of(imports, row);
        struct mir_error kept = {0};
        if (maker)
            cloud_keep_first(end_snapshot(session, maker, row, until_ms, &kept), &kept, &first);
    }
    return first.kind == MIR_OK ? 0 : cloud_said(&first, err);
}
