/* SPDX-License-Identifier: ISC */
#include "api/spawn.h"

#include <signal.h>

int mir_spawn_attributes(posix_spawnattr_t *ret, short flags)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int rc = posix_spawnattr_init(ret);
    if (rc)
        return rc;
    rc = posix_spawnattr_setsigmask(ret, &none);
    if (!rc)
        rc = posix_spawnattr_setsigdefault(ret, &all);
    if (!rc)
        rc = posix_spawnattr_setflags(
            ret, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | flags));
    if (rc)
        posix_spawnattr_destroy(ret);
    return rc;
}
