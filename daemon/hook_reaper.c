/* SPDX-License-Identifier: ISC */
#include "hook_reaper.h"

#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "daemon/core.h"

#define ASK_EVERY_MS 10000
#define ABSENT_AGAIN_S 900

static void complain(struct mird_reaper_heard *heard, const struct mir_error *said)
{
    snprintf(heard->why, sizeof heard->why, "%.100s", said->text);
}

static void ask_account(struct mird_reaper_heard *heard, const struct mird_core *core,
                        struct mir_prov *prov)
{
    struct mir_caller caller;
    struct mir_error said = {0};
    struct mird_pass word;
    mir_auto_buf struct mir_buf text;
    mir_buf_init(&text, MIR_NOTE_MAX + 1);
    if (mir_prov_caller(prov, &caller, &said)) {
        complain(heard, &said);
        return;
    }
    mir_copy(heard->account, sizeof heard->account, caller.account);
    int rc = mir_prov_note_get(prov, &text, &said);
    if (!rc)
        rc = mird_pass_read(mir_buf_text(&text), text.len, &core->identity,
                            mir_prov_info(prov)->name, &word, &said);
    /* What was verified once holds as long as it says; what could not be asked now says nothing. */
    if (!rc)
        heard->words[MIRD_WORD_ACCOUNT] = word;
    else if (said.kind != MIR_NOT_FOUND)
        complain(heard, &said);
    if (!rc || said.kind == MIR_NOT_FOUND || said.kind == MIR_CORRUPT)
        heard->have[MIRD_WORD_ACCOUNT] = !rc;
}

static void ask_here(struct mird_reaper_heard *heard, const struct mird_core *core,
                     const struct mir_prov *prov)
{
    struct mir_error said = {0};
    int rc = mird_pass_load(core->state_dir, &core->identity, mir_prov_info(prov)->name,
                            &heard->words[MIRD_WORD_HERE], &said);
    heard->have[MIRD_WORD_HERE] = !rc;
    if (rc && said.kind != MIR_NOT_FOUND)
        complain(heard, &said);
}

/* Many leases may want to know at once; as long as all is well one question serves them. */
static void ask(struct mird_reaper_heard *heard, const struct mird_core *core,
                struct mir_prov *prov)
{
    int64_t now_ms = core->clock->boot_ms(core->clock->ctx);
    bool lately = heard->asked_boot_ms && now_ms - heard->asked_boot_ms < ASK_EVERY_MS;
    if (lately && heard->well)
        return;
    heard->why[0] = '\0';
    ask_here(heard, core, prov);
    ask_account(heard, core, prov);
    heard->asked_boot_ms = core->clock->boot_ms(core->clock->ctx);
}

/* An armed one before one that has failed, that before one that never was. */
static bool better(const struct mir_hook *a, const struct mir_hook *b)
{
    static const int rank[] = {[MIR_HOOK_OFF] = 0, [MIR_HOOK_FAILED] = 1, [MIR_HOOK_ARMED] = 2};
    return rank[a->state] > rank[b->state];
}

/* What never was has not failed, whether nobody has said it or it may not be asked for. */
static void nothing_heard(const struct mird_reaper_heard *heard, struct mir_hook *ret)
{
    ret->state = MIR_HOOK_OFF;
    ret->again_after_s = ABSENT_AGAIN_S;
    snprintf(ret->detail, sizeof ret->detail, "%s%.100s",
             *heard->why ? "cannot be verified: "
                         : "no mirage-reap with --every has said that it comes",
             heard->why);
}

bool mird_hook_reaper(struct mird_reaper_heard *heard, const struct mird_core *core,
                      struct mir_prov *prov, const char *place, int64_t deadline_s, int64_t now_s,
                      struct mir_hook *ret)
{
    struct mir_hook best = {.name = "reaper"}, one = best;
    bool any = false;
    if (!mir_prov_info(prov)->note_get)
        return false;
    pthread_mutex_lock(&heard->lock);
    ask(heard, core, prov);
    for (unsigned i = 0; i < MIRD_WORD_COUNT; i++) {
        if (!heard->have[i])
            continue;
        mird_pass_judge(&heard->words[i], heard->account, place, deadline_s, now_s, &one);
        if (!any || better(&one, &best))
            best = one;
        any = true;
    }
    if (!any)
        nothing_heard(heard, &best);
    heard->well = best.state == MIR_HOOK_ARMED;
    pthread_mutex_unlock(&heard->lock);
    *ret = best;
    return true;
}
