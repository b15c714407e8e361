/* SPDX-License-Identifier: ISC */
/* Inside the store: what a deployment's row is looked up by, and what is told of a change in the
 * same transaction. With the store's lock held. */
#ifndef MIRD_STORE_CHANGE_H
#define MIRD_STORE_CHANGE_H

#include "daemon/store.h"

int64_t mird_row_final(const struct mird_deployment *d);
/* When a new process has to look at it first; 0: at once. */
int64_t mird_row_wake_s(const struct mird_deployment *d);
int64_t mird_row_state(const struct mird_deployment *d);
int64_t mird_row_worst_micro(const struct mird_deployment *d);

/* News as they are on their way: what is mostly there, and the rest where there is any. */
struct mird_told {
    const struct mird_event *events;
    const struct mird_audit *audits;
    unsigned event_count, audit_count;
    const struct mird_news *rest; /* ends and operation; NULL: none */
};

struct mird_told mird_told_of(const struct mird_news *news);
int mird_change_tell(struct mird_store *store, const struct mird_deployment *d,
                     const struct mird_told *told, int64_t now_ms, struct mir_error *err);
int mird_change_audit(struct mird_store *store, const struct mird_deployment *d,
                      const struct mird_audit *told, int64_t now_ms, struct mir_error *err);

#endif
