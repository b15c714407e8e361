/* SPDX-License-Identifier: ISC */
/* S3 and ImportSnapshot: the disk goes as one file into the bucket, and EC2 makes a snapshot of it.
 * The file is a stream-optimised VMDK: holes cost nothing in it, the rest is deflated, and it is
 * written in one pass. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "put.h"

struct import {
    struct put *put;
    struct cloud_imports found; /* what an earlier attempt has left; owned */
    char key[CLOUD_KEY_TEXT];   /* the whole object that is imported; "" none yet */
};

/* --- the object --- */

/* A disk's file on its way into parts of an upload. */
struct stream {
    const struct put *put;
    const struct mir_imager *imager;
    struct mir_disk *disk;
    struct mir_disk_range range; /* what has come, and is not used up */
    bool over;
};

static int read_stream(void *ctx, void *out, size_t len, size_t *ret_len, struct mir_error *err)
{
    struct stream *stream = ctx;
    struct mir_disk_range *range = &stream->range;
    size_t done = 0;
    if (mir_fence_check(stream->put->cloud->fence, err) || mir_prov_wanted(stream->put->spec, err))
        return -1;
    while (done < len && !stream->over) {
        if (!range->len && stream->imager->next(stream->disk, range, err))
            return -1;
        size_t take = range->len < len - done ? (size_t)range->len : len - done;
        memcpy((unsigned char *)out + done, range->data, take);
        range->data += take;
        range->len -= take;
        done += take;
        stream->over = !take;
    }
    *ret_len = done;
    return 0;
}

static int send_file(struct import *import, struct mir_error *err)
{
    struct put *put = import->put;
    char key[CLOUD_KEY_TEXT];
    mir_auto_free char *name = mir_format("%s" CLOUD_VMDK, put->disk);
    struct stream stream = {.put = put, .imager = put->cloud->imager};
    const struct ec2_s3_source source = {.read = read_stream, .ctx = &stream};
    const struct ec2_s3_object object = {.bucket = put->cloud->bucket, .key = key};
    cloud_key_make(&put->spec->tags, name, key);
    if (stream.imager->open_file(stream.imager->ctx, put->spec, &put->needs, "vmdk", PUT_IMAGER_MS,
                                 &stream.disk, err))
        return -1;
    int rc = ec2_s3_put_stream(put->session, &object, &source, 0, NULL, 0, put->until_ms, err);
    stream.imager->close(stream.disk);
    if (rc)
        return -1;
    put->began = true;
    mir_copy(import->key, sizeof import->key, key);
    return 0;
}

/* --- the import --- */

/* The same object is imported once, however often it is asked for; what is put there again, after
 * an import that failed, is another one. */
static int token_of(const struct import *import, char out[64], struct mir_error *err)
{
    const struct put *put = import->put;
    const struct ec2_s3_object object = {.bucket = put->cloud->bucket, .key = import->key};
    struct ec2_s3_head head;
    if (ec2_s3_head(put->session, &object, put->until_ms, &head, err))
        return -1;
    snprintf(out, 64, "%.32s-%lld", put->spec->tags.deployment, (long long)head.modified_s);
    ec2_s3_head_clear(&head);
    return 0;
}

static int start_import(struct import *import, struct mir_error *err)
{
    static const char *const kinds[] = {"import-snapshot-task"};
    struct put *put = import->put;
    char token[64];
    struct ec2_tag_set set;
    struct ec2_import_task made = {.id = ""};
    struct mir_error said = {0};
    cloud_tag_sets(&put->tags, kinds, 1, &set);
    if (token_of(import, token, err) || mir_fence_check(put->cloud->fence, err))
        return -1;
    const struct ec2_import args = {.description = PUT_DESCRIPTION,
                                    .client_token = token,
                                    .format = "VMDK",
                                    .bucket = put->cloud->bucket,
                                    .key = import->key,
                                    .role_name = put->cloud->import_role,
                                    .tags = &set,
                                    .tag_count = 1};
    if (ec2_import_snapshot(put->session, &args, put->until_ms, &made, &said)) {
        /* An earlier attempt has begun it, before the lease was extended: the next one finds it. */
        if (!strcmp(said.provider_code, "IdempotentParameterMismatch"))
            said.retry = MIR_RETRY_TRANSIENT;
        return cloud_said(&said, err);
    }
    mir_copy(put->task, sizeof put->task, made.id);
    ec2_import_task_clear(&made);
    return 0;
}

/* --- what is there already --- */

static void find_task(struct import *import)
{
    struct put *put = import->put;
    for (size_t i = 0; i < import->found.tasks.count; i++) {
        const struct ec2_import_task *row = &import->found.tasks.rows[i];
        if (!strcmp(row->state, "completed"))
            mir_copy(put->snapshot, sizeof put->snapshot, row->snapshot_id);
        else if (!strcmp(row->state, "active"))
            mir_copy(put->task, sizeof put->task, row->id);
    }
}

static void find_file(struct import *import)
{
    for (size_t i = 0; i < import->found.objects.count; i++) {
        const char *key = import->found.objects.rows[i].key;
        char disk[MIR_SHA256_TEXT] = "";
        struct mir_tags tags;
        cloud_key_read(key, &tags, disk);
        if (!strcmp(disk, import->put->disk) && cloud_key_ends(key, CLOUD_VMDK))
            mir_copy(import->key, sizeof import->key, key);
    }
}

static int look(struct import *import, struct mir_error *err)
{
    const struct put *put = import->put;
    cloud_imports_clear(&import->found);
    return cloud_imports_find(put->cloud, put->session, put->spec->tags.deployment, put->until_ms,
                              &import->found, err);
}

/* --- all of it --- */

static int begin(struct import *import, struct mir_error *err)
{
    find_file(import);
    if (!*import->key && (cloud_imports_empty(import->put->cloud, import->put->session,
                                              &import->found, import->put->until_ms, err) ||
                          send_file(import, err)))
        return -1;
    return start_import(import, err);
}

/* Once it was read the object costs and is good for nothing; after an import that failed, another
 * one is tried with another object. */
static int empty(struct import *import, struct mir_error *err)
{
    const struct put *put = import->put;
    return look(import, err) || mir_fence_check(put->cloud->fence, err) ||
                   cloud_imports_empty(put->cloud, put->session, &import->found, put->until_ms, err)
               ? -1
               : 0;
}

/* The object goes before the snapshot counts as whole: whoever finds one that does looks for no
 * object any more. */
static int finish(struct import *import, struct mir_error *err)
{
    struct put *put = import->put;
    struct cloud_tags tags = put->tags;
    cloud_tags_add(&tags, TAG_WHOLE, "yes");
    return empty(import, err) ||
                   cloud_tag(put->session, put->snapshot, tags.rows, tags.count, put->until_ms, err)
               ? -1
               : 0;
}

static int run(struct import *import, struct mir_error *err)
{
    struct put *put = import->put;
    if (look(import, err))
        return -1;
    put->began = import->found.objects.count || import->found.uploads.count;
    find_task(import);
    if (*put->snapshot)
        return finish(import, err);
    if (!*put->task && begin(import, err))
        return -1;
    struct mir_error said = {0};
    if (!cloud_put_wait_import(put, &said))
        return finish(import, err);
    if (said.kind == MIR_FAILED)
        empty(import, NULL);
    return cloud_said(&said, err);
}

int cloud_put_import(struct put *put, struct mir_error *err)
{
    struct import import = {.put = put};
    int rc = run(&import, err);
    cloud_imports_clear(&import.found);
    return rc;
}
