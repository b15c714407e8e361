/* SPDX-License-Identifier: ISC */
/* The audit log is checked while the daemon runs: all of it after a start, then what is new. */
#include <inttypes.h>

#include "api/log.h"
#include "engine_parts.h"

#define ROWS 500 /* for which the store is held at once */

void mird_audit_watch(struct mird_engine *engine)
{
    struct mird_audit_check *check = &engine->audit;
    struct mir_error err = {0};
    int more = 1;
    if (check->broken)
        return; /* said already */
    while (more > 0 && !mird_engine_stopping(engine))
        more = mird_store_audit_check(engine->core->store, check, ROWS, &err);
    if (more < 0)
        mir_log(MIR_LOG_WARN, "audit", "the audit log cannot be checked: %s", err.text);
    if (check->broken)
        mir_log(MIR_LOG_ERROR, "audit",
                "THE AUDIT LOG IS BROKEN at row %" PRId64 ": %s. Somebody has changed the database "
                "behind the daemon's back; the %" PRId64 " rows before it are whole, and no lease "
                "depends on it",
                check->broken, check->why, check->entries);
}
