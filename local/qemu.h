/* SPDX-License-Identifier: ISC */
/*
 * The QEMU on this machine: where it is, its version, whether it can shut itself in. Asked once
 * per QEMU binary and kept in <state>/local/qemu.json.
 */
#ifndef LOCAL_QEMU_H
#define LOCAL_QEMU_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"

struct local_qemu {
    char path[PATH_MAX];
    int64_t mtime_ns; /* of the binary: another one is asked again */
    char version[64];
    bool sandbox;
};

/* name: as configured. MIR_UNAVAILABLE with the fix when there is none. Blocks for a few
 * milliseconds, or 10 s at most when the binary is new and hangs. */
int local_qemu_find(int root_fd, const char *name, struct local_qemu *ret, struct mir_error *err);

#endif
