/* SPDX-License-Identifier: ISC */
/*
 * What a service of the fake is: a table of operations, and a protocol. A handler gets the call
 * with its parameters shaped, under the world's lock, and makes a JSON document of the reply, or
 * writes the reply itself (FC_OP_RAW).
 */
#ifndef FAKECLOUD_SERVICE_H
#define FAKECLOUD_SERVICE_H

#include "edge.h"
#include "faults.h"
#include "query.h"
#include "refusal.h"
#include "world.h"

struct fc_call;

typedef int fc_handler(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal);

enum fc_operation_flag {
    FC_OP_UNSIGNED = 1, /* needs no signature: web identity */
    FC_OP_RAW = 2,      /* the handler fills call->reply */
    FC_OP_NO_BODY = 4   /* REST: the request's body is no JSON */
};

struct fc_operation {
    const char *name;
    fc_handler *handle;
    const struct fc_param *params; /* Query: ends with a NULL name */
    const char *method, *path;     /* REST: "/snapshots/{}/blocks/{}" */
    const char *action;            /* what IAM calls it; NULL: its name */
    unsigned flags;
    int status; /* of a success; 0: 200 */
};

struct fc_service {
    const char *name;    /* in logs and faults; also what is signed for */
    const char *version; /* Query: its API version; json 1.1: the prefix of its targets */
    enum fc_protocol protocol;
    const char *xmlns;                     /* of XML replies */
    const struct fc_operation *operations; /* ends with a NULL name */
    void (*prepare)(struct fc_call *call); /* before each handler; NULL nothing */
};

/* A cloud: what its calls have in common. All clouds stand at one address and are told apart by
 * what a request is. Each step returns 0, or -1 with a refusal that is worded for call->service. */
struct fc_cloud {
    const char *name;                         /* "aws" */
    const struct fc_service *const *services; /* ends with NULL */
    bool (*claims)(const struct fc_request *request);
    /* Which service and operation a request means. */
    int (*identify)(struct fc_call *call, struct fc_refusal *refusal);
    /* Who asks. Takes the lock itself. */
    int (*verify)(struct fc_call *call, struct fc_refusal *refusal);
    int (*read_parameters)(struct fc_call *call, struct fc_refusal *refusal); /* call->params */
    /* May he, and now? Under the lock. */
    int (*admit)(struct fc_call *call, struct fc_refusal *refusal);
    /* The reply on the wire. `reply` is taken; NULL: no content. */
    void (*write_reply)(struct fc_call *call, json_t *reply);
    void (*write_refusal)(struct fc_call *call, const struct fc_refusal *refusal);
    void (*finish)(struct fc_call *call); /* whatever every reply carries; NULL nothing */
};

#define FC_SEGMENTS_MAX 4

/* Who calls AWS. */
struct fc_who {
    char account[13];
    char arn[256];
    char user_id[80];
    char access_key[32];
    char role[80]; /* "" none */
};

struct fc_call {
    struct fc_world *world;
    struct fc_edge *edge;
    struct fc_request *request;
    struct fc_reply *reply;
    const struct fc_cloud *cloud;
    const struct fc_service *service;
    const struct fc_operation *operation;
    struct fc_who who;
    void *own; /* what another cloud keeps of a call; owned, one block */
    char region[32];
    char request_id[37];
    char name[96]; /* "ec2.RunInstances" */
    int64_t now_ms;
    struct fc_cause cause;
    struct fc_pairs form;            /* Query: what came */
    json_t *params;                  /* Query: shaped; JSON: the body; owned; NULL none */
    char *segments[FC_SEGMENTS_MAX]; /* REST: what stood for {}; decoded, owned */
    uint64_t number;
    bool acted; /* something may have changed: to be committed */
};

extern const struct fc_service fc_service_ec2, fc_service_sts, fc_service_ebs, fc_service_scheduler,
    fc_service_ssm, fc_service_pricing, fc_service_s3;
extern const struct fc_service *const fc_services[]; /* ends with NULL */

extern const struct fc_cloud fc_cloud_aws;
extern const struct fc_cloud *const fc_clouds[]; /* ends with NULL */

/* Who is behind a claim: fills secret and token (owned, NULL for a lasting key). Locks the world.
 */
enum fc_denial fc_accounts_find(struct fc_world *world, const char *access_key, int64_t now_ms,
                                char secret[64], char **ret_token, struct fc_who *ret_who,
                                struct mir_error *why);

/* AWS: which service and operation a request means. A refusal is worded for call->service (the
 * nearest guess). */
int fc_identify(struct fc_call *call, struct fc_refusal *refusal);
/* Then, once it is known who asks: call->params, held against the operation's table. */
int fc_read_parameters(struct fc_call *call, struct fc_refusal *refusal);

/* In the service's protocol. */
void fc_write_reply(struct fc_call *call, json_t *reply);
void fc_write_refusal(struct fc_call *call, const struct fc_refusal *refusal);

/* The edge's handler; ctx is a struct fc_server. */
struct fc_server {
    struct fc_world *world;
    struct fc_edge *edge;
};
void fc_dispatch(void *ctx, struct fc_request *request, struct fc_reply *reply);

/* What a fault does to a reply, all but FC_ACT_ERROR. True: the reply is made. */
bool fc_strike(struct fc_edge *edge, const struct fc_request *request, struct fc_reply *reply,
               const struct fc_fault *fault);

/* Paths that begin with "/_": ledger, faults, clock, settings, calls. */
void fc_control(struct fc_server *server, struct fc_request *request, struct fc_reply *reply);

void fc_uuid(char out[37]);

/* Typed access to shaped parameters; paths as in fc_at. */
const char *fc_param_text(const struct fc_call *call, const char *path); /* NULL absent */
int64_t fc_param_int(const struct fc_call *call, const char *path, int64_t otherwise);
bool fc_param_bool(const struct fc_call *call, const char *path, bool otherwise);
json_t *fc_param_list(const struct fc_call *call, const char *path); /* NULL absent; borrowed */

#endif
