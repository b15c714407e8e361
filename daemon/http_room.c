/* SPDX-License-Identifier: ISC */
/* How many clients a server may hold: never so many that nothing is left for the work itself. A
 * client that finds no room waits in the listener's queue. */
#include <sys/resource.h>

#include "api/log.h"
#include "http_internal.h"

/* Of this process's descriptors, never a client's: what is open all the time, and ten for each
 * worker that starts or ends an instance (its directory, lock, socket and pipes). */
#define FILES_KEPT 128u
#define CLIENTS_MIN 8u

unsigned http_room(const char *name, unsigned wanted)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= (rlim_t)wanted + FILES_KEPT)
        return wanted;
    rlim_t room = files.rlim_cur > FILES_KEPT ? files.rlim_cur - FILES_KEPT : 0;
    unsigned clients = room > CLIENTS_MIN ? (unsigned)room : CLIENTS_MIN;
    mir_log(MIR_LOG_WARN, name, "%u clients at once, not %u: the limit of open files is %llu",
            clients, wanted, (unsigned long long)files.rlim_cur);
    return clients < wanted ? clients : wanted;
}
