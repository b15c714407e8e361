/* SPDX-License-Identifier: ISC */
/* Keys of a role, which STS gives for other keys or for a web identity's token. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "ec2/sts.h"
#include "source.h"

#define STS_MS 60000
#define STS_REGION "us-east-1" /* where nobody has chosen one */
#define TOKEN_MAX 65536
#define SESSION_NAME_TEXT 80

static const char *text_of(const struct ec2_asking *ask, const char *key)
{
    const struct ec2_property *p = ec2_asked(ask, key);
    return p ? p->value : NULL;
}

/* A session with STS alone; owned. */
static struct ec2_session *sts_session(const struct ec2_asking *ask,
                                       struct ec2_credentials *credentials, struct mir_error *err)
{
    struct ec2_session_settings settings = {.clock = ask->settings->clock,
                                            .wait = ask->settings->wait,
                                            .wait_ctx = ask->settings->wait_ctx};
    struct ec2_setting region;
    ec2_config_region(ask->config, &region);
    if (ec2_config_settings_in(ask->config, region.value ? region.value : STS_REGION, &settings,
                               err))
        return NULL;
    if (credentials)
        settings.credentials = ec2_credentials_fixed(credentials);
    return ec2_session_new(&settings, err);
}

static void name_session(const struct ec2_asking *ask, const char *said,
                         char out[SESSION_NAME_TEXT])
{
    if (said)
        mir_copy(out, SESSION_NAME_TEXT, said);
    else
        snprintf(out, SESSION_NAME_TEXT, "mirage-deploy-%lld",
                 (long long)mir_now_s(ask->settings->clock));
}

static int64_t duration_of(const struct ec2_asking *ask)
{
    const char *text = text_of(ask, "duration_seconds");
    char *end = NULL;
    long long seconds = text ? strtoll(text, &end, 10) : 0;
    return text && !*end ? seconds : 0;
}

/* --- the source of a role --- */

/* Where the keys come from that a role is asked for with; set, the others NULL. */
struct origin {
    const struct ec2_property *role, *profile, *source;
};

static bool has_static_keys(const struct ec2_asking *ask)
{
    return ec2_asked(ask, "aws_access_key_id") || ec2_asked(ask, "aws_secret_access_key");
}

/* A role by a web identity is another step's. */
static bool has_role(const struct ec2_asking *ask)
{
    return ec2_asked(ask, "role_arn") && !ec2_asked(ask, "web_identity_token_file");
}

static int find_origin(const struct ec2_asking *ask, struct origin *ret, struct mir_error *err)
{
    struct origin o = {ec2_asked(ask, "role_arn"), ec2_asked(ask, "source_profile"),
                       ec2_asked(ask, "credential_source")};
    const struct ec2_property *mfa = ec2_asked(ask, "mfa_serial");
    if (o.profile && o.source)
        return mir_fail(err, MIR_USAGE,
                        "profile %s (%s:%u) has both source_profile and credential_source",
                        ask->profile, o.source->path, o.source->line);
    if (!o.profile && !o.source) {
        mir_fail(err, MIR_CREDENTIALS,
                 "profile %s (%s:%u) has a role_arn, and nothing to ask for it with", ask->profile,
                 o.role->path, o.role->line);
        return mir_error_hint(err, "add source_profile or credential_source");
    }
    if (mfa) {
        mir_fail(err, MIR_CREDENTIALS,
                 "profile %s (%s:%u) wants the code of an MFA device, and nobody can be asked "
                 "for it here",
                 ask->profile, mfa->path, mfa->line);
        return mir_error_hint(err, "get keys with `aws sts assume-role` or `aws configure "
                                   "export-credentials`, and set them in the environment");
    }
    *ret = o;
    return 0;
}

static enum ec2_answer from_source(struct ec2_asking *ask, const struct ec2_property *source,
                                   struct ec2_credentials *ret, struct mir_error *err)
{
    static const struct {
        const char *name;
        ec2_source_fn *ask;
    } sources[] = {{"Environment", ec2_source_environment},
                   {"EcsContainer", ec2_source_container},
                   {"Ec2InstanceMetadata", ec2_source_instance}};
    for (size_t i = 0; i < MIR_NELEMS(sources); i++) {
        if (strcmp(source->value, sources[i].name) != 0)
            continue;
        struct ec2_asking there = *ask;
        there.environment = true;
        enum ec2_answer answer = sources[i].ask(&there, ret, err);
        if (answer != EC2_ANSWER_NONE)
            return answer;
        mir_fail(err, MIR_CREDENTIALS, "%s:%u: credential_source %s gives none: %s", source->path,
                 source->line, source->value, there.why);
        return EC2_ANSWER_FAILED;
    }
    mir_fail(err, MIR_USAGE, "%s:%u: credential_source '%.40s' is not known", source->path,
             source->line, source->value);
    mir_error_hint(err, "it has to be Environment, EcsContainer or Ec2InstanceMetadata");
    return EC2_ANSWER_FAILED;
}

static int check_visited(const struct ec2_asking *ask, const struct ec2_asking *there,
                         const struct ec2_property *p, struct mir_error *err)
{
    /* A profile may be its own source, if it has keys. */
    if (!strcmp(ask->profile, there->profile) && has_static_keys(there))
        return 0;
    for (size_t i = 0; i < ask->visited_count; i++)
        if (!strcmp(ask->visited[i], there->profile))
            return mir_fail(err, MIR_USAGE, "%s:%u: source_profile %.64s leads back to itself",
                            p->path, p->line, p->value);
    if (ask->visited_count == EC2_ROLES_MAX)
        return mir_fail(err, MIR_USAGE, "%s:%u: more than %d roles, one for the other", p->path,
                        p->line, EC2_ROLES_MAX);
    return 0;
}

static enum ec2_answer assume(struct ec2_asking *ask, struct ec2_credentials *ret,
                              struct mir_error *err);

static enum ec2_answer from_profile(struct ec2_asking *ask, const struct ec2_property *p,
                                    struct ec2_credentials *ret, struct mir_error *err)
{
    struct ec2_asking there = *ask;
    there.profile = p->value;
    there.environment = false;
    if (!ec2_profiles_has(ec2_config_profiles(ask->config), EC2_SECTION_PROFILE, p->value)) {
        mir_fail(err, MIR_CREDENTIALS, "%s:%u: there is no source_profile %.64s", p->path, p->line,
                 p->value);
        return EC2_ANSWER_FAILED;
    }
    if (check_visited(ask, &there, p, err))
        return EC2_ANSWER_FAILED;
    if (!has_static_keys(&there) && has_role(&there))
        return assume(&there, ret, err);
    enum ec2_answer answer = ec2_source_profile(&there, ret, err);
    if (answer != EC2_ANSWER_NONE)
        return answer;
    mir_fail(err, MIR_CREDENTIALS, "%s:%u: source_profile %.64s has no credentials", p->path,
             p->line, p->value);
    return EC2_ANSWER_FAILED;
}

static int ask_sts(const struct ec2_asking *ask, const char *role_arn, struct ec2_credentials *keys,
                   struct ec2_credentials *ret, struct mir_error *err)
{
    char name[SESSION_NAME_TEXT];
    struct ec2_session *session = sts_session(ask, keys, err);
    if (!session)
        return -1;
    name_session(ask, text_of(ask, "role_session_name"), name);
    struct ec2_assume_role args = {.role_arn = role_arn,
                                   .session_name = name,
                                   .external_id = text_of(ask, "external_id"),
                                   .duration_s = duration_of(ask)};
    int rc = ec2_assume_role(session, &args, ec2_until(session, STS_MS), ret, err);
    ec2_session_free(session);
    if (rc)
        return mir_error_wrap(err, "role_arn of profile %s", ask->profile);
    snprintf(ret->source, sizeof ret->source, "role of profile %.40s, by %.90s", ask->profile,
             keys->source);
    return 0;
}

/* The role of the profile that is looked at. */
static enum ec2_answer assume(struct ec2_asking *ask, struct ec2_credentials *ret,
                              struct mir_error *err)
{
    struct origin origin = {.role = NULL};
    if (find_origin(ask, &origin, err) || !origin.role)
        return EC2_ANSWER_FAILED;
    ask->visited[ask->visited_count++] = ask->profile;
    ec2_auto_credentials struct ec2_credentials keys = {0};
    enum ec2_answer answer = origin.source    ? from_source(ask, origin.source, &keys, err)
                             : origin.profile ? from_profile(ask, origin.profile, &keys, err)
                                              : EC2_ANSWER_FAILED;
    if (answer == EC2_ANSWER_SERVED && ask_sts(ask, origin.role->value, &keys, ret, err))
        answer = EC2_ANSWER_FAILED;
    return answer;
}

enum ec2_answer ec2_source_role(struct ec2_asking *ask, struct ec2_credentials *ret,
                                struct mir_error *err)
{
    if (!ec2_asked(ask, "role_arn"))
        return ec2_none(ask, "profile %s has no role_arn", ask->profile);
    if (!has_role(ask))
        return ec2_none(ask, "the role of profile %s is for a web identity", ask->profile);
    struct ec2_asking here = *ask;
    return assume(&here, ret, err);
}

/* --- web identity --- */

/* What the environment says, be it nothing, goes before the profile. */
static const char *web_value(const struct ec2_asking *ask, const char *variable, const char *key)
{
    const char *value = ask->environment ? ec2_config_variable_raw(ask->config, variable) : NULL;
    if (!value)
        return text_of(ask, key);
    return *value ? value : NULL;
}

static int read_token(const char *path, char **ret, struct mir_error *err)
{
    char *token;
    size_t len;
    if (mir_file_read(path, TOKEN_MAX, &token, &len, err))
        return mir_error_wrap(err, "web_identity_token_file");
    while (len > 0 && isspace((unsigned char)token[len - 1]))
        token[--len] = '\0';
    if (len > 0 && strlen(token) == len) {
        *ret = token;
        return 0;
    }
    free(token);
    return mir_fail(err, MIR_CREDENTIALS, "web_identity_token_file: %s holds no token", path);
}

static int ask_sts_web(const struct ec2_asking *ask, const char *role_arn, const char *token,
                       struct ec2_credentials *ret, struct mir_error *err)
{
    char name[SESSION_NAME_TEXT];
    struct ec2_session *session = sts_session(ask, NULL, err);
    if (!session)
        return -1;
    name_session(ask, web_value(ask, "AWS_ROLE_SESSION_NAME", "role_session_name"), name);
    struct ec2_assume_role_web args = {.role_arn = role_arn, .session_name = name, .token = token};
    int rc =
        ec2_assume_role_with_web_identity(session, &args, ec2_until(session, STS_MS), ret, err);
    ec2_session_free(session);
    if (rc)
        return mir_error_wrap(err, "web identity");
    snprintf(ret->source, sizeof ret->source, "role %.120s by a web identity", role_arn);
    return 0;
}

enum ec2_answer ec2_source_web_identity(struct ec2_asking *ask, struct ec2_credentials *ret,
                                        struct mir_error *err)
{
    const char *path = web_value(ask, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
    const char *role_arn = web_value(ask, "AWS_ROLE_ARN", "role_arn");
    char *token = NULL;
    if (!path)
        return ec2_none(ask,
                        "AWS_WEB_IDENTITY_TOKEN_FILE is not set, and profile %s has no "
                        "web_identity_token_file",
                        ask->profile);
    if (!role_arn) {
        mir_fail(err, MIR_CREDENTIALS, "there is a web identity's token, and no role to ask for");
        mir_error_hint(err, "set AWS_ROLE_ARN, or role_arn in the profile");
        return EC2_ANSWER_FAILED;
    }
    if (read_token(path, &token, err))
        return EC2_ANSWER_FAILED;
    int rc = ask_sts_web(ask, role_arn, token, ret, err);
    mir_wipe(token, strlen(token));
    free(token);
    return rc ? EC2_ANSWER_FAILED : EC2_ANSWER_SERVED;
}
