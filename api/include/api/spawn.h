/* SPDX-License-Identifier: ISC */
/* What every program that this house starts gets alike. */
#ifndef API_SPAWN_H
#define API_SPAWN_H

#include <spawn.h>

/* Initialises the attributes of a program that is started by posix_spawn: no signal is blocked or
 * ignored there because a thread of ours blocks or ignores it. flags: POSIX_SPAWN_SETSID,
 * POSIX_SPAWN_SETPGROUP (a group of its own), or 0. Returns an errno, or 0; then the caller
 * destroys them. */
int mir_spawn_attributes(posix_spawnattr_t *ret, short flags);

#endif
