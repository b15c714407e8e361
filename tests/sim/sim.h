/* SPDX-License-Identifier: ISC */
/*
 * The simulator: all that the daemon decides about leases (its own objects), over simulated clouds,
 * a simulated disk and a virtual clock, decided by one seed. What a run did is judged by the
 * cloud's own ledger and by what users were told, never by the record.
 *
 * Virtual times are milliseconds since the run's start (`now`); SIM_T0_MS + now is the true UTC.
 * One world per run and thread; a world owns nothing outside itself.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/answer.h"
#include "daemon/dormant.h"
#include "daemon/epoch.h"
#include "daemon/held.h"
#include "daemon/round.h"

#define SIM_T0_MS (INT64_C(1800000000) * 1000)
#define SIM_NEVER INT64_MAX
#define SIM_HOUR_MS INT64_C(3600000)
#define SIM_END_MS (3 * SIM_HOUR_MS) /* when whatever is left is an orphan */
enum { SIM_LEASES = 4, SIM_OBJECTS = 64, SIM_WINDOWS = 512, SIM_HELD = 3, SIM_LATE_SLOTS = 3002 };
enum { SIM_ACCEPTED = 8 };

/* Planted faults in what is simulated: rules of the provider, the disk, timers, the REST edge, the
 * pools and the fence. All others are planted in copies of the pure sources (mutants/). */
enum sim_fault {
    SIM_NO_FSYNC = 1,     /* what is written is not synced */
    SIM_FRESH_TOKEN,      /* another token with each try */
    SIM_TAGS_LATER,       /* tags come in a call after the create */
    SIM_DEPLOY_UNWRITTEN, /* a deploy is acknowledged before its lease is written */
    SIM_SUSPEND_BLIND,    /* waits on a clock that stands still while suspended */
    SIM_CREATE_HANGS,     /* a create may take as long as it likes */
    SIM_LAUNCH_FIRST,     /* teardowns wait while anything is being launched */
    SIM_NO_FENCE,         /* a daemon that was taken over goes on all the same */
    SIM_HOOK_UNREAD,      /* a hook counts as armed without having been read back */
    SIM_TAGS_STAY,        /* an extension does not reach hooks and tags */
    SIM_FAULT_COUNT
};
const char *sim_fault_name(int fault);

/* One simulated cloud: what it guarantees and how it misbehaves. */
struct sim_cloud {
    const char *name;
    bool token;           /* a create with a token that was used finds the first one */
    bool paid, image;     /* rules of its provider */
    bool date;            /* its answers say what time it is */
    unsigned settle_s;    /* as its provider states it */
    unsigned late_ms;     /* a create is executed up to so late */
    unsigned lag_ms;      /* then it is shown up to so late, and an end as well */
    unsigned executed;    /* per mille of its 5xx answers that did it all the same */
    unsigned error_state; /* per mille of instances that come up in ERROR */
    bool not_done;        /* accepted deletes may not be carried out */
    unsigned call_ms;     /* the longest ordinary call */
    unsigned patience_ms; /* until a lost answer of a create is given up */
    unsigned look_ms;     /* of a get, a delete, a listing */
};
extern const struct sim_cloud sim_clouds[];
enum { SIM_CLOUDS = 3 };

struct sim_rates {
    unsigned error, lost, not_done, crash; /* per mille: of calls, calls, deletes, steps */
};

struct sim_window {
    int64_t from_ms, until_ms;
};

enum sim_trouble {
    SIM_STORM,
    SIM_KEYS,
    SIM_CUT,
    SIM_SCARCE,
    SIM_HOOKS_BUSY,   /* schedules alone are throttled */
    SIM_HOOKS_DENIED, /* and may not be made or moved, though they may be read */
    SIM_TROUBLES
};
#define SIM_BUCKET_MS 10000 /* calls that an account may save up, 1000 each */

/* One of the two indexes has forgotten a thing that the other still knows. */
enum sim_hides { SIM_SHOWN, SIM_NOT_GOT, SIM_NOT_LISTED };

/* One object of the ledger. */
struct sim_object {
    int owner;       /* the lease that it was made for; -1: not ours */
    int tag;         /* the lease that its tags name, -1 none of ours */
    bool verified;   /* signed by our key */
    bool ours;       /* carries our installation id */
    bool never_told; /* executed later than any settling time: only the sweep can know */
    bool error;      /* came up in ERROR */
    bool image;      /* or what an upload left half-made */
    bool by_hand;    /* somebody has meddled with it */
    bool stripped;   /* of its tags */
    unsigned token;
    int64_t tag_deadline_s;        /* as its tags say */
    int64_t schedule_ms, guest_ms; /* when it ends without anybody: hooks that are really there */
    int64_t stuck_for_ms;          /* deletes are accepted and do nothing for so long */
    enum sim_hides hides;          /* from whom, while a delete is not carried out */
    struct sim_window stuck;
    int64_t sent_ms, exec_ms, seen_ms; /* requested, there, shown */
    int64_t end_ms, unseen_ms;         /* gone, and not shown any more */
    int64_t deleting_ms;               /* shown as deleting until then */
    int64_t guest_end_ms;              /* the guest ends by itself */
    unsigned refusals;                 /* accepted deletes that were not carried out */
    struct sim_window held[SIM_HELD];  /* the cloud said "deleting", and did not */
};

/* What a lease of the simulated engine waits for. */
enum sim_busy { SIM_IDLE, SIM_TO_SEND, SIM_ANSWER, SIM_WRITING };

struct sim_lease {
    int index;
    /* The engine's. */
    bool entry; /* in its table */
    enum sim_busy busy;
    int64_t wake_ms;
    struct mird_drive drive;
    bool rests, seen; /* its document is dropped; shown in this round */
    uint32_t created_boot_s;
    struct mird_ask asked;
    struct mird_answer answer; /* of the call under way */
    struct mird_held held;
    /* The disk's. */
    bool on_disk, unsynced;
    unsigned puts; /* at put_ms */
    int64_t put_ms;
    unsigned conflicts; /* writes in a row that found another version */
    int64_t maybe_s;    /* the deadline of a write that was done and said to have failed; 0 none */
    struct mird_deployment disk, pending;
    /* What users were told, and what they tried. */
    bool acked, removal_acked, removal_tried, finished_told;
    int64_t acked_deadline_s, tried_deadline_s, first_deadline_s;
    int64_t removal_acked_ms, deploy_ms;
    int64_t given_behind_ms; /* its deadline was given by a clock so far behind */
    bool delete_sent;
    bool forgotten;   /* the database that knew it was lost */
    bool was_stale;   /* and an extension had not reached its tags */
    bool adopted;     /* and it was taken up from them */
    bool takes_part;  /* its kernel powers itself off */
    bool word;        /* of mirage-reap was fresh when it was looked at last */
    bool granted;     /* told to be armed once */
    int64_t hooks_ms; /* when anything was last told of its hooks */
    /* An extension that was accepted and is not answered: deadlines that were true since, to which
     * it may go back when it is refused. */
    bool extending;
    int64_t accepted_s[SIM_ACCEPTED];
    unsigned accepted_count;
};

/* What a stopped process has in its memory. */
struct sim_ghost {
    bool there, to_send;
    struct mird_deployment d;
};

struct sim_world {
    uint64_t seed, random;
    const struct sim_cloud *cloud;
    struct sim_rates rates;
    struct mird_rules rules;
    int fault;
    bool trace;
    const char *broken; /* the invariant, NULL while all hold */
    char detail[160];

    int64_t now_ms;
    int64_t wall_ms; /* wall clock minus truth */
    struct mird_now clock;
    struct mird_now_mark mark;         /* written with a sweep */
    int64_t event_ms;                  /* UTC of the newest event in the store */
    unsigned boots;                    /* starts of the machine */
    char boot[8];                      /* and the name of the one now */
    int64_t marked_ms, mark_behind_ms; /* when in truth, and how wrong it was */
    int64_t behind_ms; /* so late a process may begin that nobody else can tell the time */
    bool down;
    int64_t restart_ms, crash_ms, step_ms, step_by_ms, user_ms, sweep_ms, suspend_ms, full_ms,
        hurry_ms;
    int64_t suspend_for_ms, full_until_ms;
    struct sim_window trouble[SIM_TROUBLES];
    int64_t bucket_ms, bucket_at_ms;
    int64_t hand_ms, no_base_ms, no_host_ms, host_lost_ms, stop_ms, ghost_ms;
    bool reaps, rebuilding, clock_holds, many; /* many: all that can rest does */
    struct sim_window word; /* when mirage-reap's word is fresh: it comes for as long */
    int64_t unwell_ms;      /* since then nothing was in the way of a hook */
    bool answering;         /* a user waits for the write under way */
    bool room;              /* what was kept back for a full disk is given up */
    struct mird_epoch_row row, claim, ghost_claim;
    unsigned user_left, crashes;
    unsigned tokens;
    struct sim_window windows[SIM_WINDOWS]; /* when nobody can do anything */
    unsigned window_count, object_count;

    struct mir_instance seen; /* room for one that is shown */

    /* Set up one by one, or as they are used, not all at once: they are large. */
    struct mird_change change;
    struct sim_lease leases[SIM_LEASES];
    struct sim_object objects[SIM_OBJECTS];
    struct sim_ghost ghosts[SIM_LEASES];
};

/* What a run leaves for the statistics. */
struct sim_figures {
    uint64_t seeds, leases, objects, crashes;
    uint64_t late[SIM_LATE_SLOTS]; /* by 100 ms; the last one is more */
    uint64_t late_count;
    int64_t worst_ms;     /* gone minus deadline, outages taken off */
    int64_t worst_raw_ms; /* with them */
};

/* --- world.c --- */
uint64_t sim_draw(struct sim_world *w);
int64_t sim_below(struct sim_world *w, int64_t limit); /* 0 .. limit - 1; 0 for limit <= 1 */
bool sim_chance(struct sim_world *w, unsigned per_mille);
void sim_say(struct sim_world *w, const char *fmt, ...) MIR_PRINTF(2, 3);
void sim_broken(struct sim_world *w, const char *what, const char *fmt, ...) MIR_PRINTF(3, 4);
/* What is left of a span without the outages and up to SIM_HELD + 1 windows of its own. */
struct sim_span {
    int64_t sum_ms, longest_ms; /* all of it, and the longest piece */
};
struct sim_span sim_without_outages(const struct sim_world *w, int64_t from_ms, int64_t until_ms,
                                    const struct sim_window *own, unsigned own_count);
void sim_outage(struct sim_world *w, int64_t from_ms, int64_t until_ms);

/* --- trouble.c --- */
void sim_plan_trouble(struct sim_world *w);
bool sim_in(const struct sim_world *w, enum sim_trouble trouble);
bool sim_bucket_takes(struct sim_world *w);
void sim_by_hand(struct sim_world *w);
void sim_lose_base(struct sim_world *w);
void sim_lose_host(struct sim_world *w);
void sim_stop(struct sim_world *w);
void sim_ghost(struct sim_world *w);

/* --- cloud.c: what the provider's functions do; false: it failed, with *err --- */
void sim_cloud_seed(struct sim_world *w);
void sim_tag(struct sim_object *object, int64_t deadline_s);
bool sim_create(struct sim_world *w, struct sim_lease *l, struct mir_instance *ret,
                struct mir_error *err, int64_t *ret_took);
bool sim_upload(struct sim_world *w, struct sim_lease *l, struct mir_error *err, int64_t *ret_took);
bool sim_get(struct sim_world *w, int lease, bool image, struct mir_instance *ret,
             struct mir_error *err, int64_t *ret_took);
bool sim_delete(struct sim_world *w, int lease, bool image, struct mir_error *err,
                int64_t *ret_took);
/* A listing: the objects shown, in `ret`. */
bool sim_list(struct sim_world *w, struct mir_error *err, int *ret, unsigned *ret_count);
bool sim_delete_object(struct sim_world *w, struct sim_object *object, struct mir_error *err);
/* A call without an effect of its own (hooks); *ret_done: it was carried out, whatever it says. */
bool sim_call(struct sim_world *w, struct mir_error *err, int64_t *ret_took, bool *ret_done);
/* Everything that a simulated cloud ever says of an object; the rest of *ret has to be zero. */
void sim_show(const struct sim_world *w, const struct sim_object *object, struct mir_instance *ret);

/* --- shell.c: the process, its clock, its users --- */
int64_t sim_utc_ms(struct sim_world *w); /* as the engine knows it */
void sim_listen(struct sim_world *w);    /* an answer has come, whatever it says: it has a Date */
void sim_crash(struct sim_world *w, const char *where);
bool sim_dies(struct sim_world *w, const char *where); /* a point at which it may; true: it did */
void sim_restart(struct sim_world *w);
void sim_wake(struct sim_world *w, struct sim_lease *l);    /* reads its document again */
void sim_take_up(struct sim_world *w, struct sim_lease *l); /* from the disk, if not over */
void sim_deploy(struct sim_world *w, struct sim_lease *l);
void sim_user(struct sim_world *w);
void sim_hurry(struct sim_world *w); /* extends the first of them, whatever comes */

/* --- disk.c: the records of one process, and the disk under them --- */
/* The record is in held.d, and new: 0 when it is there, acknowledged or found to be so. */
int sim_add(struct sim_world *w, struct sim_lease *l);
/* 0, or -1 when what had to be written was not (or the process died). */
int sim_change(struct sim_world *w, struct sim_lease *l, const struct mird_input *in, bool op,
               struct mir_error *err);
/* Without waiting for the disk: true when the write is under way. */
bool sim_change_later(struct sim_world *w, struct sim_lease *l, const struct mird_input *in);
int sim_flush(struct sim_world *w, struct sim_lease *l);

/* --- hooks.c: what arms them, and what of them is really there --- */
bool sim_arm(struct sim_world *w, struct sim_lease *l, struct mird_answer *a, int64_t *ret_took);
/* What was committed, and so told: operations that end, and that a lease is granted. */
void sim_told(struct sim_world *w, struct sim_lease *l, const struct mird_news *news);
void sim_accepted(struct sim_world *w, struct sim_lease *l, int64_t deadline_s);
void sim_ended_first(struct sim_world *w, struct sim_lease *l);
/* A fresh process: whoever waits is answered by what the disk says. */
void sim_told_by_disk(struct sim_world *w, struct sim_lease *l);
bool sim_may_go_back_to(const struct sim_lease *l, int64_t deadline_s);
/* With every sweep: what could be armed again has been. */
void sim_check_again(struct sim_world *w);

/* --- calls.c: what drives a lease --- */
void sim_advance(struct sim_world *w, struct sim_lease *l);

/* --- rounds.c: the sweep --- */
void sim_sweep(struct sim_world *w);
void sim_rebuild(struct sim_world *w); /* with a lost database, before anybody is served */

/* --- check.c: the invariants --- */
void sim_check_create(struct sim_world *w, const struct sim_lease *l);
void sim_check_delete(struct sim_world *w, struct sim_object *object, bool by_lease);
void sim_check_adopted(struct sim_world *w, const struct sim_lease *l);
void sim_check_rebuilt(struct sim_world *w, const int *list, unsigned count);
void sim_check_hook(struct sim_world *w, const struct sim_object *object);
void sim_check_final(struct sim_world *w, const struct sim_lease *l);
void sim_check_disk(struct sim_world *w, const struct sim_lease *l);
void sim_check_end(struct sim_world *w, struct sim_figures *figures);
bool sim_all_over(const struct sim_world *w);

/* Runs one seed. True when every invariant held. */
bool sim_run(struct sim_world *w, uint64_t seed, const struct sim_cloud *cloud, int fault,
             bool hard, bool trace, struct sim_figures *figures);

#endif
