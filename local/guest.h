/* SPDX-License-Identifier: ISC */
/*
 * Starting the guest's process (QEMU or a tender) so that it cannot outlive its keeper: it dies by
 * SIGKILL when the keeper dies, holds the instance's lock while it lives, has no way to new
 * privileges and leaves no core file. Keeper only: single-threaded.
 */
#ifndef LOCAL_GUEST_H
#define LOCAL_GUEST_H

#include <sys/types.h>

#include "api/error.h"
#include "spec.h"

struct local_guest {
    pid_t pid;  /* 0: none */
    int pid_fd; /* readable: it ended, reap it */
    int in_fd;  /* the guest's serial input; -1 for tenders */
    int out_fd; /* the guest's console */
    int err_fd; /* the program's standard error */
    int qmp_fd; /* -1 for tenders */
};

/* The present directory is the instance's. Returns once the program is executing; all fds are
 * owned by *ret, non-blocking, and freed by local_guest_clear. */
int local_guest_start(const struct local_spec *spec, int lock_fd, struct local_guest *ret,
                      struct mir_error *err);
void local_guest_clear(struct local_guest *guest); /* does not end the process */

#endif
