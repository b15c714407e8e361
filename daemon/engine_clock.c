/* SPDX-License-Identifier: ISC */
/* What time it is for the engine: the latest that the machine, the store and the providers say.
 * The decisions are turn.c's; here is where they are asked and written down. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/log.h"
#include "api/memory.h"
#include "api/process.h"
#include "engine_parts.h"

#define MARK_FORMAT "%016" PRId64 " %016" PRId64 " %39s\n" /* UTC_MS BOOT_MS BOOT_ID */
#define MARK_BYTES 74

static char *mark_path(const struct mird_engine *engine)
{
    return mir_format("%s/clock", engine->core->state_dir);
}

/* A file of its own, written over in place, because nobody waits for it: an unsynced commit in the
 * store's log would take later ones with it when a sync fails. The line stands there twice, and
 * what differs, torn or damaged, is no mark. */
static void read_mark(const struct mird_engine *engine, struct mird_now_mark *ret)
{
    mir_auto_free char *path = mark_path(engine);
    char text[2 * MARK_BYTES + 1] = "";
    struct mird_now_mark mark = {0};
    mir_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && pread(fd, text, 2 * MARK_BYTES, 0) == 2 * MARK_BYTES &&
        !memcmp(text, text + MARK_BYTES, MARK_BYTES) &&
        sscanf(text, "%" SCNd64 " %" SCNd64 " %39s", &mark.utc_ms, &mark.boot_ms, mark.boot) == 3)
        *ret = mark;
}

static int write_mark(struct mird_engine *engine, const char *boot, struct mir_error *err)
{
    mir_auto_free char *path = mark_path(engine);
    char text[2 * MARK_BYTES + 1];
    int64_t now_ms = mird_engine_now_ms(engine);
    int n = snprintf(text, sizeof text, MARK_FORMAT, now_ms, mird_engine_boot_ms(engine), boot);
    mir_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (n != MARK_BYTES)
        return mir_fail(err, MIR_INTERNAL, "a mark of %d bytes", n);
    memcpy(text + MARK_BYTES, text, MARK_BYTES);
    if (fd < 0 || pwrite(fd, text, 2 * MARK_BYTES, 0) != 2 * MARK_BYTES)
        return mir_fail_errno(err, errno, "cannot write %s", path);
    return 0;
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
        read_mark(engine, &mark);
    int64_t boot_ms = clock->boot_ms(clock->ctx), utc_ms = clock->utc_ms(clock->ctx);
    int64_t least_ms = mird_now_least(&mark, newest_ms, self.boot_id, boot_ms);
    if (least_ms - utc_ms > MIRD_TOLD_MS)
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
    size_t open = 0;
    if (mird_store_open_count(store, 1, &open, NULL) || !open ||
        mir_process_of(getpid(), &self, NULL))
        return;
    if (write_mark(engine, self.boot_id, &err))
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
    if (ahead_ms < MIRD_TOLD_MS)
        return;
    mir_log(MIR_LOG_ERROR, "engine",
            "%s says that it is %" PRId64 " s later than this machine thinks: believed, since late "
            "is not cheap. Looking at every lease; set the clock",
            mir_prov_info(prov)->name, ahead_ms / 1000);
    mird_reaper_everyone(engine);
}
