/* SPDX-License-Identifier: ISC */
/*
 * One list of checks for every provider: what api/provider.h promises, tried out. A provider's own
 * test program describes itself in a conformance_target and runs the list; checks that need what a
 * target does not have are skipped by name.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include "api/provider.h"

/* What the guest of a check does, after it has printed CONFORMANCE_BANNER on its console. */
enum conformance_guest {
    GUEST_IDLE,     /* stays */
    GUEST_ECHO,     /* stays, and says what is said to it; takes console deadlines */
    GUEST_EXIT,     /* ends itself with a status of 5 */
    GUEST_POWEROFF, /* powers the machine off */
    GUEST_RESET,    /* crashes into a reset */
    GUEST_FLOOD,    /* never stops talking */
    GUEST_COUNT
};

#define CONFORMANCE_BANNER "conformance guest\n"

struct conformance_target {
    const struct mir_provider *provider;
    struct mir_provider_env env; /* state_dir: fresh, the target removes it */
    /* Complete the spec (lease, tags and name are set): kernel, kernel_path, memory. */
    void (*describe)(enum conformance_guest guest, struct mir_instance_spec *spec);
    /* How many guests of that name really run, by means independent of the provider. */
    unsigned (*running)(const char *name);
    /* The same of whatever there is of a lease, of any kind; NULL: nobody but the provider knows.
     */
    unsigned (*left)(const char *token);
    /* Let time pass on env.clock and at the provider; NULL: it is waited for. */
    void (*passes)(int64_t ms);
    /* Where no machine runs: do what a guest does that was just launched; NULL: it does. */
    void (*play)(enum conformance_guest guest, const char *name);
    bool ports;           /* can publish ports */
    bool console;         /* has a console */
    bool console_live;    /* of which nothing is to be had after the end but what was seen before */
    bool first_output;    /* says when the console began */
    bool vanishes;        /* what was ended is not shown any more, only what it has left */
    bool armed_by_create; /* the deadline is kept from the launch on, without hooks_arm */
    /* What end_reason has to hold; NULL: whatever it says. */
    const char *deadline_reason;
    /* The same of guests that end their instance; NULL: they do not. */
    const char *reasons[GUEST_COUNT];
    /* Kill what guards the instance, as a crash would; NULL: nothing does. */
    void (*kill_guard)(const char *token);
    /* By env.clock: */
    unsigned look_ms; /* between two looks of somebody who waits */
    unsigned lease_s; /* a lease whose end is waited for */
    unsigned gone_s;  /* how long a teardown may take to be seen, and a deadline to be kept */
};

/* The exit status for main. */
int conformance_run(const struct conformance_target *target);

/* For further checks of a target's own. */
struct conformance_case {
    const struct conformance_target *target;
    enum conformance_guest guest;
    bool played;
    bool vanishes; /* it has run, and somebody else than its guest ends it now */
    struct mir_prov *prov;
    struct mir_lease lease;
    struct mir_kernel kernel;
    char kernel_path[512];
    struct mir_instance_spec spec;
    struct mir_instance instance;
    struct mir_error err;
};

/* A case with a fresh durable lease of ttl_s and signed tags; nothing is created yet. */
struct conformance_case *conformance_case_new(const struct conformance_target *target,
                                              enum conformance_guest guest, int64_t ttl_s);
/* The image where the provider wants one, and the instance, which plays its guest. */
void conformance_create(struct conformance_case *c);
/* Deletes until nothing of it is there. */
void conformance_case_end(struct conformance_case *c);

/* Look until the instance is in that state; 0, or -1 after limit_ms. */
int conformance_wait(struct conformance_case *c, enum mir_instance_state state, int limit_ms);

extern const unsigned char conformance_key[32]; /* signs the tags */

#endif
