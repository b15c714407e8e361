/* SPDX-License-Identifier: ISC */
/* A program of the system (apt, dpkg-deb) that is run for what it writes. */
#ifndef API_CHILD_H
#define API_CHILD_H

#include "api/buf.h"

struct mir_wanted; /* api/provider.h */

/* Takes standard output as it comes; -1 with err ends the program. */
typedef int mir_child_take(void *ctx, const void *data, size_t len, struct mir_error *err);
/* Hears a line of standard error as it comes, without its end; of a long one the beginning. */
typedef void mir_child_hear(void *ctx, const char *line);

struct mir_child {
    const char *const *words;        /* NULL-terminated; the first is looked for in PATH */
    const char *folder;              /* to be in; NULL: here */
    mir_child_take *take;            /* NULL: nobody wants it */
    mir_child_hear *hear;            /* NULL: likewise; only the error has it in the end */
    void *ctx;                       /* of both */
    const struct mir_wanted *wanted; /* asked several times a second; NULL: wanted until its end */
};

/*
 * Blocking, until it has ended; its messages come in English, its questions meet the end of a file.
 * What it said on standard error ends up in the error. Where somebody is asked whether it is still
 * wanted it gets a process group of its own, and is ended with all that it has started by a no,
 * whose err is the call's. MIR_UNAVAILABLE when it is not there,
 * MIR_NO_SPACE when its complaint is that, MIR_FAILED when it ends with another status than 0,
 * whatever `take` said otherwise.
 */
int mir_child_run(const struct mir_child *child, struct mir_error *err);

#endif
