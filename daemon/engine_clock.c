/* SPDX-License-Identifier: ISC */
/* What time it is for the engine: the latest that the machine, the store and the providers say.
 * The decisions are turn.c's; here is where they are asked and written down. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/log.h"
#include "api/memory.h"
#include "api/process.h"
#include "engine_parts.h"

#define MARK "clock" /* the setting: "UTC_MS BOOT_MS BOOT_ID" */
#define TELL_MS 2000 /* a Date has whole seconds; less than this is no news */

static void read_mark(struct mird_store *store, struct mird_now_mark *ret)
{
    char *text = mird_store_setting_get(store, MARK);
    struct mird_now_mark mark = {0};
    if (text &&
        sscanf(text, "%" SCNd64 " %" SCNd64 " %39s", &mark.utc_ms, &mark.boot_ms, mark.boot) == 3)
        *ret = mark;
    free(text);
}

void mird_engine_clock_begin(struct mird_engine *engine)
{
    const struct mir_clock *clock = engine->core->clock;
    struct mird_store *store = engine->core->store;
    struct mird_now_mark mark = {0};
    struct mir_error err = {0};
    struct mir_process self = {0};
    int64_t newest_ms = 0;
    if (mir_process_of(getpid(), &self, &err))
        mir_log(MIR_LOG_WARN, "engine", "%s", err.text);
    if (mird_store_newest_ms(store, &newest_ms, &err))
        mir_log(MIR_LOG_ERROR, "engine", "the newest moment in the store: %s", err.text);
    if (newest_ms)
        read_mark(store, &mark);
    int64_t boot_ms = clock->boot_ms(clock->ctx), utc_ms = clock->utc_ms(clock->ctx);
    int64_t least_ms = mird_now_since(&mark, self.boot_id, boot_ms);
    if (newest_ms > least_ms)
        least_ms = newest_ms;
    if (least_ms - utc_ms > TELL_MS)
        mir_log(MIR_LOG_ERROR, "engine",
                "this machine's clock is %" PRId64 " s behind what the store has seen; the leases "
                "go by the store. Set the clock",
                (least_ms - utc_ms) / 1000);
    mird_now_begin(&engine->now, utc_ms, boot_ms, least_ms);
}

void mird_engine_clock_mark(struct mird_engine *engine)
{
    struct mird_store *store = engine->core->store;
    struct mir_error err = {0};
    struct mir_process self;
    char text[96];
    size_t open = 0;
    if (mird_store_open_count(store, 1, &open, NULL) || !open ||
        mir_process_of(getpid(), &self, NULL))
        return;
    int64_t now_ms = mird_engine_now_ms(engine);
    snprintf(text, sizeof text, "%" PRId64 " %" PRId64 " %s", now_ms, mird_engine_boot_ms(engine),
             self.boot_id);
    if (mird_store_setting_note(store, MARK, text, &err))
        mir_log(MIR_LOG_WARN, "engine", "the time cannot be written down: %s", err.text);
}

void mird_engine_clock_listen(struct mird_engine *engine, const struct mir_prov *prov)
{
    int64_t told_ms, at_boot_ms;
    if (!mir_prov_date(prov, &told_ms, &at_boot_ms))
        return;
    mird_engine_now_ms(engine); /* what the machine's own clock did comes first */
    pthread_mutex_lock(&engine->lock);
    int64_t ahead_ms = mird_now_told(&engine->now, told_ms, at_boot_ms);
    pthread_mutex_unlock(&engine->lock);
    if (ahead_ms < TELL_MS)
        return;
    mir_log(MIR_LOG_ERROR, "engine",
            "%s says that it is %" PRId64 " s later than this machine thinks: believed, since late "
            "is not cheap. Looking at every lease; set the clock",
            mir_prov_info(prov)->name, ahead_ms / 1000);
    mird_reaper_everyone(engine);
}
