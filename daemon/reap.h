/* SPDX-License-Identifier: ISC */
/*
 * mirage-reap: ends what is past its deadline at one provider, by the tags alone. It needs the
 * provider's credentials and <state>/identity; no daemon, no database, no lock: deletes are
 * idempotent, so it may run twice at once and beside a daemon.
 *
 * One call, one thread, blocking at most about a minute beyond what the provider takes.
 */
#ifndef MIRD_REAP_H
#define MIRD_REAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/provider.h"
#include "daemon/identity.h"

struct mird_reap {
    struct mir_prov *prov; /* borrowed */
    const struct mird_identity *identity;
    const struct mir_clock *clock;
    int64_t grace_s; /* past the deadline: a daemon that lives gets there first */
    bool list_only;
};

/* *ret (new reference): {"provider","checked_at","orphans":[{"id","deployment","name","state",
 * "expires_at","overdue_s","outcome","receipt","error"}],"kept","foreign","wrong_signature"};
 * outcome is "listed", "ended", "extended" (meanwhile) or "left". The receipt of what was ended:
 * {"objects":[{"kind", "id"}],"delete_sent_at","delete_accepted_at","evidence":[the listing and the
 * get that found it gone]}; else null. -1 when nothing could be listed (*ret is NULL then), or
 * MIR_PARTIAL with the ids of what could not be ended. */
int mird_reap_run(const struct mird_reap *reap, json_t **ret, struct mir_error *err);

#endif
