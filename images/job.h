/* SPDX-License-Identifier: ISC */
/*
 * What `mirage-image build` opens before its sandbox closes: boot loaders and modules, read whole,
 * and for a compressed kernel a second process, caged like the first, that takes the wrapper off
 * into a pipe: so its content comes once, in order, and is stored nowhere.
 */
#ifndef IMAGES_JOB_H
#define IMAGES_JOB_H

#include "images/build.h"
#include "images/summary.h"
#include "request.h"

struct img_job {
    struct img_build build;
    struct img_grub grub;                       /* owned */
    struct img_carrier carrier;                 /* owned */
    struct img_guest_disks guest_disks;         /* owned */
    struct img_module modules[IMG_MODULES_MAX]; /* bytes owned */
    int fd;                                     /* borrowed: the file as it is */
    int content_fd;                             /* owned: the pipe; -1: the file itself */
    struct img_input content;
    struct img_output output; /* what it is has to be asked before the cage closes */
};

/* Checks the request and opens everything. Clear it in any case. */
int img_job_open(struct img_job *job, const struct img_request *req, int fd, int out_fd,
                 struct mir_error *err);
void img_job_clear(struct img_job *job);

/* Behind the sandbox: inspects, builds, writes to the output. */
int img_job_run(struct img_job *job, struct img_summary *ret, struct mir_error *err);

#endif
