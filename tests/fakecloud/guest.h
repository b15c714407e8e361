/* SPDX-License-Identifier: ISC */
/*
 * One machine: a QEMU that was started here. It dies with the thread that started it, and so with
 * the fake. One thread; nothing here waits for a guest, but for the moment that a killed one takes.
 */
#ifndef FAKECLOUD_GUEST_H
#define FAKECLOUD_GUEST_H

#include <sys/types.h>

#include "api/buf.h"
#include "guest_want.h"

struct fc_guest {
    struct fc_guest *next;
    const char *kind; /* static */
    char instance[FC_GUEST_ID], region[32];
    pid_t pid;              /* 0: none: it could not be started */
    int console_fd, qmp_fd; /* -1: none */
    struct mir_buf console; /* what it said and nobody has taken yet */
    struct mir_buf replies; /* of QMP: a line that is not whole yet */
    char address[48];       /* where its ports stand now */
    uint16_t ports[FC_GUEST_PORTS];
    size_t port_count;
    int64_t taken_ms, pause_ms; /* its owner's: when its console was taken, and how soon again */
};

/* Without a process; never NULL. */
struct fc_guest *fc_guest_new(const struct fc_guest_want *want);
/* Its disks are made. */
int fc_guest_start(struct fc_guest *guest, int state_fd, const char *program,
                   const struct fc_guest_want *want, struct mir_error *err);

/* Open and close ports, until they are those that are wanted. */
void fc_guest_forward(struct fc_guest *guest, const struct fc_guest_want *want);

/* Read what is there to be read; false: the machine has ended. */
bool fc_guest_read(struct fc_guest *guest);
/* QMP: ports that cannot be had are said on standard error. */
void fc_guest_listen(struct fc_guest *guest);

/* Wait until it has ended, which fc_guest_read has said; the exit status as of waitpid. */
int fc_guest_ended(struct fc_guest *guest);
/* Cut its power, when it has any. What it said can be read afterwards. */
void fc_guest_cut(struct fc_guest *guest);
void fc_guest_free(struct fc_guest *guest); /* cuts its power, too */

#endif
