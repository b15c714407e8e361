/* SPDX-License-Identifier: ISC */
/*
 * From a spec to what is executed: the argument vector of QEMU or of a Solo5 tender, and the
 * configuration file that keeps the guest's arguments (they may hold its token) out of `ps`.
 * Pure.
 *
 * All paths are relative to the instance directory, in which the program is started, so neither
 * the guest (a multiboot kernel sees its file's path) nor QEMU's comma syntax meets the user's
 * own paths.
 */
#ifndef LOCAL_ARGV_H
#define LOCAL_ARGV_H

#include <stdbool.h>

#include "api/buf.h"
#include "spec.h"

#define LOCAL_QMP_FD 3 /* in the guest's process: the machine protocol's socket */

struct local_argv {
    char **words; /* owned, NULL-terminated */
    size_t count;
};

void local_argv_build(const struct local_spec *spec, struct local_argv *ret);
void local_argv_clear(struct local_argv *argv);

/* The text of LOCAL_QEMU_FILE. */
void local_qemu_conf(const struct local_spec *spec, struct mir_buf *out);

/* QEMU's configuration syntax knows no escapes and lines of 1023 bytes; arguments beyond that go
 * into the argument vector instead and are visible there. */
bool local_arguments_hidden(const struct local_spec *spec);

/* 1 when the way runs in QEMU (and so has a machine protocol and a serial input). */
bool local_how_is_qemu(enum local_how how);

#endif
