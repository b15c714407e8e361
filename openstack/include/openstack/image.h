/* SPDX-License-Identifier: ISC */
/*
 * Glance v2: images, and the two ways of their bytes.
 *
 * An image is made empty ("queued") and filled then: by os_image_upload, after which it is "active"
 * or soon so; or by an import ("interoperable image import"), of bytes that were staged or that the
 * cloud fetches, which goes on after the call. Some clouds have only one of the ways:
 * os_image_import_methods. Whatever the way, look at the image until it is "active", and compare
 * size and checksum with what was sent: nothing else says that it is whole.
 *
 * Source: "Image Service API v2 (CURRENT)".
 */
#ifndef OPENSTACK_IMAGE_H
#define OPENSTACK_IMAGE_H

#include "api/cleanup.h"
#include "api/flag.h"
#include "api/http.h"
#include "openstack/pair.h"
#include "openstack/session.h"

struct os_create_image {
    const char *id;   /* a UUID of one's own, which makes a second one MIR_CONFLICT, for ever: it is
                         never free again; NULL: Glance's */
    const char *name; /* need not be the only one */
    const char *disk_format, *container_format; /* "raw", "qcow2", "aki" ...; "bare" mostly */
    const char *visibility;                     /* "private" */
    int64_t min_disk_gib, min_ram_mib;
    enum mir_flag is_protected;
    const char *const *tags;
    size_t tag_count;
    const struct os_pair *properties; /* "hw_disk_bus", "kernel_id", ... and one's own */
    size_t property_count;
};

struct os_image {
    char id[OS_ID_TEXT];
    char *name;
    char status[32]; /* "queued" "saving" "uploading" "importing" "active" "killed" "deleted"
                        "pending_delete" "deactivated" */
    char disk_format[32], container_format[32], visibility[16], owner[OS_ID_TEXT];
    char checksum[40];             /* MD5, in hex */
    char hash_algo[16], hash[136]; /* "sha512", in hex */
    int64_t size_bytes;            /* 0 until it is known */
    int64_t min_disk_gib, min_ram_mib, created_s, updated_s;
    bool is_protected;
    struct os_word *tags;
    size_t tag_count;
    struct os_found_pair *properties; /* every simple member, those above included */
    size_t property_count;
};

struct os_images {
    struct os_image *rows;
    size_t count;
};

/* *ret is cleared by os_image_clear. MIR_CONFLICT: that id is taken. */
int os_image_create(struct os_session *session, const struct os_create_image *args,
                    int64_t until_ms, struct os_image *ret, struct mir_error *err);
int os_image_get(struct os_session *session, const char *id, int64_t until_ms, struct os_image *ret,
                 struct mir_error *err);
void os_image_clear(struct os_image *image);
#define os_auto_image MIR_CLEANUP(os_image_clear)

struct os_list_images { /* each narrows the list */
    const char *name, *status, *owner, *visibility;
    const char *const *tags; /* all of them */
    size_t tag_count;
    const struct os_pair *properties;
    size_t property_count;
};

/* Without `owner` also everybody's public ones. */
int os_image_list(struct os_session *session, const struct os_list_images *args, int64_t until_ms,
                  struct os_images *ret, struct mir_error *err);
void os_images_clear(struct os_images *list);
#define os_auto_images MIR_CLEANUP(os_images_clear)

/* The bytes of a queued image. Sent once, whatever comes of it: after an unknown end look at the
 * image (a half upload makes it "queued" again, or "killed"). MIR_CONFLICT: it has its bytes, or
 * somebody is sending them. MIR_POLICY: larger than the cloud takes. */
int os_image_upload(struct os_session *session, const char *id, const struct mir_http_stream *bytes,
                    int64_t until_ms, struct mir_error *err);

/* --- import --- */

struct os_import_methods {
    struct os_word *rows; /* "glance-direct", "web-download", "copy-image", ... */
    size_t count;
};

/* None: the cloud has no import. */
int os_image_import_methods(struct os_session *session, int64_t until_ms,
                            struct os_import_methods *ret, struct mir_error *err);
void os_import_methods_clear(struct os_import_methods *methods);
bool os_import_has(const struct os_import_methods *methods, const char *method);

/* As os_image_upload, to be imported by "glance-direct". */
int os_image_stage(struct os_session *session, const char *id, const struct mir_http_stream *bytes,
                   int64_t until_ms, struct mir_error *err);
/* Begins it. `uri` is for "web-download", else NULL. MIR_CONFLICT: not staged, or begun already. */
int os_image_import(struct os_session *session, const char *id, const char *method, const char *uri,
                    int64_t until_ms, struct mir_error *err);

/* --- and what else is done to one --- */

/* Sets properties, and takes away those whose value is NULL. *ret (may be NULL) is what it became.
 */
int os_image_set(struct os_session *session, const char *id, const struct os_pair *properties,
                 size_t count, int64_t until_ms, struct os_image *ret, struct mir_error *err);
int os_image_tag(struct os_session *session, const char *id, const char *tag, int64_t until_ms,
                 struct mir_error *err);
int os_image_untag(struct os_session *session, const char *id, const char *tag, int64_t until_ms,
                   struct mir_error *err);
/* MIR_CONFLICT: a server or a volume uses it. MIR_POLICY: it is protected. */
int os_image_delete(struct os_session *session, const char *id, int64_t until_ms,
                    struct mir_error *err);

struct os_image_member {
    char project_id[OS_ID_TEXT], status[16]; /* "pending" "accepted" "rejected" */
};

struct os_image_members {
    struct os_image_member *rows;
    size_t count;
};

/* A "shared" image is shown to a project, which accepts it. */
int os_image_share(struct os_session *session, const char *id, const char *project_id,
                   int64_t until_ms, struct os_image_member *ret, struct mir_error *err);
int os_image_member_set(struct os_session *session, const char *id, const char *project_id,
                        const char *status, int64_t until_ms, struct os_image_member *ret,
                        struct mir_error *err);
int os_image_unshare(struct os_session *session, const char *id, const char *project_id,
                     int64_t until_ms, struct mir_error *err);
int os_image_members(struct os_session *session, const char *id, int64_t until_ms,
                     struct os_image_members *ret, struct mir_error *err);
void os_image_members_clear(struct os_image_members *list);

#endif
