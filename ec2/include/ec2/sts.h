/* SPDX-License-Identifier: ISC */
/*
 * STS: who am I, and credentials of a role for a while. Blocking, any thread; ec2/session.h says
 * what every call has in common. Source: AWS Security Token Service, version 2011-06-15.
 */
#ifndef EC2_STS_H
#define EC2_STS_H

#include "ec2/session.h"

struct ec2_identity {
    char account[16];
    char arn[256];
    char user_id[160];
};

/* Needs no permission: whoever has a valid key may ask. */
int ec2_get_caller_identity(struct ec2_session *session, int64_t until_ms, struct ec2_identity *ret,
                            struct mir_error *err);

/* All texts borrowed; NULL where optional. */
struct ec2_assume_role {
    const char *role_arn;
    const char *session_name;  /* 2..64 of [A-Za-z0-9_+=,.@-] */
    const char *external_id;   /* optional */
    const char *serial_number; /* of an MFA device; optional */
    const char *token_code;    /* what it shows; optional */
    const char *policy;        /* JSON that narrows the role's rights; optional */
    int64_t duration_s;        /* 900..43200; 0: as the service likes (an hour) */
};

/* Credentials that expire, to be cleared; their source names the role. */
int ec2_assume_role(struct ec2_session *session, const struct ec2_assume_role *args,
                    int64_t until_ms, struct ec2_credentials *ret, struct mir_error *err);

struct ec2_assume_role_web {
    const char *role_arn;
    const char *session_name;
    const char *token;  /* of the identity provider: a JWT */
    const char *policy; /* optional */
    int64_t duration_s;
};

/* Not signed: the token is the proof. The session needs no credentials. */
int ec2_assume_role_with_web_identity(struct ec2_session *session,
                                      const struct ec2_assume_role_web *args, int64_t until_ms,
                                      struct ec2_credentials *ret, struct mir_error *err);

#endif
