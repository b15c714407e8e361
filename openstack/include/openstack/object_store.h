/* SPDX-License-Identifier: ISC */
/*
 * Swift: objects in containers of the project's account. Putting is safe to repeat: an object is
 * replaced as a whole, and by its name.
 *
 * An object may say when it is to be deleted (`delete_at_s`), and Swift does it: the one end of
 * anything in OpenStack that needs nobody else. A large one is put in segments, which are objects,
 * and a manifest that names them; deleting the manifest leaves the segments, unless asked
 * otherwise.
 *
 * Names: containers 1 to 256 bytes without '/', objects 1 to 1024. Source: "Object Storage API".
 */
#ifndef OPENSTACK_OBJECT_STORE_H
#define OPENSTACK_OBJECT_STORE_H

#include "api/buf.h"
#include "api/cleanup.h"
#include "api/http.h"
#include "api/secret.h"
#include "openstack/pair.h"
#include "openstack/session.h"

#define OS_ETAG_TEXT 72
#define OS_OBJECT_METADATA_MAX 12

struct os_object_at {
    const char *container, *name;
};

/* --- containers --- */

struct os_container {
    char *name;
    int64_t count, bytes;
};

struct os_containers {
    struct os_container *rows;
    size_t count;
};

/* One that is there already is no error. */
int os_container_create(struct os_session *session, const char *name, int64_t until_ms,
                        struct mir_error *err);
/* MIR_CONFLICT: it is not empty. */
int os_container_delete(struct os_session *session, const char *name, int64_t until_ms,
                        struct mir_error *err);
int os_container_list(struct os_session *session, int64_t until_ms, struct os_containers *ret,
                      struct mir_error *err);
void os_containers_clear(struct os_containers *list);

struct os_object_row {
    char *name, *content_type;
    char hash[OS_ETAG_TEXT]; /* MD5, in hex */
    int64_t bytes, modified_s;
};

struct os_object_rows {
    struct os_object_row *rows;
    size_t count;
};

/* Of a container, by name; `prefix` may be NULL. Metadata is in no listing. */
int os_object_list(struct os_session *session, const char *container, const char *prefix,
                   int64_t until_ms, struct os_object_rows *ret, struct mir_error *err);
void os_object_rows_clear(struct os_object_rows *list);

/* --- objects --- */

struct os_put_object {
    const void *data; /* or a stream, which is sent once */
    size_t len;
    struct mir_http_stream stream;
    const char *content_type; /* NULL: application/octet-stream */
    const char *md5;          /* in hex; what comes otherwise is refused; NULL: not compared */
    int64_t delete_at_s;      /* UTC; 0: never */
    const struct os_pair *metadata; /* names of letters, digits and '-'; printable values */
    size_t metadata_count;
    const char *manifest; /* "container/prefix": the object is all that is named so, one behind the
                             other, whenever it is read; NULL: none */
};

/* ret_etag (may be NULL): the MD5 of what was stored. */
int os_object_put(struct os_session *session, const struct os_object_at *at,
                  const struct os_put_object *args, int64_t until_ms, char ret_etag[OS_ETAG_TEXT],
                  struct mir_error *err);

struct os_segment {
    struct os_object_at at;
    const char *etag; /* NULL: not compared */
    int64_t bytes;
};

/* A static large object of segments that are there, at most 1000 of 1 byte at least. `args`: type,
 * end and metadata. */
int os_object_put_segments(struct os_session *session, const struct os_object_at *at,
                           const struct os_segment *segments, size_t count,
                           const struct os_put_object *args, int64_t until_ms,
                           struct mir_error *err);

struct os_object_head {
    int64_t bytes, modified_s, delete_at_s;
    char etag[OS_ETAG_TEXT], content_type[128];
    bool segments;         /* a static large object */
    struct mir_buf fields; /* the answer's header lines, for os_object_metadata */
};

int os_object_head(struct os_session *session, const struct os_object_at *at, int64_t until_ms,
                   struct os_object_head *ret, struct mir_error *err);
void os_object_head_clear(struct os_object_head *head);
/* -1: there is none, or it is longer than size. Names without regard to case. */
int os_object_metadata(const struct os_object_head *head, const char *name, char *out, size_t size);

/* `len` bytes from `offset` (0: to the end), appended to what has to have room for them. */
int os_object_get(struct os_session *session, const struct os_object_at *at, int64_t offset,
                  size_t len, int64_t until_ms, struct mir_buf *ret, struct mir_error *err);

/* `segments`: those of a static large object, too. MIR_NOT_FOUND: it is not there. */
int os_object_delete(struct os_session *session, const struct os_object_at *at, bool segments,
                     int64_t until_ms, struct mir_error *err);

/* --- addresses that need no token --- */

/* The account's key, which signs them. */
int os_object_set_temp_key(struct os_session *session, const struct mir_secret *key,
                           int64_t until_ms, struct mir_error *err);

/* An address by which `method` ("GET", "PUT") is allowed until `expires_s`, signed with
 * HMAC-SHA256; owned. Asks nobody but for where Swift is. */
int os_object_temp_url(struct os_session *session, const struct os_object_at *at,
                       const char *method, int64_t expires_s, const struct mir_secret *key,
                       int64_t until_ms, char **ret, struct mir_error *err);

#endif
