/* SPDX-License-Identifier: ISC */
/*
 * What AWS has to allow for all of this provider to work: one table of actions, each with the
 * bounds that it is allowed in. The policy that `doctor ec2 --print-policy` prints is made of it,
 * what doctor asks about goes through it, and tests/e2e/ec2_policy.py runs whole deployments with
 * nothing else allowed. Pure; any thread.
 */
#ifndef EC2_POLICY_H
#define EC2_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "api/config.h"
#include "way.h"

/* The statements of the policy, in their order. */
enum cloud_bounds {
    CLOUD_LOOK,      /* anywhere: what listings need */
    CLOUD_LOOK_OURS, /* at what carries our tag */
    CLOUD_MAKE,      /* only with our tag in the request */
    CLOUD_MAKE_FROM, /* the things that something is made of, whose tags are not ours to give */
    CLOUD_LAUNCH_FROM,
    CLOUD_TAG_NEW, /* tags, as part of a making */
    CLOUD_CHANGE,  /* what carries our tag, and nothing else: changed, ended */
    CLOUD_SCHEDULE,
    CLOUD_PASS_ROLE,
    CLOUD_NOTE, /* by which a reaper says that it comes again */
    /* With a bucket alone: */
    CLOUD_IMPORT_LOOK,
    CLOUD_IMPORT,       /* only with our tag in the request */
    CLOUD_IMPORT_INTO,  /* the snapshot, which gets no tags yet */
    CLOUD_IMPORT_TAG,   /* tags, as part of an import */
    CLOUD_IMPORT_ADOPT, /* our tags, to snapshots of no volume */
    CLOUD_IMPORT_END,
    CLOUD_BUCKET,
    CLOUD_OBJECTS, /* below our prefix */
    CLOUD_BOUNDS_COUNT
};

struct cloud_action {
    const char *name; /* as IAM has it: "ec2:RunInstances" */
    enum cloud_bounds bounds;
    unsigned ways; /* of an image, 1 << enum cloud_way: those that need it */
    bool reaps;    /* mirage-reap needs it, too */
};

/* By bounds, then by name; an action may be there in several bounds. */
size_t cloud_action_count(void);
const struct cloud_action *cloud_action_at(size_t i);

/* Is it in the policy, where images go that way? */
bool cloud_action_used(const char *name, enum cloud_way way);

/* {"policy": of whoever deploys, "reaper": of a mirage-reap elsewhere, "role": {"name","trust",
 * "policy"}: of what EventBridge Scheduler ends instances by, and, where the configuration (NULL:
 * none) names a bucket, and not for bundles, "import_role": {"name","trust","policy"}: of what
 * ImportSnapshot reads it by}; new reference. */
json_t *cloud_policy(const struct mir_config *config);

#endif
