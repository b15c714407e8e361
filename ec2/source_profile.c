/* SPDX-License-Identifier: ISC */
/* Keys that stand in the files, and what a profile can have that is not served here. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "keys.h"
#include "source.h"

enum ec2_answer ec2_none(struct ec2_asking *ask, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(ask->why, sizeof ask->why, fmt, args);
    va_end(args);
    return EC2_ANSWER_NONE;
}

const struct ec2_property *ec2_asked(const struct ec2_asking *ask, const char *key)
{
    const struct ec2_property *p = ec2_profiles_get(ec2_config_profiles(ask->config),
                                                    EC2_SECTION_PROFILE, ask->profile, key, NULL);
    return p && *p->value ? p : NULL;
}

static const char *value_in(const struct ec2_asking *ask, enum ec2_profile_file file,
                            const char *key)
{
    const struct ec2_property *p = ec2_profiles_get_in(
        ec2_config_profiles(ask->config), file, EC2_SECTION_PROFILE, ask->profile, key, NULL);
    return p && *p->value ? p->value : NULL;
}

static enum ec2_answer keys_in(struct ec2_asking *ask, enum ec2_profile_file file,
                               struct ec2_credentials *ret, struct mir_error *err)
{
    const char *path = ec2_config_path(ask->config, file);
    const struct ec2_property *id =
        ec2_profiles_get_in(ec2_config_profiles(ask->config), file, EC2_SECTION_PROFILE,
                            ask->profile, "aws_access_key_id", NULL);
    if (!ec2_config_found(ask->config, file))
        return ec2_none(ask, "%s is not there", path);
    if (!id)
        return ec2_none(ask, "profile %s has no aws_access_key_id in %s", ask->profile, path);
    mir_auto_free char *what = mir_format("profile %s (%s:%u)", ask->profile, path, id->line);
    struct ec2_key_texts texts = {
        .id = id->value,
        .secret = value_in(ask, file, "aws_secret_access_key"),
        .token = value_in(ask, file, "aws_security_token"), /* botocore's order */
        .account_id = value_in(ask, file, "aws_account_id"),
        .source = what,
    };
    if (!texts.token)
        texts.token = value_in(ask, file, "aws_session_token");
    return ec2_keys_set(&texts, what, ret, err) ? EC2_ANSWER_FAILED : EC2_ANSWER_SERVED;
}

enum ec2_answer ec2_source_credentials_file(struct ec2_asking *ask, struct ec2_credentials *ret,
                                            struct mir_error *err)
{
    return keys_in(ask, EC2_FILE_CREDENTIALS, ret, err);
}

enum ec2_answer ec2_source_config_file(struct ec2_asking *ask, struct ec2_credentials *ret,
                                       struct mir_error *err)
{
    return keys_in(ask, EC2_FILE_CONFIG, ret, err);
}

/* A profile for a way that only the AWS command knows: its answer can be had through it. */
static enum ec2_answer not_served(struct ec2_asking *ask, const struct ec2_property *p,
                                  const char *what, struct mir_error *err)
{
    mir_fail(err, MIR_CREDENTIALS, "profile %s (%s:%u) uses %s, which is not served here",
             ask->profile, p->path, p->line, what);
    mir_error_hint(err,
                   "make another profile with credential_process = aws configure "
                   "export-credentials --profile %.64s --format process",
                   ask->profile);
    return EC2_ANSWER_FAILED;
}

enum ec2_answer ec2_source_sso(struct ec2_asking *ask, struct ec2_credentials *ret,
                               struct mir_error *err)
{
    const struct ec2_property *p = ec2_asked(ask, "sso_role_name");
    if (!p)
        p = ec2_asked(ask, "sso_account_id");
    if (!p)
        return ec2_none(ask, "profile %s has no sso_account_id", ask->profile);
    return not_served(ask, p, "IAM Identity Center (SSO)", err);
}

enum ec2_answer ec2_source_login(struct ec2_asking *ask, struct ec2_credentials *ret,
                                 struct mir_error *err)
{
    const struct ec2_property *p = ec2_asked(ask, "login_session");
    if (!p)
        return ec2_none(ask, "profile %s has no login_session", ask->profile);
    return not_served(ask, p, "a console login", err);
}

enum ec2_answer ec2_source_profile(struct ec2_asking *ask, struct ec2_credentials *ret,
                                   struct mir_error *err)
{
    static ec2_source_fn *const steps[] = {ec2_source_web_identity,     ec2_source_sso,
                                           ec2_source_credentials_file, ec2_source_login,
                                           ec2_source_process,          ec2_source_config_file};
    enum ec2_answer answer = EC2_ANSWER_NONE;
    for (size_t i = 0; i < MIR_NELEMS(steps) && answer == EC2_ANSWER_NONE; i++)
        answer = steps[i](ask, ret, err);
    return answer;
}
