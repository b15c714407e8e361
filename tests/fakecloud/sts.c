/* SPDX-License-Identifier: ISC */
/* STS, API 2011-06-15: who am I, and credentials that end. */
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "ec2.h"
#include "roles.h"

static int get_caller_identity(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    *ret_reply = json_pack("{s:s,s:s,s:s}", "Arn", call->who.arn, "UserId", call->who.user_id,
                           "Account", call->who.account);
    return 0;
}

/* --- roles --- */

static const struct fc_param assume_params[] = {
    {"RoleArn", FC_TEXT, true},
    {"RoleSessionName", FC_TEXT, true},
    {"DurationSeconds", FC_INT, false},
    {"ExternalId", FC_TEXT, false},
    {"SerialNumber", FC_TEXT, false},
    {"TokenCode", FC_TEXT, false},
    {"Policy", FC_TEXT, false},
    {"SourceIdentity", FC_TEXT, false},
    {NULL, FC_TEXT, false},
};

static const struct fc_param web_params[] = {
    {"RoleArn", FC_TEXT, true},
    {"RoleSessionName", FC_TEXT, true},
    {"WebIdentityToken", FC_TEXT, true},
    {"ProviderId", FC_TEXT, false},
    {"DurationSeconds", FC_INT, false},
    {"Policy", FC_TEXT, false},
    {NULL, FC_TEXT, false},
};

static int check_words(struct fc_call *call, int64_t *ret_life_s, struct fc_refusal *refusal)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_+=,.@-";
    const char *name = fc_param_text(call, "RoleSessionName");
    const char *arn = fc_param_text(call, "RoleArn");
    size_t len = strlen(name);
    *ret_life_s = fc_param_int(call, "DurationSeconds", 3600);
    if (len < 2 || len > 64 || strspn(name, plain) != len)
        return fc_refuse(refusal, 400, "ValidationError",
                         "1 validation error detected: Value '%.80s' at 'roleSessionName' failed "
                         "to satisfy constraint",
                         name);
    if (strncmp(arn, "arn:aws:iam::", 13) != 0)
        return fc_refuse(refusal, 400, "ValidationError", "%.100s is invalid", arn);
    if (*ret_life_s < 900 || *ret_life_s > 43200)
        return fc_refuse(refusal, 400, "ValidationError",
                         "The requested DurationSeconds is outside of 900 to 43200");
    return 0;
}

static int denied(struct fc_call *call, const char *action, const char *arn,
                  struct fc_refusal *refusal)
{
    return fc_refuse(refusal, 403, "AccessDenied",
                     "%s%s is not authorized to perform: sts:%s on resource: %.200s",
                     *call->who.arn ? "User: " : "", call->who.arn, action, arn);
}

static json_t *assumed(struct fc_call *call, const struct fc_object *role, int64_t life_s)
{
    const json_t *session = fc_session_new(
        call->world, role, fc_param_text(call, "RoleSessionName"), life_s, &call->cause);
    char expires[MIR_TIME_SIZE];
    mir_time_format(json_integer_value(fc_at(session, "expires_ms")) / 1000, expires);
    return json_pack("{s:{s:O,s:O,s:O,s:s},s:{s:O,s:O}}", "Credentials", "AccessKeyId",
                     fc_at(session, "accessKeyId"), "SecretAccessKey", fc_at(session, "secret"),
                     "SessionToken", fc_at(session, "token"), "Expiration", expires,
                     "AssumedRoleUser", "AssumedRoleId", fc_at(session, "user_id"), "Arn",
                     fc_at(session, "arn"));
}

static int assume_role(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    int64_t life_s;
    const char *arn = fc_param_text(call, "RoleArn");
    if (check_words(call, &life_s, refusal))
        return -1;
    const struct fc_object *role = fc_role_by_arn(call->world, arn);
    const char *external = role ? fc_text_at(role->doc, "external_id") : "";
    const char *said = fc_param_text(call, "ExternalId");
    if (!role || !fc_role_trusts(role, "account") ||
        (*external && (!said || strcmp(said, external))))
        return denied(call, "AssumeRole", arn, refusal);
    /* A role that was taken by a role lasts an hour at most. */
    if (*call->who.role && life_s > 3600)
        return fc_refuse(refusal, 400, "ValidationError",
                         "The requested DurationSeconds exceeds the 1 hour session limit for "
                         "roles assumed by role chaining");
    *ret_reply = assumed(call, role, life_s);
    return 0;
}

static int assume_role_with_web_identity(struct fc_call *call, json_t **ret_reply,
                                         struct fc_refusal *refusal)
{
    int64_t life_s;
    mir_auto_free char *subject = NULL;
    const char *arn = fc_param_text(call, "RoleArn");
    if (check_words(call, &life_s, refusal))
        return -1;
    int rc = fc_web_token_read(call->world, fc_param_text(call, "WebIdentityToken"), &subject);
    if (rc > 0)
        return fc_refuse(
            refusal, 400, "ExpiredTokenException",
            "Token expired: current date/time must be before the expiration date/time");
    if (rc < 0)
        return fc_refuse(refusal, 400, "InvalidIdentityToken",
                         "The ID Token provided is not a valid JWT. (You may see this error if you "
                         "sent an Access Token)");
    const struct fc_object *role = fc_role_by_arn(call->world, arn);
    if (!role || !fc_role_trusts(role, "web"))
        return denied(call, "AssumeRoleWithWebIdentity", arn, refusal);
    *ret_reply = assumed(call, role, life_s);
    json_object_set_new(*ret_reply, "SubjectFromWebIdentityToken", json_string(subject));
    json_object_set_new(*ret_reply, "Provider", json_string("fakecloud"));
    json_object_set_new(*ret_reply, "Audience", json_string("sts.amazonaws.com"));
    return 0;
}

static const struct fc_operation operations[] = {
    {.name = "GetCallerIdentity", .handle = get_caller_identity},
    {.name = "AssumeRole", .handle = assume_role, .params = assume_params},
    {.name = "AssumeRoleWithWebIdentity",
     .handle = assume_role_with_web_identity,
     .params = web_params,
     .flags = FC_OP_UNSIGNED},
    {.name = NULL},
};

const struct fc_service fc_service_sts = {
    .name = "sts",
    .version = "2011-06-15",
    .protocol = FC_PROTOCOL_QUERY,
    .xmlns = "https://sts.amazonaws.com/doc/2011-06-15/",
    .operations = operations,
};
