/* SPDX-License-Identifier: ISC */
/*
 * Processes named so that a re-used pid can never be mistaken for the one that was meant: a pid
 * counts only together with its start time (field 22 of /proc/PID/stat) and the machine's boot id.
 */
#ifndef API_PROCESS_H
#define API_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#include "api/error.h"

#define MIR_BOOT_ID_TEXT 37

struct mir_process {
    pid_t pid;            /* 0: none */
    uint64_t start_ticks; /* since boot, in clock ticks */
    char boot_id[MIR_BOOT_ID_TEXT];
};

/* Describe a live process (of ours or not). */
int mir_process_of(pid_t pid, struct mir_process *ret, struct mir_error *err);

/* A pidfd for exactly that process (owned), or -1 when it is not alive any more. A zombie counts
 * as not alive. */
int mir_process_open(const struct mir_process *process);
int mir_process_alive(const struct mir_process *process); /* 1 or 0 */

/* Send a signal to exactly that process; 0 also when it is gone already. */
int mir_process_signal(const struct mir_process *process, int sig, struct mir_error *err);

/* Wait until it is gone, at most timeout_ms; 0 gone, -1 still there (MIR_TIMEOUT). */
int mir_process_wait_gone(const struct mir_process *process, int timeout_ms, struct mir_error *err);

/* Where a program of this house lies: beside the running one, or in the libexec directory of the
 * installation. Owned, or NULL with MIR_NOT_FOUND. */
char *mir_program_path(const char *name, struct mir_error *err);

/* A program of others: the one on PATH, or itself when the name holds a slash. Owned, absolute,
 * links followed; or NULL with MIR_NOT_FOUND. */
char *mir_program_search(const char *name, struct mir_error *err);

/* The same for a file or folder that is no program: beside the running program, or in the data
 * directory of the installation. */
char *mir_data_path(const char *name, struct mir_error *err);

#endif
