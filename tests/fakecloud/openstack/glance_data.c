/* SPDX-License-Identifier: ISC */
/* The bytes of images: uploaded, staged, imported, fetched from elsewhere, given back. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/id.h"
#include "api/memory.h"
#include "blob.h"
#include "fetch.h"
#include "glance.h"
#include "os_wording.h"

/* --- digests --- */

struct digests {
    uint64_t size;
    char md5[33], sha512[129];
};

static int digest(const struct fc_world *world, const char *file, struct digests *ret)
{
    mir_auto_close int fd = fc_blob_open(world, file);
    EVP_MD_CTX *md5 = EVP_MD_CTX_new(), *sha512 = EVP_MD_CTX_new();
    char *chunk = mir_calloc(1, 1 << 20);
    unsigned char sum[64];
    ssize_t got = fd < 0 ? -1 : 1;
    if (!md5 || !sha512)
        mir_memory_out();
    EVP_DigestInit_ex(md5, EVP_md5(), NULL);
    EVP_DigestInit_ex(sha512, EVP_sha512(), NULL);
    ret->size = 0;
    while (got > 0 && (got = read(fd, chunk, 1 << 20)) > 0) {
        EVP_DigestUpdate(md5, chunk, (size_t)got);
        EVP_DigestUpdate(sha512, chunk, (size_t)got);
        ret->size += (uint64_t)got;
    }
    EVP_DigestFinal_ex(md5, sum, NULL);
    mir_hex(sum, 16, ret->md5);
    EVP_DigestFinal_ex(sha512, sum, NULL);
    mir_hex(sum, 64, ret->sha512);
    EVP_MD_CTX_free(md5);
    EVP_MD_CTX_free(sha512);
    free(chunk);
    return got < 0 ? -1 : 0;
}

/* These bytes are the image's now. `file` is taken. */
static int become_active(struct fc_world *world, struct fc_object *image, json_t *file,
                         int64_t now_ms)
{
    struct digests sums;
    json_t *doc = fc_store_edit(world->store, image, now_ms, world->settings.stale_ms);
    if (digest(world, json_string_value(file), &sums)) {
        json_decref(file);
        return -1;
    }
    json_object_set_new(doc, "_file", file);
    json_object_set_new(doc, "size", json_integer((json_int_t)sums.size));
    json_object_set_new(doc, "checksum", json_string(sums.md5));
    if (world->settings.os_multihash) {
        json_object_set_new(doc, "os_hash_algo", json_string("sha512"));
        json_object_set_new(doc, "os_hash_value", json_string(sums.sha512));
    }
    if (!strcmp(fc_text_at(doc, "disk_format"), "raw"))
        json_object_set_new(doc, "virtual_size", json_integer((json_int_t)sums.size));
    json_object_set_new(doc, "stores", json_string("file"));
    json_object_set_new(doc, "status", json_string("active"));
    json_object_set_new(doc, "updated_at", fos_time(now_ms));
    return 0;
}

/* --- what comes with a request --- */

/* Bytes may come for an image in one of these states. */
static int check_sent(struct fc_call *call, struct fc_object **ret, const char *state,
                      struct fc_refusal *refusal)
{
    const char *type = fc_request_header(call->request, "Content-Type");
    int64_t most = call->world->settings.os_image_max_mib;
    if (!type || strcmp(type, "application/octet-stream") != 0)
        return fos_refuse(call, refusal, 415, "The media type has to be application/octet-stream.");
    if (fos_image_own(call, call->segments[0], ret, refusal))
        return -1;
    if (strcmp(fc_text_at((*ret)->doc, "status"), "queued") != 0)
        return fos_refuse(call, refusal, 409,
                          "Image status transition from %.20s to %s is not allowed",
                          fc_text_at((*ret)->doc, "status"), state);
    if (!*fc_text_at((*ret)->doc, "disk_format") || !*fc_text_at((*ret)->doc, "container_format"))
        return fos_refuse(call, refusal, 400,
                          "Properties disk_format, container_format must be set prior to saving "
                          "data.");
    if (most && call->request->body.len > (uint64_t)most << 20)
        return fos_refuse(call, refusal, 413,
                          "Denying attempt to upload image larger than %lld bytes.",
                          (long long)(most << 20));
    return 0;
}

static json_t *keep_body(struct fc_call *call, struct fc_refusal *refusal)
{
    struct mir_error err = {0};
    mir_auto_free char *file = fc_blob_keep(call->world, &call->request->body, &err);
    if (!file)
        fos_refuse(call, refusal, 500, "%s", err.text);
    return file ? json_string(file) : NULL;
}

int fos_image_upload(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *image;
    if (!call->world->settings.os_upload)
        return fos_refuse(call, refusal, 403,
                          "You are not authorized to complete upload_image action.");
    if (check_sent(call, &image, "saving", refusal))
        return -1;
    json_t *file = keep_body(call, refusal);
    if (!file)
        return -1;
    if (call->world->settings.os_save_ms) { /* not at once: saving, then active */
        json_t *doc = fos_image_edit(call, image);
        json_object_set_new(doc, "_staged", file);
        json_object_set_new(doc, "status", json_string("saving"));
        image->due_ms = call->now_ms + call->world->settings.os_save_ms;
        return 0;
    }
    return become_active(call->world, image, file, call->now_ms)
               ? fos_refuse(call, refusal, 500, "the bytes cannot be read again")
               : 0;
}

int fos_image_stage(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *image;
    if (!(call->world->settings.os_import & FOS_GLANCE_DIRECT))
        return fos_refuse(call, refusal, 404, "Image import is not supported.");
    if (check_sent(call, &image, "uploading", refusal))
        return -1;
    json_t *file = keep_body(call, refusal);
    if (!file)
        return -1;
    json_t *doc = fos_image_edit(call, image);
    json_object_set_new(doc, "_staged", file);
    json_object_set_new(doc, "size", json_integer((json_int_t)call->request->body.len));
    json_object_set_new(doc, "status", json_string("uploading"));
    return 0;
}

/* --- import --- */

static int begin_import(struct fc_call *call, struct fc_object *image, const char *method,
                        const char *uri)
{
    json_t *doc = fos_image_edit(call, image);
    json_object_set_new(doc, "status", json_string("importing"));
    json_object_set_new(doc, "os_glance_import_task", json_string(call->request_id));
    json_object_set_new(doc, "os_glance_importing_to_stores", json_string("file"));
    json_object_set_new(doc, "os_glance_failed_import", json_string(""));
    if (strcmp(method, "web-download") != 0) {
        image->due_ms = call->now_ms + call->world->settings.snapshot_ms;
        return 0;
    }
    json_object_set_new(doc, "_uri", json_string(uri));
    fos_fetch(call->world, image, uri);
    return 0;
}

static int check_import(struct fc_call *call, const char *method, const char *uri,
                        struct fc_object **ret, struct fc_refusal *refusal)
{
    bool direct = !strcmp(method, "glance-direct"), web = !strcmp(method, "web-download");
    int64_t allowed = call->world->settings.os_import;
    if (!(direct && allowed & FOS_GLANCE_DIRECT) && !(web && allowed & FOS_WEB_DOWNLOAD))
        return fos_refuse(call, refusal, 400, "Unknown import method name '%.40s'.", method);
    if (fos_image_own(call, call->segments[0], ret, refusal))
        return -1;
    const char *wanted = direct ? "uploading" : "queued";
    if (strcmp(fc_text_at((*ret)->doc, "status"), wanted) != 0)
        return fos_refuse(call, refusal, 409, "Image needs to be in '%s' state to use '%s' method",
                          direct ? "staging" : wanted, method);
    if (!*fc_text_at((*ret)->doc, "disk_format") || !*fc_text_at((*ret)->doc, "container_format"))
        return fos_refuse(call, refusal, 400,
                          "'disk_format' and 'container_format' need to be set "
                          "before import");
    if (web && strncmp(uri, "http://", 7) != 0 && strncmp(uri, "https://", 8) != 0)
        return fos_refuse(call, refusal, 400,
                          "URI for web-download does not pass filtering: %.200s", uri);
    return 0;
}

int fos_image_import(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const char *method = fos_text(call->params, "method.name", "");
    const char *uri = fos_text(call->params, "method.uri", "");
    struct fc_object *image;
    if (check_import(call, method, uri, &image, refusal))
        return -1;
    return begin_import(call, image, method, uri);
}

/* Back to where it began: an import that failed can be tried again. */
static void import_failed(struct fc_world *world, struct fc_object *image, int64_t now_ms)
{
    json_t *doc = fc_store_edit(world->store, image, now_ms, world->settings.stale_ms);
    fc_blob_drop(world, fos_text(doc, "_staged", "-"));
    json_object_del(doc, "_staged");
    json_object_set_new(doc, "status", json_string("queued"));
    json_object_set_new(doc, "size", json_null());
    json_object_set_new(doc, "os_glance_failed_import", json_string("file"));
    json_object_set_new(doc, "os_glance_importing_to_stores", json_string(""));
}

void fos_fetched(struct fc_world *world, const char *region, const char *id, const char *file,
                 const struct fc_cause *cause)
{
    struct fc_object *image = fc_store_get(world->store, "os-image", region, id);
    if (!image || strcmp(fc_text_at(image->doc, "status"), "importing") != 0) {
        if (file)
            fc_blob_drop(world, file);
        return;
    }
    if (!file) {
        import_failed(world, image, cause->now_ms);
        return;
    }
    json_t *doc = fc_store_edit(world->store, image, cause->now_ms, 0);
    json_object_set_new(doc, "_staged", json_string(file));
    image->due_ms = cause->now_ms + world->settings.snapshot_ms;
}

/* What is staged becomes the image. A fault of glance.Import may keep it from that. */
void fos_tick_image(struct fc_world *world, struct fc_object *image, const struct fc_cause *cause)
{
    json_t *staged = fc_at(image->doc, "_staged");
    struct fc_fault fault;
    if (!staged)
        return;
    fos_step(world, "glance", "Import", image, cause, &fault);
    if (fault.act == FC_ACT_HANG && fault.when)
        return; /* for ever on its way */
    if (fault.when == FC_FAULT_BEFORE) {
        import_failed(world, image, cause->now_ms);
        return;
    }
    json_incref(staged);
    json_t *doc = fc_store_edit(world->store, image, cause->now_ms, world->settings.stale_ms);
    json_object_del(doc, "_staged");
    if (json_object_del(doc, "os_glance_import_task") == 0)
        json_object_set_new(doc, "os_glance_importing_to_stores", json_string(""));
    become_active(world, image, staged, cause->now_ms);
}

/* --- given back --- */

int fos_image_download(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *image;
    struct stat stat;
    struct fc_reply *reply = call->reply;
    if (fos_image_find(call, call->segments[0], &image, refusal))
        return -1;
    const char *file = fc_text_at(image->doc, "_file");
    reply->status = *file ? 200 : 204; /* no bytes yet is no error */
    if (!*file)
        return 0;
    reply->fd = fc_blob_open(call->world, file);
    if (reply->fd < 0 || fstat(reply->fd, &stat))
        return fos_refuse(call, refusal, 500, "the bytes are not there any more");
    reply->len = (uint64_t)stat.st_size;
    mir_copy(reply->type, sizeof reply->type, "application/octet-stream");
    fc_reply_header(reply, "Content-MD5", "%s", fc_text_at(image->doc, "checksum"));
    return 0;
}
