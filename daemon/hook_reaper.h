/* SPDX-License-Identifier: ISC */
/*
 * The hook "reaper": a mirage-reap that comes again, here by its word in the state directory or
 * elsewhere by its note in the account (daemon/pass.h). It is asked for at most every few seconds
 * for each provider, however many leases there are.
 *
 * Any thread; blocking, as long as the provider's questions take.
 */
#ifndef MIRD_HOOK_REAPER_H
#define MIRD_HOOK_REAPER_H

#include <pthread.h>

#include "daemon/pass.h"

struct mird_core;

enum mird_word { MIRD_WORD_ACCOUNT, MIRD_WORD_HERE, MIRD_WORD_COUNT };

/* What was last heard of the reapers of a provider. */
struct mird_reaper_heard {
    pthread_mutex_t lock;  /* of all below */
    int64_t asked_boot_ms; /* 0: never */
    char account[MIR_ACCOUNT_TEXT];
    bool have[MIRD_WORD_COUNT];
    struct mird_pass words[MIRD_WORD_COUNT];
    bool well;     /* the last answer was that it counts */
    char why[120]; /* something could not be asked or was not ours; "" */
};

/* False: the provider has no such hook. place "": any. */
bool mird_hook_reaper(struct mird_reaper_heard *heard, const struct mird_core *core,
                      struct mir_prov *prov, const char *place, int64_t deadline_s, int64_t now_s,
                      struct mir_hook *ret);

#endif
