/* SPDX-License-Identifier: ISC */
#include "ec2/credentials.h"

#include "api/memory.h"

void ec2_credentials_clear(struct ec2_credentials *credentials)
{
    mir_secret_clear(&credentials->secret);
    mir_secret_clear(&credentials->session_token);
    *credentials = (struct ec2_credentials){0};
}

void ec2_credentials_copy(struct ec2_credentials *to, const struct ec2_credentials *from)
{
    if (to == from)
        return;
    mir_copy(to->access_key_id, sizeof to->access_key_id, from->access_key_id);
    mir_secret_copy(&to->secret, &from->secret);
    mir_secret_copy(&to->session_token, &from->session_token);
    to->expires_s = from->expires_s;
    mir_copy(to->account_id, sizeof to->account_id, from->account_id);
    mir_copy(to->source, sizeof to->source, from->source);
}

static int get_fixed(void *ctx, struct ec2_credentials *ret, struct mir_error *err)
{
    struct ec2_credentials *fixed = ctx;
    *ret = (struct ec2_credentials){0};
    ec2_credentials_copy(ret, fixed);
    return 0;
}

struct ec2_credential_source ec2_credentials_fixed(struct ec2_credentials *credentials)
{
    return (struct ec2_credential_source){.get = get_fixed, .ctx = credentials};
}
