/* SPDX-License-Identifier: ISC */
#include "daemon/epoch.h"

#include <string.h>

#include "api/memory.h"

bool mird_epoch_same(const struct mird_epoch_row *a, const struct mird_epoch_row *b)
{
    return a->epoch == b->epoch && a->beat == b->beat && !strcmp(a->holder, b->holder);
}

/* The number alone would do in one store; the name tells two stores apart, the second of which was
 * begun anew after the first was deleted. */
bool mird_epoch_mine(const struct mird_epoch_row *row, const struct mird_epoch_row *claim)
{
    return claim->epoch > 0 && row->epoch == claim->epoch && !strcmp(row->holder, claim->holder);
}

struct mird_epoch_row mird_epoch_taken(const struct mird_epoch_row *row, const char *holder)
{
    struct mird_epoch_row taken = {.epoch = row->epoch + 1};
    mir_copy(taken.holder, sizeof taken.holder, holder);
    return taken;
}

struct mird_epoch_row mird_epoch_answered(const struct mird_epoch_row *row)
{
    struct mird_epoch_row answered = *row;
    answered.beat++;
    return answered;
}

struct mird_epoch_row mird_epoch_released(const struct mird_epoch_row *row)
{
    return (struct mird_epoch_row){.epoch = row->epoch, .beat = row->beat};
}

enum mird_epoch_verdict mird_epoch_look(struct mird_epoch_watch *watch,
                                        const struct mird_epoch_row *row, bool process_gone,
                                        int64_t silence_ms, int64_t boot_ms)
{
    bool changed = !watch->has_seen || !mird_epoch_same(&watch->seen, row);
    int64_t passed_ms = boot_ms - watch->looked_boot_ms;
    if (passed_ms > 2 * MIRD_EPOCH_ASK_MS)
        passed_ms = 2 * MIRD_EPOCH_ASK_MS;
    watch->silent_ms = changed ? 0 : watch->silent_ms + passed_ms;
    watch->seen = *row;
    watch->has_seen = true;
    watch->looked_boot_ms = boot_ms;
    bool handed_back = !row->holder[0];
    return process_gone || handed_back || watch->silent_ms >= silence_ms ? MIRD_EPOCH_TAKE
                                                                         : MIRD_EPOCH_WAIT;
}
