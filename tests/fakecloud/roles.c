/* SPDX-License-Identifier: ISC */
#include "roles.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/id.h"
#include "api/json.h"
#include "api/memory.h"
#include "bounds.h"

/* --- roles --- */

static void put_role(struct fc_world *world, const char *name, json_t *doc)
{
    const struct fc_cause cause = {"control.roles", "-", fc_world_now_ms(world)};
    struct fc_object *role = fc_store_get(world->store, "role", "", name);
    json_object_set_new(doc, "RoleName", json_string(name));
    json_object_set_new(doc, "Arn",
                        json_sprintf("arn:aws:iam::%s:role/%s", world->account.id, name));
    if (role) {
        json_object_update(fc_store_edit(world->store, role, cause.now_ms, 0), doc);
        json_decref(doc);
    } else {
        fc_store_add(world->store, "role", "", name, doc, &cause)->furniture = true;
    }
    fc_world_commit(world, &cause);
}

void fc_roles_ready(struct fc_world *world)
{
    static const struct {
        const char *name, *trusts, *action;
    } rows[] = {{"vmimport", "vmie.amazonaws.com", "*"},
                {"mirage-scheduler", "scheduler.amazonaws.com", "ec2:TerminateInstances"},
                {"mirage-deployer", "account", "*"},
                {"mirage-instance", "ec2.amazonaws.com", "*"},
                {"mirage-web", "web", "*"}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (!fc_store_get(world->store, "role", "", rows[i].name))
            put_role(world, rows[i].name,
                     json_pack("{s:[s],s:{s:[{s:s,s:s,s:s}]}}", "trust", rows[i].trusts, "policy",
                               "Statement", "Effect", "Allow", "Action", rows[i].action, "Resource",
                               "*"));
}

static int check_policy(const json_t *policy, struct mir_error *err)
{
    size_t i;
    json_t *statement;
    json_array_foreach((json_t *)(uintptr_t)fc_at(policy, "Statement"), i, statement)
    {
        const char *effect = fc_text_at(statement, "Effect");
        if ((strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0) ||
            !fc_at(statement, "Action"))
            return mir_fail(err, MIR_USAGE,
                            "a statement has an Effect (Allow, Deny) and an Action");
    }
    return json_array_size(fc_at(policy, "Statement"))
               ? 0
               : mir_fail(err, MIR_USAGE, "a policy has a list of Statement");
}

int fc_role_set(struct fc_world *world, const json_t *json, struct mir_error *err)
{
    static const char *const members[] = {"name", "trust", "policy", "external_id"};
    const char *name = fc_text_at(json, "name");
    const json_t *policy = fc_at(json, "policy");
    if (mir_json_only((json_t *)(uintptr_t)json, members, MIR_NELEMS(members), err) ||
        check_policy(policy, err))
        return -1;
    if (!*name || !json_is_array(fc_at(json, "trust")))
        return mir_fail(err, MIR_USAGE, "a role has a name and a list of whom it trusts");
    json_t *doc = json_deep_copy(json);
    json_object_del(doc, "name");
    put_role(world, name, doc);
    return 0;
}

struct fc_object *fc_role_by_arn(const struct fc_world *world, const char *arn)
{
    mir_auto_free char *prefix = mir_format("arn:aws:iam::%s:role/", world->account.id);
    size_t len = strlen(prefix);
    return strncmp(arn, prefix, len) ? NULL : fc_store_get(world->store, "role", "", arn + len);
}

bool fc_role_trusts(const struct fc_object *role, const char *principal)
{
    size_t i;
    json_t *value;
    json_array_foreach(fc_at(role->doc, "trust"), i, value)
    {
        if (json_is_string(value) && !strcmp(json_string_value(value), principal))
            return true;
    }
    return false;
}

/* --- policies --- */

bool fc_policy_allows(const json_t *policy, const char *action)
{
    bool allowed = false;
    size_t i;
    json_t *statement;
    if (!policy)
        return true;
    json_array_foreach((json_t *)(uintptr_t)fc_at(policy, "Statement"), i, statement)
    {
        if (!fc_statement_names(statement, action))
            continue;
        if (!strcmp(fc_text_at(statement, "Effect"), "Deny"))
            return false;
        allowed = true;
    }
    return allowed;
}

bool fc_role_allows(const struct fc_object *role, const char *action)
{
    return fc_policy_allows(fc_at(role->doc, "policy"), action);
}

int fc_policy_set(struct fc_world *world, const json_t *policy, struct mir_error *err)
{
    const struct fc_cause cause = {"control.policy", "-", fc_world_now_ms(world)};
    struct fc_object *user = fc_store_get(world->store, "user", "", "fakecloud");
    json_t *copy = json_is_null(policy) ? json_null() : json_deep_copy(policy);
    if (!json_is_null(policy) && check_policy(policy, err)) {
        json_decref(copy);
        return -1;
    }
    if (!user)
        user = fc_store_add(world->store, "user", "", "fakecloud", json_object(), &cause);
    json_object_set_new(fc_store_edit(world->store, user, cause.now_ms, 0), "policy", copy);
    fc_world_commit(world, &cause);
    return 0;
}

static const json_t *policy_of(const struct fc_call *call)
{
    const struct fc_object *holder =
        *call->who.role ? fc_store_get(call->world->store, "role", "", call->who.role)
                        : fc_store_get(call->world->store, "user", "", "fakecloud");
    const json_t *policy = holder ? fc_at(holder->doc, "policy") : NULL;
    return json_is_object(policy) ? policy : NULL;
}

int fc_may(struct fc_call *call, const char *action, struct fc_refusal *refusal)
{
    static const struct {
        int status;
        const char *code;
    } words[FC_PROTOCOL_COUNT] = {{403, "UnauthorizedOperation"},
                                  {403, "AccessDenied"},
                                  {403, "AccessDeniedException"},
                                  {403, "AccessDenied"}};
    enum fc_protocol protocol = call->service->protocol;
    const json_t *policy = policy_of(call);
    if (fc_policy_allows(policy, action) && fc_bounds_allow(policy, call, action))
        return 0;
    bool target = call->service->version && protocol == FC_PROTOCOL_JSON;
    return fc_refuse(refusal, target ? 400 : words[protocol].status, words[protocol].code,
                     "User: %s is not authorized to perform: %s because no identity-based policy "
                     "allows the %s action",
                     call->who.arn, action, action);
}

/* What a call asks for beside itself, by the parameter that makes it do so. */
static int permitted_beside(struct fc_call *call, struct fc_refusal *refusal)
{
    static const struct {
        const char *service, *parameter, *action;
    } rows[] = {{"ec2", "TagSpecification", "ec2:CreateTags"},
                {"ebs", "Tags", "ec2:CreateTags"},
                {"ec2", "IamInstanceProfile", "iam:PassRole"}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (!strcmp(call->service->name, rows[i].service) &&
            fc_at(call->params, rows[i].parameter) && fc_may(call, rows[i].action, refusal))
            return -1;
    if (!strcmp(call->service->name, "s3") && fc_request_header(call->request, "x-amz-acl") &&
        call->segments[1])
        return fc_may(call, "s3:PutObjectAcl", refusal);
    return 0;
}

int fc_permitted(struct fc_call *call, struct fc_refusal *refusal)
{
    const struct fc_operation *operation = call->operation;
    char action[100];
    if (operation->flags & FC_OP_UNSIGNED || !strcmp(operation->name, "GetCallerIdentity"))
        return 0;
    snprintf(action, sizeof action, "%.20s:%.70s", call->service->name,
             operation->action ? operation->action : operation->name);
    if (fc_may(call, action, refusal))
        return -1;
    return permitted_beside(call, refusal);
}

/* --- sessions --- */

const json_t *fc_session_new(struct fc_world *world, const struct fc_object *role,
                             const char *session_name, int64_t life_s, const struct fc_cause *cause)
{
    char random[3][MIR_ID_TEXT], key[24];
    const char *name = fc_text_at(role->doc, "RoleName");
    for (size_t i = 0; i < 3; i++)
        mir_id_new(mir_random_system(), random[i]);
    for (char *p = random[0]; *p; p++)
        *p = *p >= 'a' ? (char)(*p - 'a' + 'A') : (char)(*p - '0' + 'G');
    snprintf(key, sizeof key, "ASIA%.16s", random[0]);
    json_t *doc = json_pack(
        "{s:s,s:o,s:o,s:I,s:s,s:o,s:o}", "accessKeyId", key, "secret",
        json_sprintf("fake/%.32s+%.2s", random[1], random[2]), "token",
        json_sprintf("FwoG%s%s//==", random[2], random[1]), "expires_ms",
        (json_int_t)(cause->now_ms + life_s * 1000), "role", name, "user_id",
        json_sprintf("AROAFAKECLOUDROLE0001:%s", session_name), "arn",
        json_sprintf("arn:aws:sts::%s:assumed-role/%s/%s", world->account.id, name, session_name));
    return fc_store_add(world->store, "session", "", key, doc, cause)->doc;
}

unsigned fc_sessions_end(struct fc_world *world)
{
    const struct fc_cause cause = {"control.sessions", "-", fc_world_now_ms(world)};
    unsigned count = 0;
    for (struct fc_object *o = NULL; (o = fc_store_each(world->store, o, "session", ""));) {
        if (json_integer_value(fc_at(o->doc, "expires_ms")) <= cause.now_ms)
            continue;
        json_object_set_new(fc_store_edit(world->store, o, cause.now_ms, 0), "expires_ms",
                            json_integer(cause.now_ms / 1000 * 1000)); /* this very second */
        count++;
    }
    fc_world_commit(world, &cause);
    return count;
}

/* --- web identity --- */

static void seal(const struct fc_world *world, const char *text, char out[65])
{
    unsigned char digest[32];
    unsigned len = sizeof digest;
    if (!HMAC(EVP_sha256(), world->account.signing_key, (int)strlen(world->account.signing_key),
              (const unsigned char *)text, strlen(text), digest, &len))
        abort();
    mir_hex(digest, sizeof digest, out);
}

char *fc_web_token(const struct fc_world *world, const char *subject, int64_t life_s)
{
    char digest[65];
    mir_auto_free char *head =
        mir_format("fakecloud.%" PRId64 ".%s", fc_world_now_ms(world) / 1000 + life_s, subject);
    seal(world, head, digest);
    return mir_format("%s.%s", head, digest);
}

int fc_web_token_read(const struct fc_world *world, const char *token, char **ret_subject)
{
    char digest[65];
    long long expires_s;
    int at = 0;
    const char *last = strrchr(token, '.');
    if (!last || strlen(last + 1) != 64)
        return -1;
    mir_auto_free char *head = mir_format("%.*s", (int)(last - token), token);
    seal(world, head, digest);
    if (CRYPTO_memcmp(digest, last + 1, 64) != 0 ||
        sscanf(head, "fakecloud.%lld.%n", &expires_s, &at) != 1 || !at)
        return -1;
    if (expires_s * 1000 <= fc_world_now_ms(world))
        return 1;
    *ret_subject = mir_strdup(head + at);
    return 0;
}
