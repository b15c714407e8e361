/* SPDX-License-Identifier: ISC */
/*
 * The disk of a carried kernel, for a provider that is given files: <state_dir>/carried/<id>.raw,
 * there from the image step to its end. It appears whole or not at all.
 */
#ifndef DAEMON_CARRIED_DISK_H
#define DAEMON_CARRIED_DISK_H

#include "daemon/core.h"

/* Where it is. Owned. */
char *mird_carried_path(const struct mird_core *core, const char *id);
/* Makes it; nothing is done when it is there. Blocking. */
int mird_carried_make(const struct mird_core *core, const struct mir_instance_spec *spec,
                      const char *id, struct mir_error *err);
/* What a launch is told of a carried kernel: that disk and nothing else, whether or not it is there
 * (a provider that is given files says so when it is not). disk: borrowed; NULL: not made yet. */
void mird_carried_launch(struct mir_instance_spec *spec, const char *disk);
/* Removes it, and what was left of an attempt. */
void mird_carried_forget(const struct mird_core *core, const char *id);
/* At the start, before anybody makes one: removes those of deployments that are over or that nobody
 * knows. Where the store cannot say they stay. */
void mird_carried_sweep(const struct mird_core *core);

#endif
