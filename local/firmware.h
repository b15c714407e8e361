/* SPDX-License-Identifier: ISC */
/*
 * UEFI for guests: two files of the package ovmf, the firmware's code, which all instances share,
 * and its variables, of which each has a copy of its own.
 */
#ifndef LOCAL_FIRMWARE_H
#define LOCAL_FIRMWARE_H

#include <limits.h>

#include "api/error.h"

#define LOCAL_FIRMWARE_FOLDER "/usr/share/OVMF" /* Debian's, unless [local] uefi says another */

struct local_firmware {
    char code[PATH_MAX], vars[PATH_MAX];
};

/* MIR_UNAVAILABLE with the fix when a file is missing or cannot be read. */
int local_firmware_find(const char *folder, struct local_firmware *ret, struct mir_error *err);

/* Link and copy (LOCAL_FIRMWARE_FILE, LOCAL_VARS_FILE) in the instance directory; again is fine. */
int local_firmware_place(const struct local_firmware *firmware, int dir_fd, struct mir_error *err);

#endif
