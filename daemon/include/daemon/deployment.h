/* SPDX-License-Identifier: ISC */
/*
 * The noun "deployment" as the daemon keeps it: one row of the store, the state of the lease
 * machine, and the document of the REST interface.
 *
 * A plain value without owned pointers: copied with `=`, written and read whole by the store.
 */
#ifndef DAEMON_DEPLOYMENT_H
#define DAEMON_DEPLOYMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "api/id.h"
#include "api/kernel.h"
#include "api/provider.h"

/* What users see (PRODUCT: states of a deployment). */
enum mird_state {
    MIRD_PENDING,
    MIRD_PREPARING,
    MIRD_UPLOADING,
    MIRD_LAUNCHING,
    MIRD_RUNNING,
    MIRD_LIVE,
    MIRD_ENDING,
    MIRD_GONE,
    MIRD_FAILED,
    MIRD_STUCK,
    MIRD_STATE_COUNT
};

const char *mird_state_name(enum mird_state state);
int mird_state_by_name(const char *name);     /* -1: no such state */
bool mird_state_final(enum mird_state state); /* gone or failed */

/* What has to be made, in order; undone in reverse. */
enum mird_step_kind {
    MIRD_STEP_IMAGE,
    MIRD_STEP_INSTANCE,
    MIRD_STEP_HOOKS,
    MIRD_STEP_SITE,
    MIRD_STEP_COUNT
};

/* Where a step stands. INTENT is durable before the request leaves: found after a crash it means
 * "maybe", and is resolved by looking. */
enum mird_step_status {
    MIRD_TODO,
    MIRD_INTENT,
    MIRD_DONE,
    MIRD_UNDOING, /* the delete was sent at least once */
    MIRD_UNDONE   /* verified away, or never begun */
};

enum mird_end_reason {
    MIRD_END_NONE,
    MIRD_END_DEADLINE,
    MIRD_END_REMOVED, /* asked for by a user */
    MIRD_END_GUEST,   /* the guest ended by itself */
    MIRD_END_FAILED   /* a step failed for good */
};

#define MIRD_OBJECTS_MAX 28

/* Something that an answer of the provider has shown to exist for a deployment. */
struct mird_object {
    struct mir_object what; /* "instance", "image", "address", "port" and what providers add */
    char shown_by[12];      /* the call that first did: "create", "get", "listing", "image_put" */
    int64_t shown_ms;       /* when its answer was there */
};

/* How something went: each moment is one of a question or answer, 0 when there was none. */
struct mird_ending {
    unsigned sent; /* deletes; those that certainly never left do not count */
    int64_t first_ms, last_ms;
    int64_t accepted_ms; /* the last answer that it is done or under way */
    int64_t settled_ms;  /* until then the answers below would have proven nothing */
    int64_t get_ms;      /* asked by token, and the answer was: absent */
    int64_t list_ms;     /* asked for everything with tags, and it was not in it */
    unsigned listed;     /* how many there were in that listing */
    int64_t gone_ms;     /* when both answers were there */
};

/* What a receipt is made of. */
struct mird_trail {
    unsigned object_count;
    struct mird_object objects[MIRD_OBJECTS_MAX];
    bool more;                          /* there were more than fit */
    struct mird_ending instance, image; /* with all that belongs to them */
};

struct mird_deployment {
    char id[MIR_ID_TEXT]; /* = lease id = client token */
    char name[MIR_NAME_TEXT];
    char provider[24];
    char kernel[MIR_SHA256_TEXT];
    char owner[32]; /* user name behind the request (SO_PEERCRED), for ps and audit */

    /* The request, after planning. */
    uint64_t memory_bytes;
    unsigned port_count;
    struct mir_port ports[MIR_PORTS_MAX]; /* as asked; see instance for what is published */
    char url[256];                        /* "" none: then running is the goal, else live */
    bool wants_url;             /* one is made from the published port, or the address where ports
                                   are open, once that is known */
    char url_origin[12];        /* "given", "derived" or "" */
    char token[MIR_ID_TEXT];    /* ownership token the guest shows at /.well-known/unikernel */
    uint32_t takes_part;        /* enum mir_takes_part bits of the kernel */
    struct mir_machine machine; /* decided by the planner; all ANY: the provider's own */
    struct mir_place place;     /* decided by the provider's quote; empty: it has no choice */
    struct mir_price price;     /* of that quote */
    enum mir_carrier carrier;   /* the kernel is started inside of one */
    uint64_t guest_bytes;       /* of memory_bytes, with a carrier, what the kernel gets */
    struct mir_blocks blocks;   /* with a carrier, its block devices */
    bool list;                  /* wanted on the registry page */
    bool anyway;
    bool prove; /* its disk is booted here before it is uploaded */

    /* The lease. */
    int64_t created_s;
    int64_t deadline_s;              /* MIR_FOREVER_S: none */
    char reason[MIR_REASON_MAX + 1]; /* why it may run for ever; "" for one that may not */

    /* The machine (lease.h): only mird_lease_apply changes these. */
    enum mird_step_status steps[MIRD_STEP_COUNT];
    enum mird_end_reason end_reason;
    char ended_by[32]; /* who asked for the end, with MIRD_END_REMOVED */
    bool prepared;     /* the kernel is ready; what is left of the image step is the upload */
    bool seen_running;
    bool seen_live;
    unsigned first_try;      /* bit of a step: no request before the one under way can have made it;
                              * in memory only */
    bool stuck;              /* not confirmed gone in time, and said so */
    bool goal_over;          /* the deploy operation has been answered, well or not */
    bool hooks_stale;        /* the deadline moved after the hooks were read back */
    int64_t before_s;        /* the deadline before an extension whose hooks are not armed yet, and
                              * that is gone back to when they cannot be; 0: none */
    int64_t refused_s;       /* the deadline of an extension that was refused: as late may the hooks
                              * be that are on their way back; 0: none */
    int64_t hooks_asked_s;   /* the deadline of a request to arm them, not answered yet; 0: none */
    int64_t hooks_lost_s;    /* the same of one whose answer was lost: what is not seen may stand
                              * there; 0: none */
    unsigned hooks_moved;    /* with before_s: may any of them be (lease_hooks.c) */
    int64_t running_ms;      /* first seen running; 0: never */
    int64_t last_create_ms;  /* of the last moment at which something may have been created */
    int64_t last_put_ms;     /* the same of the image: an upload was begun */
    int64_t absent_since_ms; /* a running instance is not found since then; 0: it is found */
    int64_t ending_since_s;  /* 0: not ending */
    int64_t retry_at_ms;     /* not before; 0: at once */
    unsigned attempts;       /* of the step under way */
    unsigned looks_failed;   /* in a row, while stuck; in memory only */
    int64_t finished_s;      /* 0: not final */

    struct mird_trail trail; /* only mird_lease_apply adds to it */

    /* What was found. */
    char image_id[MIR_INSTANCE_ID];
    struct mir_instance instance;
    unsigned hook_count;
    struct mir_hook hooks[MIR_HOOKS_MAX];
    int64_t hooks_again_ms; /* when they are read back again; 0: not before the deadline moves */
    char error_code[24];    /* kind name of the last failure, "" none */
    char error_text[640];
    char error_hint[320];
    /* The provider refuses our credentials, of a look or a teardown: until one of them is answered
     * nobody gets on with it, whatever else the error above is. */
    int64_t halted_s; /* since when; 0: it does not */
    char halted_text[320], halted_hint[320];

    uint64_t version; /* row version: ETag; raised by the store on each write */

    char arguments[MIR_ARGS_MAX]; /* the user's own; ours are added at the launch. Mostly "", and
                                     last, for mird_deployment_copy */
};

/* Of the arguments, which are a third of the record, no more than there are. */
static inline void mird_deployment_copy(struct mird_deployment *to,
                                        const struct mird_deployment *from)
{
    memcpy(to, from, offsetof(struct mird_deployment, arguments) + strlen(from->arguments) + 1);
}

/* The user's state, derived: pure. */
enum mird_state mird_deployment_state(const struct mird_deployment *d);

/* The deadline in force: of an extension that waits for its hooks, the one before it, which it is
 * not acknowledged to have left; else, and of one that is nearer, deadline_s. */
int64_t mird_deployment_due_s(const struct mird_deployment *d);

/* Is it up and settled, so that by its record nothing has to be done before its deadline? */
bool mird_deployment_rests(const struct mird_deployment *d);

const char *mird_step_name(enum mird_step_kind step); /* "image", "instance", ... */
const char *mird_step_status_name(enum mird_step_status status);
const char *mird_end_reason_name(enum mird_end_reason reason); /* "" for none */

/* Make a text from outside fit for JSON and terminals: what is not UTF-8, and control characters,
 * become '?'. In place. */
void mird_text_clean(char *text);

/* "http://ADDRESS:PORT/", with brackets where the address needs them; cut when too long. */
/* Its carrier was asked to give the ownership answer for it: the one way in which a carried
 * deployment takes part so (a kernel's own ways do not count there, img_carrier_view). */
bool mird_carrier_answers(const struct mird_deployment *d);

void mird_url_make(char *out, size_t size, const char *address, unsigned port);

/* The same where the whole world reaches the address: the port that is open says how. */
void mird_url_open(char *out, size_t size, const char *address, const struct mir_place *place);

/* Does it only count as there when its URL answers? The URL may not be known yet. */
bool mird_deployment_has_url(const struct mird_deployment *d);

/* The whole record to and from the JSON text that the store keeps. To: owned, compact, and the same
 * text for the same record. From: MIR_CORRUPT. */
char *mird_deployment_record(const struct mird_deployment *d);
int mird_deployment_from_record(const json_t *json, struct mird_deployment *ret,
                                struct mir_error *err);

/* The receipt of a deployment that is over, as canonical JSON (members sorted, compact), owned:
 * what existed, when it was asked to end, and which questions found it gone; from the trail alone.
 * sha256: of the text. */
char *mird_receipt_text(const struct mird_deployment *d, char sha256[MIR_SHA256_TEXT]);

/* What is known to exist of it: [{"kind","id","shown_at","shown_by"}], new reference. */
json_t *mird_objects_json(const struct mird_deployment *d);

/* The REST document, new reference. public_url is the registry's base ("" when it has none). */
json_t *mird_deployment_json(const struct mird_deployment *d, int64_t now_s,
                             const char *public_url);

#endif
