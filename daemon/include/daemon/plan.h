/* SPDX-License-Identifier: ISC */
/*
 * The planner: request + kernel + capability -> what will be done. Pure: no I/O, no clock, no
 * randomness; the same function answers POST /v1/plans and stands in front of every deploy.
 */
#ifndef DAEMON_PLAN_H
#define DAEMON_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/config.h"
#include "api/provider.h"
#include "daemon/cost.h"
#include "daemon/deployment.h"
#include "images/carrier_conf.h"

/* A deploy request as it came in, checked for form but not yet for sense. */
struct mird_request {
    char provider[24];
    char kernel[MIR_SHA256_TEXT];
    char name[MIR_NAME_TEXT]; /* "" : choose one */
    char owner[32];
    int64_t ttl_s;                   /* 0: not given */
    int64_t until_s;                 /* 0: not given; two of the three given is an error */
    bool forever;                    /* no end at all */
    char reason[MIR_REASON_MAX + 1]; /* why, with forever */
    uint64_t memory_bytes;           /* 0: choose */
    bool ports_given;                /* an empty list is a wish too: none */
    unsigned port_count;
    struct mir_port ports[MIR_PORTS_MAX];
    char arguments[MIR_ARGS_MAX]; /* the user's own, joined by spaces */
    char url[256];
    enum img_carrier_wish carrier;
    struct mir_blocks blocks;   /* their lengths as the block store has them */
    struct mir_machine machine; /* as asked */
    struct mir_place place;     /* as asked */
    bool list;
    bool anyway;
    bool prove;
    bool answer_ownership; /* by the carrier, for its guest */
};

struct mird_policy {
    int64_t ttl_default_s;
    int64_t ttl_max_s;
    int64_t ttl_min_s;
    uint64_t memory_default_bytes;
    uint64_t memory_max_bytes;
    unsigned deployments_max; /* not final, per installation */
    bool allow_forever;
    int64_t budget_micro; /* what all that is not over may cost until its deadlines; 0: no limit */
};

/* What is under way already. */
struct mird_load {
    unsigned live;                   /* deployments not final */
    struct mird_committed committed; /* of them; needed where the policy has a budget */
};

struct mird_plan {
    int64_t deadline_s; /* MIR_FOREVER_S: none */
    uint64_t memory_bytes;
    struct mir_machine machine; /* decided; all ANY where the provider has no choice */
    char how[32];
    char why[240];
    enum mir_verdict verdict;
    enum mir_carrier carrier; /* that the kernel is started in */
    uint64_t guest_bytes;     /* of memory_bytes, with a carrier */
    bool wants_url;           /* a URL can be had, so the goal is live */
    uint32_t takes_part;
    unsigned port_count;
    struct mir_port ports[MIR_PORTS_MAX];
    unsigned hook_count;
    char hooks[MIR_HOOKS_MAX][24];         /* names that would be armed */
    const char *hooks_when[MIR_HOOKS_MAX]; /* static: only then; NULL: in any case */
    struct mir_place place;                /* decided; empty where there is no choice of one */
    char family[16];                       /* of the type; "" where there are none */
    struct mir_price price;
};

/* From the configuration, section [policy]: ttl, ttl_max, ttl_min, memory, memory_max,
 * deployments_max, allow_forever, budget; MIR_USAGE naming file and line of a value that makes no
 * sense. */
int mird_policy_load(const struct mir_config *config, struct mird_policy *ret,
                     struct mir_error *err);

/* What a provider is asked about. */
struct mird_burden {
    struct mir_kernel kernel; /* as the provider sees it (img_carrier_view, where it is carried) */
    const struct mir_kernel *plain; /* borrowed; the kernel itself where it is carried, else NULL */
    uint64_t guest_bytes;           /* with a carrier, what the kernel gets */
    uint64_t memory_bytes;          /* that the machine is asked for; 0: nobody says */
};

/* Carried or not; block devices are on the disk that the provider sees, and no shim has any.
 * MIR_POLICY where a carrier is asked for that is not known. plain is borrowed. */
int mird_burden_make(const struct mird_request *request, const struct mir_kernel *plain,
                     struct mird_burden *ret, struct mir_error *err);

/* MIR_USAGE, MIR_POLICY with the reason and the fix. quote: the provider's, for request->place. */
int mird_plan_make(const struct mird_request *request, const struct mird_burden *burden,
                   const struct mir_provider *provider, const struct mir_quote *quote,
                   const struct mird_policy *policy, const struct mird_load *load, int64_t now_s,
                   struct mird_plan *ret, struct mir_error *err);

/* The REST document of a plan: steps, bytes, costs, hooks. New reference. */
json_t *mird_plan_json(const struct mird_plan *plan, const struct mird_request *request,
                       const struct mir_kernel *kernel, int64_t now_s);

/* Reads a request body (strict: unknown fields are refused by name). */
int mird_request_from_json(json_t *body, struct mird_request *ret, struct mir_error *err);

#endif
