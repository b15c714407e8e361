/* SPDX-License-Identifier: ISC */
/* Until what was asked for is there. */
#include <string.h>

#include "api/memory.h"
#include "put.h"

#define POLL_MS 1000

/* What EC2 says of a thing; the state is "" while it does not know it yet. */
struct seen {
    char state[EC2_WORD_TEXT];
    char why[160]; /* "" it does not say */
};

typedef int seen_fn(struct put *put, struct seen *ret, struct mir_error *err);

static void see(struct seen *ret, const char *state, const char *why)
{
    mir_copy(ret->state, sizeof ret->state, state);
    mir_copy(ret->why, sizeof ret->why, why);
}

static int see_import(struct put *put, struct seen *ret, struct mir_error *err)
{
    const char *const ids[] = {put->task};
    const struct ec2_describe args = {.ids = ids, .id_count = 1};
    struct ec2_import_tasks found = {.rows = NULL};
    struct mir_error said = {0};
    int rc = ec2_describe_import_tasks(put->session, &args, put->until_ms, &found, &said);
    if (!rc && found.count) {
        see(ret, found.rows[0].state, found.rows[0].state_message);
        mir_copy(put->snapshot, sizeof put->snapshot, found.rows[0].snapshot_id);
    }
    ec2_import_tasks_clear(&found);
    return cloud_gone(rc, &said, err);
}

static int see_that(struct put *put, const char *snapshot, struct seen *ret, struct mir_error *err)
{
    const char *const ids[] = {snapshot};
    const struct ec2_describe_snapshots_args args = {.ids = ids, .id_count = 1};
    struct ec2_snapshots found = {.rows = NULL};
    struct mir_error said = {0};
    int rc = ec2_describe_snapshots(put->session, &args, put->until_ms, &found, &said);
    if (!rc && found.count)
        see(ret, found.rows[0].state, found.rows[0].state_message);
    ec2_snapshots_clear(&found);
    return cloud_gone(rc, &said, err);
}

static int see_snapshot(struct put *put, struct seen *ret, struct mir_error *err)
{
    return see_that(put, put->snapshot, ret, err);
}

static int see_image(struct put *put, struct seen *ret, struct mir_error *err)
{
    const char *const ids[] = {put->image};
    const struct ec2_describe_images_args args = {.ids = ids, .id_count = 1};
    struct ec2_images found = {.rows = NULL};
    struct mir_error said = {0};
    int rc = ec2_describe_images(put->session, &args, put->until_ms, &found, &said);
    if (!rc && found.count)
        see(ret, found.rows[0].state, found.rows[0].state_reason);
    ec2_images_clear(&found);
    return cloud_gone(rc, &said, err);
}

/* --- the waiting --- */

struct awaited {
    const char *what, *ready, *broken;
    seen_fn *look;
};

static bool time_left(const struct put *put)
{
    return put->until_ms > ec2_until(put->session, POLL_MS);
}

static int not_yet(const struct awaited *thing, const char *id, struct mir_error *err)
{
    mir_fail(err, MIR_TIMEOUT, "%s %s is not ready yet", thing->what, id);
    if (err) {
        err->outcome = MIR_OUTCOME_UNKNOWN;
        err->retry = MIR_RETRY_TRANSIENT;
    }
    return -1;
}

static int await(struct put *put, const struct awaited *thing, const char *id,
                 struct mir_error *err)
{
    do {
        struct seen seen = {.state = ""};
        if (thing->look(put, &seen, err))
            return -1;
        if (!strcmp(seen.state, thing->ready))
            return 0;
        if (!strcmp(seen.state, thing->broken))
            return mir_fail(err, MIR_FAILED, "EC2 could not make %s %s%s%s", thing->what, id,
                            *seen.why ? ": " : "", seen.why);
        cloud_pause_ms(POLL_MS);
        if (mir_prov_wanted(put->spec, err))
            return -1;
    } while (time_left(put));
    return not_yet(thing, id, err);
}

int cloud_put_wait_import(struct put *put, struct mir_error *err)
{
    static const struct awaited import = {"import", "completed", "deleted", see_import};
    return await(put, &import, put->task, err);
}

int cloud_put_wait_snapshot(struct put *put, struct mir_error *err)
{
    static const struct awaited snapshot = {"snapshot", "completed", "error", see_snapshot};
    return await(put, &snapshot, put->snapshot, err);
}

int cloud_put_stands(struct put *put, const char *snapshot, bool *ret, struct mir_error *err)
{
    struct seen seen = {.state = ""};
    int rc = see_that(put, snapshot, &seen, err);
    *ret = !rc && !strcmp(seen.state, "completed");
    return rc;
}

int cloud_put_wait_image(struct put *put, struct mir_error *err)
{
    static const struct awaited image = {"image", "available", "failed", see_image};
    return await(put, &image, put->image, err);
}
