/* SPDX-License-Identifier: ISC */
/*
 * What the services of the fake OpenStack have in common. They stand below /os at the fake's
 * address, which can be no bucket of S3: /os/identity for all, /os/REGION/compute and so on for
 * each region. A call says who it is with X-Auth-Token; objects belong to the project that the
 * token is for, and are found in the region of the path.
 *
 * Documents are as their service shows them; "_project" is whose an object is. All under the
 * world's lock, if not said otherwise.
 */
#ifndef FAKECLOUD_OS_H
#define FAKECLOUD_OS_H

#include "service.h"

#define FOS_PREFIX "/os"
#define FOS_ID 40 /* a UUID, or 32 digits, with its end */
#define FOS_TOKEN_MAX 256
#define FOS_PATH_MAX 2048

enum fos_role { FOS_READER = 1, FOS_MEMBER = 2, FOS_ADMIN = 4 };

enum fos_service_id {
    FOS_IDENTITY = 0,
    FOS_IMAGE,
    FOS_COMPUTE,
    FOS_NETWORK,
    FOS_OBJECT_STORE,
    FOS_VOLUME,
    FOS_WORKFLOW,
    FOS_RESERVATION,
    FOS_SERVICES
};

/* One row per service. */
struct fos_info {
    const struct fc_service *service;
    const char *type;   /* in the catalog: "compute" */
    const char *folder; /* in paths: "compute" */
    const char *tail;   /* of its URL in the catalog: "/v2.1"; "%s": the project */
    size_t setting;     /* where fc_settings says whether it is there; 0: it always is */
};

extern const struct fos_info fos_infos[FOS_SERVICES];
bool fos_there(const struct fc_world *world, enum fos_service_id id);

extern const char *const fos_regions[]; /* ends with NULL; the first is what is printed */

/* What is known of a call: call->own. */
struct fos_call {
    const struct fos_info *info;
    char root[128];          /* "http://127.0.0.1:4711/os", as the client called it */
    char rest[FOS_PATH_MAX]; /* of the path, below the service; without an end's slash */
    int minor;               /* Nova: microversion 2.minor */
    /* Who: */
    char token[FOS_TOKEN_MAX];
    char user[FOS_ID], project[FOS_ID]; /* project "": the token has no scope */
    char application[FOS_ID];           /* credential that the token was got with; "" none */
    unsigned roles;
};

extern const struct fc_cloud fc_cloud_openstack;
extern const struct fc_service fos_keystone, fos_glance, fos_nova, fos_neutron, fos_swift,
    fos_cinder, fos_mistral, fos_blazar;

struct fos_call *fos_of(const struct fc_call *call);

/* "http://…/os/REGION/compute", without the tail; owned. */
char *fos_url(const struct fc_call *call, enum fos_service_id id, const char *region);

/* --- whoever is there --- */

/* Domains, projects, the user, roles; made at the first start. */
void fos_ready(struct fc_world *world);
/* The environment that points a client here, as lines; `origin` is "http://127.0.0.1:4711". */
void fos_environment(const struct fc_world *world, const char *origin, struct mir_buf *out);
/* Networks and the like of a region and the projects, images of the cloud's own. */
void fos_region_ready(struct fc_call *call);

/* The token, if it is one and has not ended. */
struct fc_object *fos_token_find(const struct fc_world *world, const char *token, int64_t now_ms);
unsigned fos_tokens_end(struct fc_world *world, const struct fc_cause *cause); /* all; how many */
unsigned fos_roles_of(const json_t *names);                                    /* ["member", …] */

/* --- objects --- */

/* New in the call's region and project; `doc` taken, "_project" is added. */
struct fc_object *fos_add(struct fc_call *call, const char *kind, const char *id, json_t *doc);
/* Seen, and the caller's own (or nobody's: the cloud's). NULL: none. */
struct fc_object *fos_find(const struct fc_call *call, const char *kind, const char *id);
bool fos_mine(const struct fc_call *call, const struct fc_object *object);
json_t *fos_edit(struct fc_call *call, struct fc_object *object);
unsigned fos_count(const struct fc_call *call, const char *kind); /* the project's, alive */

/* A copy without what begins with "_". */
json_t *fos_public(const json_t *doc);
json_t *fos_array(const json_t *array); /* a deep copy; empty for NULL */

/* --- words --- */

json_t *fos_time(int64_t ms);    /* "2026-11-30T18:00:00Z" */
json_t *fos_time_us(int64_t ms); /* "2026-11-30T18:00:00.000000Z" */
void fos_hex_id(char out[33]);
bool fos_uuid_like(const char *text);

/* The words of a member: a text (else `otherwise`). */
const char *fos_text(const json_t *object, const char *path, const char *otherwise);

/* The first member of `object` that is not in `allowed` (ends with NULL); NULL: none is. */
const char *fos_stranger(const json_t *object, const char *const *allowed);

/* --- pages --- */

struct fos_page {
    int64_t limit;      /* rows at most */
    const char *marker; /* the id after which they begin; NULL the first */
};

/* Cut rows (objects with `id` members) to the page. -1: there is no row with that marker.
 * *ret_more: the page is full, and so a next one is spoken of, even if that is empty. */
int fos_cut(json_t *rows, const char *id, const struct fos_page *page, bool *ret_more);

/* The query of the next page: the call's own, with another marker; owned. */
char *fos_next_query(const struct fc_call *call, const char *marker);

/* The body as an object with one member of that name; its value (borrowed), or NULL. */
json_t *fos_wrapped(const struct fc_call *call, const char *name);

/* --- what services call one another for --- */

/* Trouble in what is done later: does a fault strike this step ("nova", "Build") for the object?
 * Counts as a call. */
enum fc_fault_when fos_step(struct fc_world *world, const char *service, const char *step,
                            struct fc_object *object, const struct fc_cause *cause,
                            struct fc_fault *ret);

#endif
