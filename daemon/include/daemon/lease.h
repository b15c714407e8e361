/* SPDX-License-Identifier: ISC */
/*
 * The lease machine: what a deployment needs next, and what becomes of it when something
 * happened. Pure: no I/O, no clock, no randomness, no memory of its own; the daemon and the
 * simulator link the same object.
 *
 * The promises that it keeps, whatever comes:
 *   - the deadline wins over everything, and nothing is begun at or after it;
 *   - an effect is asked for (BEGIN) only with the intent in the state, and an intent found later
 *     means "maybe": it is looked for by its token, never simply repeated;
 *   - once ending, always ending: no extension, no further create, no giving up;
 *   - where it costs money, an extension is done when enough hooks are armed for it and none comes
 *     before it; until then the deadline before is in force, and what cannot be armed is refused
 *     (decision 24);
 *   - final only after the instance and the image were seen absent by the provider's get and by a
 *     listing, both begun at least one settling time after the last moment at which they may have
 *     been made; until then they are looked for, and ended, every few seconds.
 * Times are UTC milliseconds unless named _s.
 */
#ifndef DAEMON_LEASE_H
#define DAEMON_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/deployment.h"
#include "daemon/store.h"

/* What the machine has to know of the provider and the policy. */
struct mird_rules {
    int64_t settle_ms;       /* how long after a create a listing may still miss it */
    int64_t live_timeout_ms; /* from running, for the deploy operation */
    int64_t backoff_min_ms;
    int64_t backoff_max_ms;
    unsigned tries_max; /* of a step on the way up; on the way down there is no limit */
    bool paid;          /* fewer than MIR_HOOKS_LEAST armed: not granted, not extended */
    bool image_needed;  /* the kernel has to be unpacked or uploaded first */
};

/* The longest pauses between looks on the way down. */
#define MIRD_SOON_MS 3000
#define MIRD_STUCK_MS 10000  /* once it is stuck */
#define MIRD_LEAVING_MS 2000 /* of what the provider says is on its way out */
#define MIRD_LOOKS_SOON 6 /* stuck: looks that fail in a row and are repeated soon all the same */

/* A teardown is stuck this long after its begin, or, when that is later, after the moment from
 * which its provider's listings can be trusted about what was made last. */
#define MIRD_STUCK_AFTER_S 180

enum mird_action_kind {
    MIRD_ACT_WAIT,    /* nothing before until_ms */
    MIRD_ACT_WATCH,   /* the same while the instance runs: look at it at the provider's pace */
    MIRD_ACT_TICK,    /* time alone changes the state: apply MIRD_IN_TICK */
    MIRD_ACT_BEGIN,   /* apply MIRD_IN_INTEND, make it durable, do the step, tell how it went */
    MIRD_ACT_LOOK,    /* ask the provider by token: MIRD_IN_LOOKED or MIRD_IN_LOOK_FAILED */
    MIRD_ACT_UNDO,    /* send the delete: MIRD_IN_UNDONE or MIRD_IN_UNDO_FAILED */
    MIRD_ACT_CONFIRM, /* get, then list: MIRD_IN_ABSENT, _STILL_THERE or _CONFIRM_FAILED; of the
                         instance or the image, and before the settling time is over as well, to
                         find what was made or shown late */
    MIRD_ACT_NONE     /* final: nothing ever again */
};

struct mird_action {
    enum mird_action_kind kind;
    enum mird_step_kind step; /* BEGIN, UNDO, CONFIRM */
    int64_t until_ms;         /* WAIT, WATCH */
};

enum mird_input_kind {
    MIRD_IN_TICK,
    MIRD_IN_RESTARTED,   /* the daemon begins anew with this record */
    MIRD_IN_INTEND,      /* step: about to do it */
    MIRD_IN_PREPARED,    /* the kernel is ready, the upload begins */
    MIRD_IN_DONE,        /* step, with instance, image_id or hooks */
    MIRD_IN_REFUSED,     /* step, error: it did not happen */
    MIRD_IN_UNKNOWN,     /* step, error: it may have happened */
    MIRD_IN_LOOKED,      /* instance as the provider has it (ABSENT included), asked at asked_ms */
    MIRD_IN_LOOK_FAILED, /* error */
    MIRD_IN_PROBED,      /* probe of the site */
    MIRD_IN_EXTEND,      /* deadline_s */
    MIRD_IN_REMOVE,
    MIRD_IN_UNDONE,         /* step: the delete was sent (instance, image), or is done (others) */
    MIRD_IN_UNDO_FAILED,    /* step, error */
    MIRD_IN_ABSENT,         /* step: get and listing, begun at asked_ms, do not show it */
    MIRD_IN_STILL_THERE,    /* step; instance as found by one of them */
    MIRD_IN_CONFIRM_FAILED, /* error */
    MIRD_IN_COUNT
};

/* All pointers borrowed for the call. */
struct mird_input {
    enum mird_input_kind kind;
    enum mird_step_kind step;
    const struct mir_instance *instance;
    const char *image_id;
    const struct mir_hook *hooks;
    unsigned hook_count;
    uint64_t version;   /* EXTEND: the one that it was asked for, 0 any */
    int64_t deadline_s; /* EXTEND: the new one; DONE of hooks: the one they were armed for */
    int64_t
        asked_ms; /* when the question (UNDONE, UNDO_FAILED: the delete) was sent; 0: it was not */
    int64_t listed_ms; /* ABSENT, STILL_THERE: when the listing was asked for; 0: it was not */
    unsigned listed;   /* ABSENT: how many things it had in it */
    const char *who;   /* EXTEND, REMOVE: the user who asks; NULL: nobody's name */
    const struct mird_probe *probe;
    const struct mir_error *error;
};

/* What has to be done with the changed state before anything else is. */
enum mird_weight {
    MIRD_UNCHANGED,
    MIRD_IN_MEMORY, /* worth nothing after a crash: need not be written */
    MIRD_DURABLE    /* to be committed; an effect or an answer that follows waits for it */
};

struct mird_action mird_lease_next(const struct mird_deployment *d, const struct mird_rules *rules,
                                   int64_t now_ms);

/* Changes *d and says in *ret what to do with it. Only EXTEND can be refused: -1, MIR_CONFLICT
 * (the teardown has begun, the deadline has passed, another version, hooks that are on their way
 * back from an extension that was refused) or MIR_POLICY (a deadline that has passed); *d is
 * untouched then. */
int mird_lease_apply(struct mird_deployment *d, const struct mird_rules *rules,
                     const struct mird_input *input, int64_t now_ms, enum mird_weight *ret,
                     struct mir_error *err);

/* The clock that now_ms is read from jumped by by_ms: spans that are being waited for (settling,
 * back-off, absence) keep their lengths. The deadline is a moment and stays. */
void mird_lease_stepped(struct mird_deployment *d, int64_t by_ms);

/* What there is to tell about a transition: events, and the operations that it ends. Pure. */
void mird_lease_news(const struct mird_deployment *before, const struct mird_deployment *after,
                     const struct mird_input *input, int64_t now_ms, struct mird_news *ret);

/* --- the sweep's decision about one thing found with tags --- */

enum mird_verdict_kind {
    MIRD_KEEP,    /* a deployment of ours that may have it */
    MIRD_END,     /* ours, and nothing has a right to it */
    MIRD_FOREIGN, /* not provably ours: never touched */
    MIRD_ADOPT    /* ours and within its lease, but the database that knew it is lost */
};

/* `known` is the deployment its tags name, NULL when the store knows none (and answered);
 * `verified` whether the signature is by our key. */
enum mird_verdict_kind mird_sweep_judge(const struct mir_instance *found, bool verified,
                                        const char *installation,
                                        const struct mird_deployment *known);

/* The same while a new store has not yet seen a whole listing of the provider: what it cannot know
 * and what is not past its deadline is taken up instead of ended. */
enum mird_verdict_kind mird_sweep_judge_rebuilding(const struct mir_instance *found, bool verified,
                                                   const char *installation,
                                                   const struct mird_deployment *known,
                                                   int64_t now_s);

/* One round of the sweep, and what its store says of the deployment that a thing names. */
struct mird_sweep_view {
    const char *installation;
    bool verified;   /* the signature on the thing is by our key */
    bool rebuilding; /* the store is new and has not seen a whole listing of this provider */
    bool adopt_only; /* before anybody is served: nothing is ended yet */
    int known;       /* 1 the store knows it, 0 certainly not, -1 it cannot tell now */
    const struct mird_deployment *record; /* borrowed; of known 1 */
    int64_t now_s;
};

enum mird_verdict_kind mird_sweep_verdict(const struct mir_instance *found,
                                          const struct mird_sweep_view *view);

/* Is `found`, out of a listing, the thing of that kind of that deployment? Whoever can name a
 * deployment can write its id into the tags of anything, so only a signature by our own key
 * (`verified`) and our installation say that it is: what is not provably ours is neither touched
 * nor does it keep a lease from being over. */
bool mird_shows(const struct mir_instance *found, enum mir_object_kind kind, const char *deployment,
                bool verified, const char *installation);

/* Whoever has no store at all (mirage-reap): past the deadline that the tags say, plus the grace
 * in which a daemon that lives does it itself, is all that there is to go by. */
enum mird_verdict_kind mird_reap_judge(const struct mir_instance *found, bool verified,
                                       const char *installation, int64_t now_s, int64_t grace_s);

/* How long that grace is when nobody says: until a daemon that lives has ended a thing, and until
 * an extension that came in the last moment stands in its tags. The settling time is not waited
 * for: it is how long something that was made may stay hidden, and what shows a signed deadline is
 * hidden no more. It only says that a change is not seen at once there; never more than a
 * minute. */
int64_t mird_reap_grace_s(unsigned settle_s);

#endif
