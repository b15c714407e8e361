/* SPDX-License-Identifier: ISC */
/* The command that is an instance's machine. Paths in it are relative to the state directory. Pure;
 * any thread. */
#ifndef FAKECLOUD_GUEST_ARGV_H
#define FAKECLOUD_GUEST_ARGV_H

#include "guest_want.h"

#define FC_GUEST_DIR "guests" /* one folder for each machine: console, messages, variables */
#define FC_GUEST_CONSOLE "console"
#define FC_GUEST_MESSAGES "qemu"
#define FC_GUEST_VARS "vars"
#define FC_GUEST_NET "net0"
#define FC_GUEST_QMP_FD 3

/* What UEFI machines begin with: firmware and its empty variables, as Debian's ovmf has them. */
#define FC_GUEST_UEFI_CODE "/usr/share/OVMF/OVMF_CODE_4M.fd"
#define FC_GUEST_UEFI_VARS "/usr/share/OVMF/OVMF_VARS_4M.fd"

struct fc_guest_argv {
    char **words; /* owned, ends with NULL */
    size_t count;
};

void fc_guest_argv_build(const struct fc_guest_want *want, const char *program,
                         struct fc_guest_argv *ret);
void fc_guest_argv_clear(struct fc_guest_argv *argv);

#endif
