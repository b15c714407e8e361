/* SPDX-License-Identifier: ISC */
#include "daemon/announce_url.h"

#include <string.h>

#include "api/memory.h"

/* The length of "http://LOOPBACK" before its port or path; 0: it is another host. */
static size_t loopback_len(const char *url)
{
    static const char *const heads[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    for (size_t i = 0; i < MIR_NELEMS(heads); i++) {
        size_t len = strlen(heads[i]);
        if (!strncmp(url, heads[i], len) && strchr(":/", url[len])) /* or at its end */
            return len;
    }
    return 0;
}

char *mird_announce_url(const char *public_url, const char *guest_host)
{
    size_t len = loopback_len(public_url);
    if (!*public_url || (len && !guest_host))
        return NULL;
    return len ? mir_format("http://%s%s/v1/announce", guest_host, public_url + len)
               : mir_format("%s/v1/announce", public_url);
}
