/* SPDX-License-Identifier: ISC */
/*
 * The sandboxed helper for the core: unpack a stored kernel into the file that is booted.
 * Blocking, at most the time-out; any thread.
 */
#ifndef MIRD_SANDBOX_H
#define MIRD_SANDBOX_H

#include <stdint.h>

#include "api/error.h"

/* helper: the program mirage-image. Writes `to` by way of a temporary file: complete and synced,
 * or not there. MIR_CORRUPT when the helper says so or what comes out has not `bytes` bytes. */
int mird_unpack(const char *helper, const char *from, const char *to, uint64_t bytes,
                int timeout_ms, struct mir_error *err);

#endif
