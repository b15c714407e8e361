/* SPDX-License-Identifier: ISC */
/* A disk of the imager's, written to a file here. */
#ifndef DAEMON_DISK_FILE_H
#define DAEMON_DISK_FILE_H

#include "api/imager.h"
#include "api/provider.h"

/* Holes remain holes. MIR_POLICY for a disk of more than max_bytes. Blocking. */
int mird_disk_write(const struct mir_imager *imager, const struct mir_instance_spec *spec,
                    const struct mir_needs *needs, uint64_t max_bytes, int fd,
                    struct mir_error *err);

#endif
