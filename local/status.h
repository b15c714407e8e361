/* SPDX-License-Identifier: ISC */
/*
 * status.json: what became of an instance, as its keeper saw it. The keeper writes it before it
 * starts the guest (so without it no guest ever ran), at every change, and last when the guest is
 * seen dead. Plain values.
 */
#ifndef LOCAL_STATUS_H
#define LOCAL_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "api/process.h"
#include "api/provider.h"

struct local_status {
    enum mir_instance_state state; /* starting, running, stopping, ended */
    struct mir_process keeper;
    struct mir_process guest; /* pid 0: none yet */
    int64_t deadline_s;
    int64_t expires_s;                  /* with the signature: the tags, which follow it */
    char signature[MIR_SIGNATURE_TEXT]; /* "": the tags are those of spec.json */
    int64_t started_ms;                 /* UTC; 0 not yet */
    int64_t first_output_ms;            /* UTC; 0 not yet */
    int64_t ended_ms;                   /* UTC; 0 not yet */
    char end_reason[160];
};

char *local_status_text(const struct local_status *status); /* owned */
int local_status_parse(const char *text, size_t len, struct local_status *ret,
                       struct mir_error *err);
int local_status_load(int dir_fd, struct local_status *ret, struct mir_error *err);
/* Whole or not at all for whoever looks. `durable`: survives a power loss too, which matters for a
 * promise (a deadline) but not for what a power loss ends anyway. */
int local_status_save(int dir_fd, const struct local_status *status, bool durable,
                      struct mir_error *err);

#endif
