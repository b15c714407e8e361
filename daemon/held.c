/* SPDX-License-Identifier: ISC */
#include "daemon/held.h"

#include <string.h>

#include "api/cleanup.h"

void mird_held_begin(struct mird_held *held, const struct mird_deployment *d, int64_t stepped_ms)
{
    mird_deployment_copy(&held->d, d);
    mird_deployment_copy(&held->stored, d);
    held->dirty = false;
    held->stepped_ms = stepped_ms;
}

void mird_held_restarted(struct mird_held *held, int64_t now_ms)
{
    const struct mird_input restarted = {.kind = MIRD_IN_RESTARTED};
    enum mird_weight weight;
    mird_lease_apply(&held->d, &held->rules, &restarted, now_ms, &weight, NULL);
}

/* --- a change --- */

/* A clock that was set ahead is no time that has passed: what the machine waits for (a settling
 * time above all) keeps its length. */
static void follow_clock(struct mird_held *held, int64_t stepped_ms)
{
    if (stepped_ms != held->stepped_ms)
        mird_lease_stepped(&held->d, stepped_ms - held->stepped_ms);
    held->stepped_ms = stepped_ms;
}

int mird_held_apply(struct mird_held *held, struct mird_change *change, int64_t now_ms,
                    int64_t stepped_ms, struct mir_error *err)
{
    bool was_over = held->d.finished_s != 0;
    change->now_ms = now_ms;
    follow_clock(held, stepped_ms);
    if (mird_turn_must(change->input, change->op)) /* copying costs */
        mird_deployment_copy(&change->before, &held->d);
    if (mird_turn_apply(&held->d, &held->stored, &held->rules, change->input, change->op, now_ms,
                        &change->turn, &change->news, err))
        return -1;
    change->ended = !was_over && change->turn.weight != MIRD_UNCHANGED;
    return 0;
}

int mird_held_settle(struct mird_held *held, const struct mird_change *change, int rc)
{
    if (!rc)
        return 0;
    enum mird_unwritten what = mird_turn_unwritten(&change->turn, change->input);
    if (what == MIRD_TAKE_BACK)
        mird_deployment_copy(&held->d, &change->before);
    /* Also what was taken back: it may be on the disk all the same, and whoever reads the record
     * there next must not find what was told not to have happened. */
    held->dirty = true;
    return what == MIRD_GO_ON ? 0 : -1;
}

/* --- the store --- */

static bool same_record(const struct mird_deployment *a, const struct mird_deployment *b)
{
    mir_auto_free char *left = mird_deployment_record(a), *right = mird_deployment_record(b);
    return !strcmp(left, right);
}

/* Only this process writes it, so what is on the disk says what became of a write that failed: it
 * may have been done all the same, or an earlier one may have been. */
static int commit_again(struct mird_held *held, const struct mird_shelf *shelf,
                        const struct mird_news *news, int64_t now_ms, struct mir_error *err)
{
    struct mird_deployment on_disk;
    if (shelf->get(shelf->ctx, held->d.id, &on_disk, NULL))
        return -1;
    if (err->kind != MIR_CONFLICT) {
        if (on_disk.version != held->stored.version + 1 || !same_record(&on_disk, &held->d))
            return -1;
        held->d.version = on_disk.version;
        return 0;
    }
    held->d.version = on_disk.version;
    return shelf->put(shelf->ctx, &held->d, news, now_ms, err);
}

int mird_held_commit(struct mird_held *held, const struct mird_shelf *shelf,
                     const struct mird_news *news, int64_t now_ms, struct mir_error *err)
{
    struct mir_error why = {0};
    held->d.version = held->stored.version;
    int rc = shelf->put(shelf->ctx, &held->d, news, now_ms, &why);
    if (rc && why.kind == MIR_NO_SPACE && held->d.end_reason != MIRD_END_NONE) {
        shelf->make_room(shelf->ctx);
        rc = shelf->put(shelf->ctx, &held->d, news, now_ms, &why);
    }
    if (rc)
        rc = commit_again(held, shelf, news, now_ms, &why);
    if (!rc) {
        mird_deployment_copy(&held->stored, &held->d);
        held->dirty = false;
    } else if (err) {
        *err = why;
    }
    return rc;
}

void mird_held_written(struct mird_held *held, int rc)
{
    if (rc) {
        held->dirty = true;
        return;
    }
    held->d.version++;
    mird_deployment_copy(&held->stored, &held->d);
}

void mird_held_left(const struct mird_held *held, int64_t now_ms, struct mird_news *ret)
{
    const struct mird_input nothing = {.kind = MIRD_IN_TICK};
    mird_lease_news(&held->stored, &held->d, &nothing, now_ms, ret);
}
