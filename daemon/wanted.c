/* SPDX-License-Identifier: ISC */
#include "wanted.h"

#include "engine_parts.h"

static int check(void *ctx, struct mir_error *err)
{
    const struct mird_wanted *wanted = ctx;
    struct mird_engine *engine = wanted->engine;
    struct mird_deployment now;
    if (mird_engine_stopping(engine)) {
        mir_fail(err, MIR_UNAVAILABLE, "the daemon stops; the next one goes on with it");
        if (err)
            err->retry = MIR_RETRY_TRANSIENT;
        return -1;
    }
    if (mird_store_deployment_get(engine->core->store, wanted->id, &now, err))
        return -1;
    return now.end_reason == MIRD_END_NONE && mird_engine_now_ms(engine) < now.deadline_s * 1000
               ? 0
               : mir_fail(err, MIR_INTERRUPTED, "it is to end before it is ready");
}

void mird_wanted_init(struct mird_wanted *wanted, struct mird_engine *engine, const char *id)
{
    *wanted = (struct mird_wanted){.engine = engine, .id = id};
    wanted->wanted = (struct mir_wanted){.check = check, .ctx = wanted};
}
