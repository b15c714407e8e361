/* SPDX-License-Identifier: ISC */
#include "openstack/identity.h"

#include "tables.h"

#define ROLE_MAX 32

/* What is sent: a role is an object with a name. */
struct role {
    const char *name;
};

struct create {
    const char *name, *description;
    const struct role *roles;
    size_t role_count;
    int64_t expires_s;
};

static const struct mir_field role_fields[] = {
    MIR_ROW(struct role, name, "name", MIR_PUT_TEXT),
};
OS_TABLE(struct role, role);

static const struct mir_field create_fields[] = {
    MIR_MUST(struct create, name, "application_credential.name", MIR_PUT_TEXT),
    MIR_ROW(struct create, description, "application_credential.description", MIR_PUT_TEXT),
    MIR_MANY(struct create, roles, role_count, "application_credential.roles", MIR_PUT_LIST,
             &role_table),
    MIR_ROW(struct create, expires_s, "application_credential.expires_at", MIR_PUT_TIME),
};
OS_TABLE(struct create, create);

static const struct mir_field credential_fields[] = {
    MIR_MUST(struct os_credential, id, "id", MIR_GET_TEXT),
    MIR_ROW(struct os_credential, name, "name", MIR_GET_OWNED),
    MIR_ROW(struct os_credential, description, "description", MIR_GET_OWNED),
    MIR_ROW(struct os_credential, secret, "secret", MIR_GET_SECRET),
    MIR_ROW(struct os_credential, expires_s, "expires_at", MIR_GET_TIME),
};
OS_TABLE(struct os_credential, credential);
OS_LIST_TABLE(struct os_credentials, credentials, "application_credentials", &credential_table);

enum { CREATE, LIST, DELETE };

#define PATH "/users/%/application_credentials"

const struct os_operation os_identity_operations[] = {
    [CREATE] = {.name = "CreateApplicationCredential",
                .service = OS_IDENTITY,
                .method = "POST",
                .path = PATH,
                .request = &create_table,
                .reply = &credential_table,
                .result = "application_credential",
                .once = true,
                .secret = true},
    [LIST] = {.name = "ListApplicationCredentials",
              .service = OS_IDENTITY,
              .method = "GET",
              .path = PATH,
              .reply = &credentials_table,
              .reads = true},
    [DELETE] = {.name = "DeleteApplicationCredential",
                .service = OS_IDENTITY,
                .method = "DELETE",
                .path = PATH "/%"},
    {0},
};

int os_credential_create(struct os_session *session, const struct os_create_credential *args,
                         int64_t until_ms, struct os_credential *ret, struct mir_error *err)
{
    os_auto_who struct os_who who = {0};
    struct role roles[ROLE_MAX];
    if (args->role_count > ROLE_MAX)
        return mir_fail(err, MIR_USAGE, "more than %d roles", ROLE_MAX);
    if (os_who_am_i(session, until_ms, &who, err))
        return -1;
    for (size_t i = 0; i < args->role_count; i++)
        roles[i].name = args->roles[i];
    struct create create = {.name = args->name,
                            .description = args->description,
                            .roles = roles,
                            .role_count = args->role_count,
                            .expires_s = args->expires_s};
    const char *user = who.user_id;
    return os_operate(session, &os_identity_operations[CREATE], &user, &create, until_ms, ret, err);
}

int os_credential_list(struct os_session *session, int64_t until_ms, struct os_credentials *ret,
                       struct mir_error *err)
{
    os_auto_who struct os_who who = {0};
    if (os_who_am_i(session, until_ms, &who, err))
        return -1;
    const char *user = who.user_id;
    return os_operate(session, &os_identity_operations[LIST], &user, NULL, until_ms, ret, err);
}

int os_credential_delete(struct os_session *session, const char *id, int64_t until_ms,
                         struct mir_error *err)
{
    os_auto_who struct os_who who = {0};
    if (os_who_am_i(session, until_ms, &who, err))
        return -1;
    const char *const parts[] = {who.user_id, id};
    return os_operate(session, &os_identity_operations[DELETE], parts, NULL, until_ms, NULL, err);
}

OS_CLEAR(os_credential_clear, struct os_credential, &credential_table)
OS_CLEAR(os_credentials_clear, struct os_credentials, &credentials_table)
