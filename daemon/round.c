/* SPDX-License-Identifier: ISC */
#include "daemon/round.h"

#include <string.h>

void mird_round_judge(struct mird_round *round, const struct mir_instance *found, bool verified,
                      int64_t now_s, const struct mird_round_ops *ops, void *ctx)
{
    struct mird_sweep_view view = {.installation = round->installation,
                                   .verified = verified,
                                   .rebuilding = round->rebuilding,
                                   .adopt_only = round->adopt_only,
                                   .now_s = now_s};
    if (verified)
        view.known = ops->known(ctx, found->tags.deployment, &view.record);
    else if (!strcmp(found->tags.installation, round->installation))
        ops->forged(ctx, found);
    round->incomplete |= view.known < 0;
    enum mird_verdict_kind verdict = mird_sweep_verdict(found, &view);
    if (verdict == MIRD_ADOPT && ops->adopt(ctx, found))
        round->incomplete = true;
    if (verdict != MIRD_END)
        return;
    round->ended = true;
    ops->end(ctx, found, view.known > 0);
}

bool mird_round_rebuilt(const struct mird_round *round, bool whole)
{
    return whole && round->rebuilding && !round->incomplete;
}

int64_t mird_round_pause_ms(const struct mird_round *round, bool failed, int64_t pace_ms)
{
    const int64_t again_ms = MIRD_SWEEP_AGAIN_S * INT64_C(1000);
    bool again = failed || round->ended || round->incomplete;
    return again && pace_ms > again_ms ? again_ms : pace_ms;
}
