/* SPDX-License-Identifier: ISC */
/*
 * Keystone v3: who we are, in which project, and what the cloud offers. Tokens themselves are the
 * session's business: they are got when they are needed, and never shown.
 *
 * Source: "Identity API v3 (CURRENT)".
 */
#ifndef OPENSTACK_IDENTITY_H
#define OPENSTACK_IDENTITY_H

#include <stddef.h>

#include "api/secret.h"
#include "openstack/session.h"

struct os_found_endpoint {
    char interface[16]; /* "public" */
    char region[OS_REGION_TEXT];
    char *url; /* may be NULL */
};

struct os_found_service {
    char *type, *name; /* "compute", "nova"; either may be NULL */
    struct os_found_endpoint *endpoints;
    size_t endpoint_count;
};

struct os_found_role {
    char *name;
};

/* All owned; texts are NULL where nothing was said. */
struct os_who {
    char user_id[OS_ID_TEXT], project_id[OS_ID_TEXT];
    char *user_name, *user_domain, *project_name, *project_domain; /* domains by name */
    char *application_credential;                                  /* its name, when one was used */
    int64_t expires_s, issued_s;                                   /* of the token; 0: not said */
    struct os_found_role *roles;
    size_t role_count;
    struct os_found_service *catalog;
    size_t service_count;
};

/* Asks Keystone only where there is no token yet. */
int os_who_am_i(struct os_session *session, int64_t until_ms, struct os_who *ret,
                struct mir_error *err);
void os_who_clear(struct os_who *who);
#define os_auto_who MIR_CLEANUP(os_who_clear)

/* Ends the session's token, for whatever still holds it: Nova's own work in the background, too, so
 * never right after a DELETE. The next call gets another one. Without a token: nothing is done. */
int os_token_revoke(struct os_session *session, int64_t until_ms, struct mir_error *err);

/* --- application credentials: a part of a user's roles, for programs --- */

struct os_create_credential {
    const char *name, *description; /* a second one of the same name: MIR_CONFLICT */
    const char *const *roles;       /* none: all of the token's */
    size_t role_count;
    int64_t expires_s; /* 0: never */
};

struct os_credential {
    char id[OS_ID_TEXT];
    char *name, *description;
    struct mir_secret secret; /* of a new one alone: shown once */
    int64_t expires_s;        /* 0: never */
};

struct os_credentials {
    struct os_credential *rows;
    size_t count;
};

/* Of the user whom the token names. A token that an application credential got may not make others
 * (MIR_CREDENTIALS), unless that one is unrestricted. */
int os_credential_create(struct os_session *session, const struct os_create_credential *args,
                         int64_t until_ms, struct os_credential *ret, struct mir_error *err);
int os_credential_list(struct os_session *session, int64_t until_ms, struct os_credentials *ret,
                       struct mir_error *err);
int os_credential_delete(struct os_session *session, const char *id, int64_t until_ms,
                         struct mir_error *err);
void os_credential_clear(struct os_credential *credential);
void os_credentials_clear(struct os_credentials *list);

#endif
