/* SPDX-License-Identifier: ISC */
/*
 * What may be given to QEMU as a disk: its format is named to QEMU, never probed by it (a guest
 * could write itself another header), and an image that makes QEMU open further files of the
 * host's (backing file, external data file, differencing parent) is refused.
 */
#ifndef LOCAL_DISK_H
#define LOCAL_DISK_H

#include "api/kernel.h"

/* QEMU's word for the format in ret ("raw", "qcow2", "vpc", "vmdk"). MIR_POLICY for images that
 * lead to other files, MIR_CORRUPT when the file is not what the kernel's format says. */
int local_disk_admit(const char *path, enum mir_format format, char ret[8], struct mir_error *err);

#endif
