/* SPDX-License-Identifier: ISC */
/*
 * S3: buckets, objects, and objects that are put in parts. Blocking, any thread; ec2/session.h says
 * what every call has in common.
 *
 * Every body is signed with its SHA-256, so a changed one is refused. All calls may be repeated:
 * doing one twice is the same as doing it once. Redirects are not followed: a bucket in another
 * region is an error that says so.
 *
 * Limits of AWS: an object put at once 5 GiB, a part 5 MiB (but the last) to 5 GiB, 10,000 parts,
 * a key 1024 bytes.
 *
 * Source: Amazon S3 API reference, version 2006-03-01.
 */
#ifndef EC2_S3_H
#define EC2_S3_H

#include <stdbool.h>

#include "api/buf.h"
#include "ec2/session.h"
#include "ec2/sign.h"

#define EC2_S3_KEY_MAX 1024
#define EC2_S3_ETAG_TEXT 80
#define EC2_S3_UPLOAD_ID_TEXT 1024
#define EC2_S3_PARTS_MAX 10000
#define EC2_S3_PART_MIN ((size_t)5 << 20)
#define EC2_S3_METADATA_MAX 16

/* How a bucket is named in a request: as part of the host, or of the path. */
enum ec2_s3_style { EC2_S3_AUTO = 0, EC2_S3_PATH, EC2_S3_HOST };

struct ec2_s3_object {
    const char *bucket;
    const char *key; /* NULL: the bucket itself */
    enum ec2_s3_style
        style; /* AUTO: by host at AWS itself, where the name allows it; else by path */
};

/* --- buckets --- */

/* In the session's region. One that is ours already is a success. MIR_CONFLICT: somebody else's. */
int ec2_s3_create_bucket(struct ec2_session *session, const struct ec2_s3_object *bucket,
                         int64_t until_ms, struct mir_error *err);

/* The same with a word on who owns objects: "BucketOwnerPreferred" or "ObjectWriter" for a bucket
 * that takes access control lists; NULL: S3's own choice, which takes none since 2023. */
int ec2_s3_create_bucket_as(struct ec2_session *session, const struct ec2_s3_object *bucket,
                            const char *ownership, int64_t until_ms, struct mir_error *err);

/* One that is gone already is a success. MIR_CONFLICT: not empty. */
int ec2_s3_delete_bucket(struct ec2_session *session, const struct ec2_s3_object *bucket,
                         int64_t until_ms, struct mir_error *err);

struct ec2_s3_entry {
    char *key; /* owned */
    int64_t size;
    int64_t modified_s; /* UTC */
    char etag[EC2_S3_ETAG_TEXT];
};

struct ec2_s3_list {
    struct ec2_s3_entry *rows; /* owned; by key */
    size_t count;
};

void ec2_s3_list_clear(struct ec2_s3_list *list);
#define ec2_auto_s3_list MIR_CLEANUP(ec2_s3_list_clear)

/* All objects whose keys begin with `prefix` (NULL: all). *ret is to be zeroed before and cleared
 * afterwards. */
int ec2_s3_list_objects(struct ec2_session *session, const struct ec2_s3_object *bucket,
                        const char *prefix, int64_t until_ms, struct ec2_s3_list *ret,
                        struct mir_error *err);

/* --- objects --- */

struct ec2_s3_body {
    const void *data; /* borrowed */
    size_t len;
    const char *sha256;       /* lower-case hex, if it is known already; NULL: it is made */
    const char *content_type; /* NULL: application/octet-stream */
    /* For the first call of an object alone: kept with it, as x-amz-meta-<name>. */
    const struct ec2_pair *metadata;
    size_t metadata_count;
    const char *acl; /* likewise, a canned one: "aws-exec-read"; NULL: S3's own choice. A bucket
                      * whose owner has switched such lists off refuses it */
};

/* The whole object. ret_etag may be NULL. */
int ec2_s3_put(struct ec2_session *session, const struct ec2_s3_object *object,
               const struct ec2_s3_body *body, int64_t until_ms, char ret_etag[EC2_S3_ETAG_TEXT],
               struct mir_error *err);

/* `len` bytes from `offset`, or less where the object ends; len 0: to its end. Appended to `ret`,
 * whose free room is a limit (MIR_CORRUPT). */
int ec2_s3_get(struct ec2_session *session, const struct ec2_s3_object *object, uint64_t offset,
               uint64_t len, int64_t until_ms, struct mir_buf *ret, struct mir_error *err);

struct ec2_s3_head {
    int64_t size;
    int64_t modified_s; /* UTC; 0 unknown */
    char etag[EC2_S3_ETAG_TEXT];
    struct mir_buf headers; /* as they came; ec2_s3_metadata reads one */
};

/* MIR_NOT_FOUND. *ret is to be cleared after a success. */
int ec2_s3_head(struct ec2_session *session, const struct ec2_s3_object *object, int64_t until_ms,
                struct ec2_s3_head *ret, struct mir_error *err);
void ec2_s3_head_clear(struct ec2_s3_head *head);

/* The value of x-amz-meta-<name>; 0, or -1: none, or longer than size. */
int ec2_s3_metadata(const struct ec2_s3_head *head, const char *name, char *out, size_t size);

/* One that is not there is a success. */
int ec2_s3_delete(struct ec2_session *session, const struct ec2_s3_object *object, int64_t until_ms,
                  struct mir_error *err);

/* --- objects in parts --- */

/* What is begun and neither completed nor aborted costs money for ever. */
int ec2_s3_begin(struct ec2_session *session, const struct ec2_s3_object *object,
                 const struct ec2_s3_body *body, int64_t until_ms,
                 char ret_upload_id[EC2_S3_UPLOAD_ID_TEXT], struct mir_error *err);

/* Part `number`, from 1; the same one again replaces it. */
int ec2_s3_put_part(struct ec2_session *session, const struct ec2_s3_object *object,
                    const char *upload_id, unsigned number, const struct ec2_s3_body *body,
                    int64_t until_ms, char ret_etag[EC2_S3_ETAG_TEXT], struct mir_error *err);

struct ec2_s3_part {
    unsigned number;
    char etag[EC2_S3_ETAG_TEXT];
};

/* Parts in their order. A repeated call may find the upload gone (MIR_NOT_FOUND) because it was
 * completed: the object says. */
int ec2_s3_complete(struct ec2_session *session, const struct ec2_s3_object *object,
                    const char *upload_id, const struct ec2_s3_part *parts, size_t count,
                    int64_t until_ms, struct mir_error *err);

/* One that is gone already is a success. */
int ec2_s3_abort(struct ec2_session *session, const struct ec2_s3_object *object,
                 const char *upload_id, int64_t until_ms, struct mir_error *err);

struct ec2_s3_upload {
    char *key, *id; /* owned */
    int64_t begun_s;
};

struct ec2_s3_uploads {
    struct ec2_s3_upload *rows; /* owned */
    size_t count;
};

void ec2_s3_uploads_clear(struct ec2_s3_uploads *uploads);
#define ec2_auto_s3_uploads MIR_CLEANUP(ec2_s3_uploads_clear)

/* The uploads that are neither completed nor aborted, of keys that begin with `prefix`. */
int ec2_s3_list_uploads(struct ec2_session *session, const struct ec2_s3_object *bucket,
                        const char *prefix, int64_t until_ms, struct ec2_s3_uploads *ret,
                        struct mir_error *err);

/* Fills up to `len` bytes; *ret_len less than that is the end. Its error is the upload's. */
struct ec2_s3_source {
    int (*read)(void *ctx, void *out, size_t len, size_t *ret_len, struct mir_error *err);
    void *ctx;
};

/* A whole stream as one object, in parts of `part_bytes` (0: 8 MiB; that much memory) if it is
 * longer than one. Nothing is left of it after a failure, unless the error's outcome is UNKNOWN. */
int ec2_s3_put_stream(struct ec2_session *session, const struct ec2_s3_object *object,
                      const struct ec2_s3_source *source, size_t part_bytes,
                      const struct ec2_pair *metadata, size_t metadata_count, int64_t until_ms,
                      struct mir_error *err);

#endif
