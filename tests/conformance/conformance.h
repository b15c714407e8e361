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
    /* Complete the spec (lease, tags and name are set): kernel, kernel_path, memory, image. */
    void (*describe)(enum conformance_guest guest, struct mir_instance_spec *spec);
    /* How many guests of that name really run, by means independent of the provider. */
    unsigned (*running)(const char *name);
    bool ports;   /* can publish ports */
    bool console; /* has a console */
    /* Kill what guards the instance, as a crash would; NULL: nothing does. */
    void (*kill_guard)(const char *token);
    unsigned gone_s; /* how long a teardown may take to be seen */
};

/* The exit status for main. */
int conformance_run(const struct conformance_target *target);

/* For further checks of a target's own. */
struct conformance_case {
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
void conformance_case_end(struct conformance_case *c); /* deletes the instance */

/* Look until the instance is in that state; 0, or -1 after limit_ms. */
int conformance_wait(struct conformance_case *c, enum mir_instance_state state, int limit_ms);

extern const unsigned char conformance_key[32]; /* signs the tags */

#endif
