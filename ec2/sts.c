/* SPDX-License-Identifier: ISC */
#include "ec2/sts.h"

#include <stdio.h>
#include <string.h>

#include "operations.h"

#define VERSION "2011-06-15"

static const struct mir_field identity_fields[] = {
    MIR_MUST(struct ec2_identity, account, "Account", MIR_GET_TEXT),
    MIR_MUST(struct ec2_identity, arn, "Arn", MIR_GET_TEXT),
    MIR_ROW(struct ec2_identity, user_id, "UserId", MIR_GET_TEXT),
};
static const struct mir_table identity_table = MIR_TABLE(struct ec2_identity, identity_fields);

static const struct mir_field assume_fields[] = {
    MIR_ROW(struct ec2_assume_role, role_arn, "RoleArn", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_assume_role, session_name, "RoleSessionName", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_assume_role, external_id, "ExternalId", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_assume_role, serial_number, "SerialNumber", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_assume_role, token_code, "TokenCode", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_assume_role, policy, "Policy", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_assume_role, duration_s, "DurationSeconds", MIR_PUT_NUMBER),
};
static const struct mir_table assume_table = MIR_TABLE(struct ec2_assume_role, assume_fields);

static const struct mir_field web_fields[] = {
    MIR_ROW(struct ec2_assume_role_web, role_arn, "RoleArn", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_assume_role_web, session_name, "RoleSessionName", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_assume_role_web, token, "WebIdentityToken", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_assume_role_web, policy, "Policy", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_assume_role_web, duration_s, "DurationSeconds", MIR_PUT_NUMBER),
};
static const struct mir_table web_table = MIR_TABLE(struct ec2_assume_role_web, web_fields);

static const struct mir_field credential_fields[] = {
    MIR_MUST(struct ec2_credentials, access_key_id, "Credentials/AccessKeyId", MIR_GET_TEXT),
    MIR_MUST(struct ec2_credentials, secret, "Credentials/SecretAccessKey", MIR_GET_SECRET),
    MIR_MUST(struct ec2_credentials, session_token, "Credentials/SessionToken", MIR_GET_SECRET),
    MIR_MUST(struct ec2_credentials, expires_s, "Credentials/Expiration", MIR_GET_TIME),
    MIR_ROW(struct ec2_credentials, source, "AssumedRoleUser/Arn", MIR_GET_CUT),
};
static const struct mir_table credential_table =
    MIR_TABLE(struct ec2_credentials, credential_fields);

enum { WHO, ASSUME, ASSUME_WEB };

const struct ec2_operation ec2_sts_operations[] = {
    [WHO] = {.name = "GetCallerIdentity",
             .service = EC2_STS,
             .version = VERSION,
             .reply = &identity_table,
             .result = "GetCallerIdentityResult",
             .reads = true},
    [ASSUME] = {.name = "AssumeRole",
                .service = EC2_STS,
                .version = VERSION,
                .request = &assume_table,
                .reply = &credential_table,
                .result = "AssumeRoleResult",
                .reads = true,
                .secret = true},
    [ASSUME_WEB] = {.name = "AssumeRoleWithWebIdentity",
                    .service = EC2_STS,
                    .version = VERSION,
                    .request = &web_table,
                    .reply = &credential_table,
                    .result = "AssumeRoleWithWebIdentityResult",
                    .reads = true,
                    .anonymous = true,
                    .secret = true},
    {0},
};

int ec2_get_caller_identity(struct ec2_session *session, int64_t until_ms, struct ec2_identity *ret,
                            struct mir_error *err)
{
    struct ec2_identity made = {0};
    if (ec2_operate(session, &ec2_sts_operations[WHO], NULL, until_ms, &made, err))
        return -1;
    *ret = made;
    return 0;
}

/* "arn:aws:sts::123456789012:assumed-role/name/session" says the account. */
static void fill_account(struct ec2_credentials *made)
{
    (void)sscanf(made->source, "arn:%*[^:]:sts::%15[0-9]:", made->account_id);
}

static int assume(struct ec2_session *session, int which, const void *args, int64_t until_ms,
                  struct ec2_credentials *ret, struct mir_error *err)
{
    ec2_auto_credentials struct ec2_credentials made = {0};
    if (ec2_operate(session, &ec2_sts_operations[which], args, until_ms, &made, err))
        return -1;
    fill_account(&made);
    *ret = made;
    made = (struct ec2_credentials){0};
    return 0;
}

int ec2_assume_role(struct ec2_session *session, const struct ec2_assume_role *args,
                    int64_t until_ms, struct ec2_credentials *ret, struct mir_error *err)
{
    return assume(session, ASSUME, args, until_ms, ret, err);
}

int ec2_assume_role_with_web_identity(struct ec2_session *session,
                                      const struct ec2_assume_role_web *args, int64_t until_ms,
                                      struct ec2_credentials *ret, struct mir_error *err)
{
    return assume(session, ASSUME_WEB, args, until_ms, ret, err);
}
