/* SPDX-License-Identifier: ISC */
/*
 * Runs a program of the user's to its end, without a shell: found on PATH, nothing to read, its
 * output taken, in a process group of its own that is killed at the time limit. Blocking; any
 * thread.
 *
 * What it prints may hold secrets: it is wiped when freed and never part of an error.
 */
#ifndef EC2_COMMAND_H
#define EC2_COMMAND_H

#include <stddef.h>

#include "api/cleanup.h"
#include "api/error.h"

#define EC2_COMMAND_OUT_MAX 65536

struct ec2_command {
    char *out; /* owned, NUL-terminated; NULL: nothing was run */
    size_t out_len;
    char complaint[400]; /* what it wrote on standard error, in one line, cut */
    int status;          /* as from waitpid */
};

/* Any status is a success. MIR_NOT_FOUND or as errno says: it cannot be run. MIR_TIMEOUT: it was
 * killed. MIR_CORRUPT: more output than EC2_COMMAND_OUT_MAX. ret is to be cleared in any case. */
int ec2_command_run(char *const *words, int timeout_ms, struct ec2_command *ret,
                    struct mir_error *err);
void ec2_command_clear(struct ec2_command *command);
#define ec2_auto_command MIR_CLEANUP(ec2_command_clear)

#endif
