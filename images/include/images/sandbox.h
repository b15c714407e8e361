/* SPDX-License-Identifier: ISC */
/*
 * The cage of a process that parses what strangers wrote: after entering it, it can compute, read
 * the files it already holds, write to stdout and stderr, and end. One that makes an image has one
 * more descriptor to write, to give a length, and to copy into from its input. Everything else
 * kills it.
 *
 * Layers, each enough by itself: no new privileges, resource limits, landlock without any right
 * (where the kernel has it), a seccomp allow-list that kills. One way: never left again. Call once,
 * in a process with one thread.
 */
#ifndef IMAGES_SANDBOX_H
#define IMAGES_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"

enum img_sandbox_layer {
    IMG_SANDBOX_LIMITS = 1 << 0,
    IMG_SANDBOX_LANDLOCK = 1 << 1,
    IMG_SANDBOX_SECCOMP = 1 << 2,
    IMG_SANDBOX_ALL = 7,
};

struct img_sandbox {
    unsigned layers;       /* IMG_SANDBOX_ALL outside of tests */
    uint64_t work_bytes;   /* what will be read: more CPU time for more of it */
    uint64_t output_bytes; /* what an output may grow by when it is a file; 0: 1 MiB */
    bool die_with_parent;  /* SIGKILL when the starting thread ends */
    /* For whoever makes an image: from in_fd (read by position if it is a file) to out_fd, a file
     * or a pipe: write, ftruncate, lseek, and copy_file_range from in_fd alone. in_fd may be stdin,
     * out_fd stdout; neither is opened or closed here. */
    bool builds;
    int in_fd, out_fd; /* borrowed; only with builds */
};

/* MIR_USAGE for descriptors that cannot be input and output. MIR_INTERNAL when a layer cannot be
 * set up: then parse nothing. A kernel without landlock is no error (*ret_landlock, may be NULL,
 * says so). */
int img_sandbox_enter(const struct img_sandbox *sandbox, bool *ret_landlock, struct mir_error *err);

/* Tries to break out of every layer, in child processes of its own, and prints one PASS or FAIL
 * line per attempt. 0 when all attempts were refused. */
int img_sandbox_check(void);

#endif
