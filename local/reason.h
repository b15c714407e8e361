/* SPDX-License-Identifier: ISC */
/*
 * Why an instance ended or could not be started, in words for people: from what the keeper did,
 * the status of the guest's process, QEMU's own word and the last line it wrote to standard error.
 * Pure.
 */
#ifndef LOCAL_REASON_H
#define LOCAL_REASON_H

#include "api/error.h"
#include "spec.h"

enum local_cause { LOCAL_CAUSE_NONE, LOCAL_CAUSE_DEADLINE, LOCAL_CAUSE_ASKED, LOCAL_CAUSE_SIGNAL };

struct local_end {
    enum local_cause cause;   /* what the keeper did, if anything */
    int wait_status;          /* of waitpid */
    const char *shutdown;     /* QEMU's word; "" none */
    const char *console_tail; /* the last that the guest said */
    const char *stderr_text;  /* "" nothing */
};

/* The last line of a program's complaints that says something: warnings are passed over, what is
 * not printable ASCII becomes '?', QEMU's own name in front is left out. "" when there is none. */
void local_last_line(const char *text, char *ret, size_t size);

void local_end_reason(const struct local_spec *spec, const struct local_end *end, char *ret,
                      size_t size);

/* The program ended before the machine ran: fills err (never NULL). */
void local_start_failure(const struct local_spec *spec, const struct local_end *end,
                         struct mir_error *err);

#endif
