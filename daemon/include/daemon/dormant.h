/* SPDX-License-Identifier: ISC */
/*
 * A lease at rest: its document is dropped, and read again when somebody works with it or when a
 * listing shows that its instance has changed. Pure: no I/O, no clock.
 */
#ifndef DAEMON_DORMANT_H
#define DAEMON_DORMANT_H

#include "daemon/drive.h"
#include "daemon/held.h"

/* May its document be dropped until its deadline, as far as record and drive go? */
bool mird_may_rest(const struct mird_held *held, const struct mird_drive *drive);

/* What is kept of the last moment of a possible create: whole seconds of the boot-time clock,
 * rounded up, 0 for none; and that moment again, as the wall clock has it now. */
uint32_t mird_rest_created_s(const struct mird_deployment *d, int64_t now_ms, int64_t boot_ms);
int64_t mird_rest_created_ms(uint32_t created_boot_s, int64_t now_ms, int64_t boot_ms);

/* A listing shows something of a lease at rest, by our signature. KEEPS: it goes on resting, and
 * its instance was seen in this round; WAKES: a look by its token decides; NOTHING: no instance,
 * which says nothing of one. A lease that rested all through a whole listing and was not seen in
 * it is woken as well. */
enum mird_rest_sign { MIRD_REST_NOTHING, MIRD_REST_KEEPS, MIRD_REST_WAKES };
enum mird_rest_sign mird_rest_shown(const struct mir_instance *found);

#endif
