/* SPDX-License-Identifier: ISC */
/*
 * What calls to AWS have in common: the region, who signs, where each service is, the connections,
 * the clock and how far the service's clock is from it, and the quota of further attempts. Every
 * binding takes one.
 *
 * Any thread, several at once. Calls block; each is given the moment at which it has to be over, in
 * milliseconds of the session's boot-time clock (ec2_until makes one), which covers all its
 * attempts, waits and pages.
 *
 * Errors of every call: MIR_CREDENTIALS, MIR_POLICY (not allowed, quota), MIR_NOT_FOUND,
 * MIR_CONFLICT, MIR_USAGE (refused as senseless), MIR_THROTTLED, MIR_UNAVAILABLE (also no
 * capacity), MIR_TIMEOUT, MIR_CORRUPT (an answer that cannot be read), each with the service's own
 * code, request id, `outcome` and `retry`; ec2/errors.c is the table.
 */
#ifndef EC2_SESSION_H
#define EC2_SESSION_H

#include <stdint.h>

#include "api/clock.h"
#include "api/error.h"
#include "api/id.h"
#include "ec2/credentials.h"

enum ec2_service {
    EC2_COMPUTE = 0, /* EC2 itself */
    EC2_STS,
    EC2_EBS, /* EBS direct */
    EC2_S3,
    EC2_SCHEDULER,
    EC2_SSM,
    EC2_PRICING,
    EC2_SERVICE_COUNT
};

/* One row per service; the only place where services meet hosts. */
struct ec2_service_info {
    const char *name;     /* signing name: "ec2" */
    const char *title;    /* for people: "EC2" */
    const char *variable; /* AWS_ENDPOINT_URL_<this>: "EC2" */
    const char *host;     /* "ec2.%s", the region put in; the partition's domain follows */
    const char *region;   /* "us-east-1" where there is one host for all; NULL: the session's */
    const char *section;  /* in a `services` section of the AWS configuration: "ec2" */
};

const struct ec2_service_info *ec2_service_info(enum ec2_service service); /* never NULL */

/* All borrowed until ec2_session_new returns, except clock, random and the two ctx: as long as the
 * session lives. */
struct ec2_session_settings {
    const char *region;                       /* "eu-central-1" */
    struct ec2_credential_source credentials; /* get NULL: calls that need no signature only */
    const char *endpoints[EC2_SERVICE_COUNT]; /* "http://127.0.0.1:8080"; NULL: AWS's own host */
    const char *ca_file;                      /* NULL: the system's */
    unsigned attempts_max;                    /* of one call; 0: 3 */
    int connect_timeout_ms;                   /* 0: 10 000 */
    int attempt_timeout_ms;                   /* 0: 30 000 */
    const struct mir_clock *clock;            /* NULL: the machine's */
    unsigned connections_max;                 /* kept when idle; 0: 64 */
    const struct mir_random *random;          /* NULL: the machine's */
    /* For tests: how the time between two attempts is spent; NULL: really. */
    void (*wait)(void *ctx, int64_t ms);
    void *wait_ctx;
};

struct ec2_session;

/* MIR_USAGE: the region is no name of one, an endpoint is no URL. Owned. */
struct ec2_session *ec2_session_new(const struct ec2_session_settings *settings,
                                    struct mir_error *err);
void ec2_session_free(struct ec2_session *session); /* no call may run; NULL allowed */

/* The same in another region, with AWS's own hosts where the first has them; owned, and it shares
 * nothing but the source and the clock. */
struct ec2_session *ec2_session_for_region(const struct ec2_session *session, const char *region,
                                           struct mir_error *err);

const char *ec2_session_region(const struct ec2_session *session);
/* "https://ec2.eu-central-1.amazonaws.com", without a slash at its end. Borrowed. */
const char *ec2_session_endpoint(const struct ec2_session *session, enum ec2_service service);

/* The moment `limit_ms` from now. */
int64_t ec2_until(const struct ec2_session *session, int64_t limit_ms);

/* How far the service's clock is ahead of ours; 0 until a signature was refused for its time. */
int64_t ec2_session_clock_offset_ms(struct ec2_session *session);

/* What the newest dated answer said: UTC ms, and when by the boot-time clock it came; 0: none. */
int64_t ec2_session_date(struct ec2_session *session, int64_t *ret_boot_ms);

#endif
