/* SPDX-License-Identifier: ISC */
#include "openstack/identity.h"

#include "real.h"

/* A session with what an application credential gives: by its id, and by name and user. */
static void by_credential(const struct os_credential *made, bool by_id)
{
    char id[OS_ID_TEXT];
    mir_auto_free char *secret = mir_strdup(mir_secret_text(&made->secret));
    mir_auto_free char *name = mir_strdup(made->name);
    struct os_cloud cloud = real.cloud;
    snprintf(id, sizeof id, "%s", made->id);
    cloud.auth_type = OS_AUTH_APPLICATION_CREDENTIAL;
    cloud.password = NULL;
    cloud.project = (struct os_named){0};
    cloud.application_secret = secret;
    if (by_id)
        cloud.application.id = id;
    else
        cloud.application.name = name;
    struct os_session *session = real_session(&cloud);
    os_auto_who struct os_who who = {0};
    DOES(os_who_am_i(session, real.until_ms, &who, &real.err));
    EXPECT(who.project_name && !strcmp(who.project_name, real.cloud.project.name));
    EXPECT(who.application_credential && !strcmp(who.application_credential, name));
    /* It may not make others. */
    struct os_create_credential args = {.name = "other"};
    struct os_credential other = {.id = ""};
    REFUSED(os_credential_create(session, &args, real.until_ms, &other, &real.err),
            MIR_CREDENTIALS);
    /* After its end the session gets another token. */
    DOES(os_token_revoke(session, real.until_ms, &real.err));
    struct os_credentials list = {0};
    (void)os_credential_list(session, real.until_ms, &list, &real.err);
    DOES(os_who_am_i(session, real.until_ms, &who, &real.err));
    os_credentials_clear(&list);
    os_session_free(session);
}

static void credentials(void)
{
    static const char *const roles[] = {"member"};
    struct os_create_credential args = {.name = real.name,
                                        .description = "d",
                                        .roles = roles,
                                        .role_count = 1,
                                        .expires_s = mir_now_s(mir_clock_system()) + 3600};
    struct os_credential made = {.id = ""};
    struct os_credentials list = {0};
    if (!DOES(os_credential_create(real.session, &args, real.until_ms, &made, &real.err)))
        return;
    EXPECT(made.secret.len >= 20);
    EXPECT(made.expires_s == args.expires_s);
    struct os_credential second = {.id = ""};
    REFUSED(os_credential_create(real.session, &args, real.until_ms, &second, &real.err),
            MIR_CONFLICT);
    by_credential(&made, true);
    by_credential(&made, false);
    DOES(os_credential_list(real.session, real.until_ms, &list, &real.err));
    bool found = false;
    for (size_t i = 0; i < list.count; i++)
        found = found || !strcmp(list.rows[i].id, made.id);
    EXPECT(found);
    DOES(os_credential_delete(real.session, made.id, real.until_ms, &real.err));
    REFUSED(os_credential_delete(real.session, made.id, real.until_ms, &real.err), MIR_NOT_FOUND);
    os_credentials_clear(&list);
    os_credential_clear(&made);
}

static void wrong_ones(void)
{
    struct os_cloud cloud = real.cloud;
    os_auto_who struct os_who who = {0};
    char wrong[] = "wrong", elsewhere[] = "Nowhere";
    cloud.password = wrong;
    struct os_session *session = real_session(&cloud);
    REFUSED(os_who_am_i(session, real.until_ms, &who, &real.err), MIR_CREDENTIALS);
    os_session_free(session);
    cloud = real.cloud;
    cloud.region = elsewhere;
    session = real_session(&cloud);
    bool has = true;
    DOES(os_session_has(session, OS_COMPUTE, real.until_ms, &has, &real.err));
    EXPECT(!has);
    os_session_free(session);
}

/* Keystone named without its version, and the region found out. */
static void unversioned(void)
{
    struct os_cloud cloud = real.cloud;
    mir_auto_free char *url = mir_strdup(cloud.auth_url);
    char *version = strstr(url, "/v3"), region[OS_REGION_TEXT] = "";
    if (version)
        *version = '\0';
    cloud.auth_url = url;
    cloud.region = NULL;
    struct os_session *session = real_session(&cloud);
    os_auto_who struct os_who who = {0};
    DOES(os_who_am_i(session, real.until_ms, &who, &real.err));
    DOES(os_session_region(session, real.until_ms, region, &real.err));
    EXPECT(!real.cloud.region || !strcmp(region, real.cloud.region));
    os_session_free(session);
}

static void endpoints(void)
{
    static const enum os_service services[] = {OS_IDENTITY, OS_IMAGE, OS_COMPUTE, OS_NETWORK};
    for (size_t i = 0; i < MIR_NELEMS(services); i++) {
        char *url = NULL;
        DOES(os_session_endpoint(real.session, services[i], real.until_ms, &url, &real.err));
        printf("# %s: %s\n", os_service_name(services[i]), url ? url : "");
        free(url);
    }
    int minor = 0;
    DOES(os_session_microversion(real.session, OS_COMPUTE, real.until_ms, &minor, &real.err));
    printf("# nova speaks 2.%d\n", minor);
    EXPECT(minor > 1);
}

void real_identity(void)
{
    os_auto_who struct os_who who = {0};
    DOES(os_who_am_i(real.session, real.until_ms, &who, &real.err));
    EXPECT(who.user_name && !strcmp(who.user_name, real.cloud.user.name));
    EXPECT(who.project_name && !strcmp(who.project_name, real.cloud.project.name));
    EXPECT(*who.user_id && *who.project_id && who.service_count > 3 && who.role_count > 0);
    EXPECT(who.expires_s > mir_now_s(mir_clock_system()));
    endpoints();
    unversioned();
    wrong_ones();
    credentials();
}
