/* SPDX-License-Identifier: ISC */
/*
 * What is loaded (LD_PRELOAD) into every program of a tortured world, without a line of theirs
 * knowing: a clock that the test moves, and a numbered fault point at each call by which a process
 * acts on the world. The test and all processes share one page.
 *
 * MIRAGE_TORTURE_PAGE names the file of the page, MIRAGE_TORTURE_START says which start of the
 * daemon this is or comes from; MIRAGE_TORTURE_PLAN may be
 * "kill:NAME#N", "fail-before:NAME#N", "fail-after:NAME#N" or "hang:NAME#N", where NAME is like
 * "daemon.fdatasync.state.db-wal" and N counts over all processes that have the plan.
 */
#ifndef TORTURE_MEDDLE_H
#define TORTURE_MEDDLE_H

#include <stdatomic.h>
#include <stdint.h>

#define MEDDLE_RECORDS 16384
#define MEDDLE_NAME 64

/* Laid out as meddle.py has it. */
struct meddle_page {
    _Atomic int64_t utc_ms, boot_ms; /* what the clocks are ahead of the machine's */
    _Atomic uint32_t turn;           /* a futex: raised after each change of the above */
    _Atomic uint32_t set;            /* raised first when timers have to learn of the change */
    _Atomic uint32_t planned;        /* times that the planned name was passed */
    _Atomic uint32_t count;          /* points passed in all */
    _Atomic uint32_t start;          /* of the daemon: what an earlier one started counts no more */
    char pad[28];
    char names[MEDDLE_RECORDS][MEDDLE_NAME];
};

/* NULL: not one of ours, or before the constructor ran: nothing is meddled with. */
extern struct meddle_page *meddle_page;
extern uint32_t meddle_start_number;
extern char meddle_role[16]; /* "daemon", "keeper", "image", "public", "reap" */

enum meddle_mode { MEDDLE_NONE, MEDDLE_KILL, MEDDLE_FAIL_BEFORE, MEDDLE_FAIL_AFTER, MEDDLE_HANG };

void meddle_plan(const char *text);

extern uint32_t meddle_malloc_at; /* the allocation that fails; 0: none, and none is counted */

/* The environment of a child, with what makes it one of this world; owned, freed with free(). */
char **meddle_environment(char *const *env);

#endif
