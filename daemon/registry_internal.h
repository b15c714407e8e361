/* SPDX-License-Identifier: ISC */
/* Shared by the registry's own files. */
#ifndef DAEMON_REGISTRY_INTERNAL_H
#define DAEMON_REGISTRY_INTERNAL_H

#include <sys/types.h>

#include "daemon/registry.h"

/* Sign and store; the caller holds the registry's lock. */
int mird_registry_save(struct mird_core *core, struct mird_site *site, struct mir_error *err);

/* 0 found, 1 not, -1 failed. */
int mird_registry_find(struct mird_core *core, const char *name, struct mird_site *ret,
                       struct mir_error *err);

/* Start the public process with this listening socket (stays the caller's). The link's fd is owned
 * and closed on exec. */
int mird_public_spawn(int listen_fd, pid_t *ret_pid, int *ret_link_fd, struct mir_error *err);

#endif
