/* SPDX-License-Identifier: ISC */
/*
 * Which accelerator instances get. KVM only after a probe boot has worked: on nested hosts a
 * writable /dev/kvm proves nothing. The verdict holds for one boot of the machine and one QEMU
 * binary and is kept in <state>/local/accelerator.json.
 *
 * The probe never delays a deployment: where /dev/kvm cannot be opened there is none; otherwise it
 * runs in a thread begun by local_accel_open, and until it has spoken instances get TCG.
 */
#ifndef LOCAL_ACCEL_H
#define LOCAL_ACCEL_H

#include <pthread.h>
#include <stdbool.h>

#include "qemu.h"

enum local_accel_choice { LOCAL_ACCEL_AUTO, LOCAL_ACCEL_TCG, LOCAL_ACCEL_KVM };

struct local_accel {
    enum local_accel_choice choice;
    int root_fd; /* borrowed */
    pthread_mutex_t mutex;
    pthread_cond_t settled;
    pthread_t thread;
    int cancel_fd;          /* readable: the probe is not waited for any more */
    bool probing;           /* a thread was begun and not joined */
    bool known;             /* under mutex, with the two below */
    bool kvm_works;         /* under mutex */
    char why[160];          /* under mutex */
    struct local_qemu qemu; /* what the thread probes; not written after open */
};

/* qemu NULL: there is none (yet), nothing is probed. */
void local_accel_open(struct local_accel *accel, enum local_accel_choice choice, int root_fd,
                      const struct local_qemu *qemu);
void local_accel_close(struct local_accel *accel); /* breaks a probe off */

/* "tcg" or "kvm", and the reason; never waits. */
const char *local_accel_now(struct local_accel *accel, char ret_why[160]);

/* The same, waiting for the probe when one is under way. */
const char *local_accel_wait(struct local_accel *accel, char ret_why[160]);

/* The probe alone: 1 works, 0 does not, -1 broken off through cancel_fd (-1: none); ret_why says it
 * for people. Blocks 2 s at most. */
int local_accel_probe(int root_fd, const struct local_qemu *qemu, const char *accelerator,
                      int cancel_fd, char ret_why[160]);

#endif
