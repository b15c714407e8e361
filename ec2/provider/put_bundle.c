/* SPDX-License-Identifier: ISC */
/* The way of 2006: the disk goes as an instance-store bundle into the bucket, and is registered
 * from there. The manifest goes last: where it is, the bundle is whole. Equal disks of a deployment
 * give equal bundles, so that what an earlier attempt may still send changes nothing. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "put.h"

#define FILE_MAX ((size_t)10 << 20)
#define SEND_MS 600000            /* the disk is made as it is sent */
#define EC2_READS "aws-exec-read" /* the canned ACL by which EC2 may read an object */

struct sending {
    struct put *put;
    const struct mir_imager *imager;
    struct mir_disk *disk;
    char name[CLOUD_KEY_TEXT]; /* of the file whose bytes are coming; "" none yet */
    struct mir_buf bytes;      /* owned */
};

static int send_file(struct sending *sending, struct mir_error *err)
{
    const struct put *put = sending->put;
    char key[CLOUD_KEY_TEXT];
    const struct ec2_s3_object object = {.bucket = put->cloud->bucket, .key = key};
    const struct ec2_s3_body body = {
        .data = mir_buf_text(&sending->bytes), .len = sending->bytes.len, .acl = EC2_READS};
    cloud_key_make(&put->spec->tags, sending->name, key);
    if (mir_fence_check(put->cloud->fence, err) || mir_prov_wanted(put->spec, err) ||
        ec2_s3_put(put->session, &object, &body, put->until_ms, NULL, err))
        return -1;
    sending->put->began = true;
    return 0;
}

/* A file ends where the next one begins. */
static int take(struct sending *sending, const struct mir_disk_range *range, struct mir_error *err)
{
    if ((!range->len || !range->at) && *sending->name && send_file(sending, err))
        return -1;
    if (!range->len)
        return 0;
    if (!range->at) {
        mir_copy(sending->name, sizeof sending->name, range->file);
        mir_buf_reset(&sending->bytes);
    }
    if (mir_buf_add(&sending->bytes, range->data, (size_t)range->len))
        return mir_fail(err, MIR_CORRUPT, "a file of a bundle has more than 10 MiB");
    return 0;
}

static int send_all(struct sending *sending, struct mir_error *err)
{
    struct mir_disk_range range = {.len = 1};
    while (range.len)
        if (sending->imager->next(sending->disk, &range, err) || take(sending, &range, err))
            return -1;
    return 0;
}

static int send_bundle(struct put *put, struct mir_error *err)
{
    struct mir_caller caller;
    struct sending sending = {.put = put, .imager = put->cloud->imager};
    mir_auto_free char *seed = mir_format("%s %s", put->spec->tags.deployment, put->disk);
    if (cloud_caller(put->cloud, &caller, err))
        return -1;
    const struct mir_bundle bundle = {.name = put->disk,
                                      .account = caller.account,
                                      .kernel_id = put->kernel,
                                      .arch = put->arch,
                                      .seed = seed,
                                      .cert = put->cloud->bundle_cert,
                                      .key = put->cloud->bundle_key,
                                      .ec2_cert = put->cloud->bundle_ec2_cert};
    if (sending.imager->open_bundle(sending.imager->ctx, put->spec, &put->needs, &bundle, SEND_MS,
                                    &sending.disk, err))
        return -1;
    mir_buf_init(&sending.bytes, FILE_MAX);
    int rc = send_all(&sending, err);
    mir_buf_clear(&sending.bytes);
    sending.imager->close(sending.disk);
    return rc;
}

/* The manifest of this disk, if it is there; else "". */
static void find_manifest(const struct put *put, const struct cloud_imports *found,
                          char ret_key[CLOUD_KEY_TEXT])
{
    *ret_key = '\0';
    for (size_t i = 0; i < found->objects.count; i++) {
        const char *key = found->objects.rows[i].key;
        char disk[MIR_SHA256_TEXT] = "";
        struct mir_tags tags;
        cloud_key_read(key, &tags, disk);
        if (!strcmp(disk, put->disk) && cloud_key_ends(key, CLOUD_MANIFEST))
            mir_copy(ret_key, CLOUD_KEY_TEXT, key);
    }
}

static int run(struct put *put, struct cloud_imports *found, struct mir_error *err)
{
    char key[CLOUD_KEY_TEXT];
    if (cloud_imports_find(put->cloud, put->session, put->spec->tags.deployment, put->until_ms,
                           found, err))
        return -1;
    put->began = found->objects.count > 0;
    find_manifest(put, found, key);
    if (!*key) {
        mir_auto_free char *name = mir_format("%s" CLOUD_MANIFEST, put->disk);
        cloud_key_make(&put->spec->tags, name, key);
        if (cloud_imports_empty(put->cloud, put->session, found, put->until_ms, err) ||
            send_bundle(put, err))
            return -1;
    }
    snprintf(put->location, sizeof put->location, "%s/%s", put->cloud->bucket, key);
    return 0;
}

int cloud_put_bundle(struct put *put, struct mir_error *err)
{
    auto_imports struct cloud_imports found = {.objects = {.rows = NULL}};
    return run(put, &found, err);
}
