/* SPDX-License-Identifier: ISC */
/* The inside of a session, for ec2/session.c and ec2/call.c alone. */
#ifndef EC2_INSIDE_H
#define EC2_INSIDE_H

#include <pthread.h>

#include "api/http.h"
#include "api/retry.h"
#include "ec2/session.h"

/* Where a service is; "https://host:8443/base" taken apart. */
struct ec2_endpoint {
    char *origin;     /* "https://host:8443"; owned */
    const char *host; /* what the Host header says: inside origin */
    char *base;       /* "/base", "" mostly; owned */
    char *url;        /* both; owned */
    bool own;         /* given by the settings */
};

struct ec2_session {
    char *region;
    struct ec2_credential_source credentials;
    struct ec2_endpoint endpoints[EC2_SERVICE_COUNT];
    char *ca_file;
    int connect_timeout_ms, attempt_timeout_ms;
    unsigned connections_max;
    const struct mir_clock *clock;
    void (*wait)(void *ctx, int64_t ms);
    void *wait_ctx;
    struct mir_http_client *client;
    struct mir_retry_shared retry; /* with a lock of its own */
    pthread_mutex_t lock;          /* of all below */
    int64_t offset_ms;
    int64_t date_ms, date_boot_ms;
};

#endif
