/* SPDX-License-Identifier: ISC */
/* Roles, by other keys and by a web identity, with an STS of the test's. */
#include "ec2/chain.h"

#include "ec2_env.h"
#include "talk_server.h"

/* Gives keys whose id is the role's last part, to whoever has the key that it wants. */
struct sts {
    char log[16][512]; /* "<key id of the signature>|<body>" per request */
    int count;
    const char *refuse; /* a role that nobody gets */
};

/* The value of a form's parameter, not decoded; "" when it is not there. */
static void form_value(const char *body, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    *out = '\0';
    for (const char *at = body; at; at = strchr(at, '&')) {
        at += *at == '&';
        if (!strncmp(at, name, len) && at[len] == '=') {
            snprintf(out, size, "%.*s", (int)strcspn(at + len + 1, "&"), at + len + 1);
            return;
        }
        if (!strchr(at, '&'))
            return;
    }
}

static void answer(void *ctx, const struct talk_server_ask *ask, struct talk_server_say *say)
{
    struct sts *sts = ctx;
    char authorization[512], action[64], arn[256], key[128] = "";
    talk_server_header(ask, "Authorization", authorization, sizeof authorization);
    sscanf(authorization, "AWS4-HMAC-SHA256 Credential=%127[^/]", key);
    form_value(ask->body, "Action", action, sizeof action);
    form_value(ask->body, "RoleArn", arn, sizeof arn);
    if (sts->count < (int)MIR_NELEMS(sts->log))
        snprintf(sts->log[sts->count], sizeof sts->log[0], "%.100s|%.400s", key, ask->body);
    sts->count++;
    const char *role = strrchr(arn, 'F');
    role = role ? role + 1 : arn;
    if (sts->refuse && !strcmp(role, sts->refuse)) {
        say->status = 403;
        mir_buf_adds(&say->body,
                     "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
                     "<Type>Sender</Type><Code>AccessDenied</Code><Message>not you</Message>"
                     "</Error><RequestId>r-1</RequestId></ErrorResponse>");
        return;
    }
    mir_buf_addf(&say->body,
                 "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult>"
                 "<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
                 "<SessionToken>t-%s</SessionToken><Expiration>2099-01-02T03:04:05Z</Expiration>"
                 "</Credentials><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/x/y"
                 "</Arn><AssumedRoleId>A:y</AssumedRoleId></AssumedRoleUser></%sResult>"
                 "</%sResponse>",
                 action, action, role, role, action, action);
}

struct fixture {
    struct sts sts;
    struct talk_server *server;
    struct ec2_env env;
    struct ec2_chain *chain;
    struct ec2_credentials got;
    struct mir_error err;
};

static void no_wait(void *ctx, int64_t ms)
{
}

static void begin(struct fixture *f, void *const *state, const char *config,
                  const char *credentials)
{
    *f = (struct fixture){0};
    f->server = talk_server_start(answer, &f->sts);
    ec2_env_files(&f->env, state, config, credentials);
    ec2_env_set(&f->env, "AWS_EC2_METADATA_DISABLED", "true");
    ec2_env_set(&f->env, "AWS_ENDPOINT_URL_STS", talk_server_url(f->server));
}

static int get(struct fixture *f, const char *profile)
{
    struct ec2_chain_settings settings = {.wish = {profile, NULL, ec2_env_environment(&f->env)},
                                          .process_timeout_ms = 3000,
                                          .wait = no_wait};
    f->chain = ec2_chain_new(&settings);
    struct ec2_credential_source source = ec2_chain_source(f->chain);
    return source.get(source.ctx, &f->got, &f->err);
}

static void drop(struct fixture *f)
{
    ec2_credentials_clear(&f->got);
    ec2_chain_free(f->chain);
    ec2_env_clear(&f->env);
    talk_server_stop(f->server);
}

#define ARN "arn:aws:iam::123456789012:role/"
#define KEYS(id) "aws_access_key_id = " id "\naws_secret_access_key = s\n"

static void asks_for_a_role_with_a_profiles_keys(void **state)
{
    static const struct {
        const char *config, *credentials, *profile, *want, *by;
        int asked;
    } cases[] = {
        {"[profile p]\nrole_arn = " ARN "R1\nsource_profile = base\n", "[base]\n" KEYS("BASE"), "p",
         "R1", "BASE", 1},
        {"[profile p]\nrole_arn = " ARN "R1\nsource_profile = base\n[profile base]\n" KEYS("CONF"),
         NULL, "p", "R1", "CONF", 1},
        /* A profile of its own. */
        {"[profile p]\nrole_arn = " ARN "R1\nsource_profile = p\n" KEYS("SELF"), NULL, "p", "R1",
         "SELF", 1},
        /* Roles in a row: each is asked for with the one before. */
        {"[profile p]\nrole_arn = " ARN "R3\nsource_profile = q\n"
         "[profile q]\nrole_arn = " ARN "R2\nsource_profile = r\n"
         "[profile r]\nrole_arn = " ARN "R1\nsource_profile = base\n",
         "[base]\n" KEYS("BASE"), "p", "R3", "R2", 3},
        /* Keys in a source go before its role. */
        {"[profile p]\nrole_arn = " ARN "R2\nsource_profile = q\n"
         "[profile q]\nrole_arn = " ARN "R1\nsource_profile = base\n" KEYS("Q"),
         "[base]\n" KEYS("BASE"), "p", "R2", "Q", 1},
        /* The role goes before keys of the same profile. */
        {"[default]\nrole_arn = " ARN "R1\nsource_profile = base\n",
         "[default]\n" KEYS("DEFAULT") "[base]\n" KEYS("BASE"), NULL, "R1", "BASE", 1},
        {"[profile p]\nrole_arn = " ARN "R1\nsource_profile = base\n[profile base]\n"
         "credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"PROC\",\"SecretAccessKey\":"
         "\"s\"}'\n",
         NULL, "p", "R1", "PROC", 1},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct fixture f;
        begin(&f, state, cases[i].config, cases[i].credentials);
        assert_int_equal(get(&f, cases[i].profile), 0);
        assert_string_equal(f.got.access_key_id, cases[i].want);
        assert_int_equal(f.got.expires_s, 4071006245);
        assert_int_equal(f.sts.count, cases[i].asked);
        char by[128] = "";
        sscanf(f.sts.log[f.sts.count - 1], "%127[^|]", by);
        assert_string_equal(by, cases[i].by);
        assert_non_null(strstr(f.got.source, "role of profile"));
        drop(&f);
    }
}

static void says_all_that_a_profile_says_of_a_role(void **state)
{
    struct fixture f;
    begin(&f, state,
          "[profile p]\nrole_arn = " ARN "R1\nsource_profile = base\nexternal_id = ext\n"
          "role_session_name = me\nduration_seconds = 1800\n",
          "[base]\n" KEYS("BASE"));
    assert_int_equal(get(&f, "p"), 0);
    assert_non_null(strstr(f.sts.log[0], "Action=AssumeRole&"));
    assert_non_null(strstr(f.sts.log[0], "RoleSessionName=me"));
    assert_non_null(strstr(f.sts.log[0], "ExternalId=ext"));
    assert_non_null(strstr(f.sts.log[0], "DurationSeconds=1800"));
    drop(&f);
    begin(&f, state, "[profile p]\nrole_arn = " ARN "R1\nsource_profile = base\n",
          "[base]\n" KEYS("BASE"));
    assert_int_equal(get(&f, "p"), 0);
    assert_non_null(strstr(f.sts.log[0], "RoleSessionName=mirage-deploy-"));
    assert_null(strstr(f.sts.log[0], "DurationSeconds"));
    drop(&f);
}

static void asks_for_a_role_with_a_source(void **state)
{
    struct fixture f;
    begin(&f, state, "[profile p]\nrole_arn = " ARN "R1\ncredential_source = Environment\n", NULL);
    ec2_env_set(&f.env, "AWS_ACCESS_KEY_ID", "ENV");
    ec2_env_set(&f.env, "AWS_SECRET_ACCESS_KEY", "s");
    assert_int_equal(get(&f, "p"), 0); /* the profile was chosen, and the role still is by them */
    assert_string_equal(f.got.access_key_id, "R1");
    assert_ptr_equal(strstr(f.sts.log[0], "ENV|"), f.sts.log[0]);
    drop(&f);
}

static void refuses_what_leads_nowhere(void **state)
{
    static const struct {
        const char *config, *word;
        enum mir_kind kind;
    } cases[] = {
        {"[profile p]\nrole_arn = " ARN "R\n", "nothing to ask for it with", MIR_CREDENTIALS},
        {"[profile p]\nrole_arn = " ARN "R\nsource_profile = q\ncredential_source = Environment\n"
         "[profile q]\n",
         "has both", MIR_USAGE},
        {"[profile p]\nrole_arn = " ARN "R\nsource_profile = q\n", "there is no source_profile q",
         MIR_CREDENTIALS},
        {"[profile p]\nrole_arn = " ARN "R\nsource_profile = p\n", "leads back", MIR_USAGE},
        {"[profile p]\nrole_arn = " ARN "R\nsource_profile = q\n"
         "[profile q]\nrole_arn = " ARN "R\nsource_profile = p\n",
         "leads back", MIR_USAGE},
        {"[profile p]\nrole_arn = " ARN "R\nsource_profile = q\n"
         "[profile q]\nrole_arn = " ARN "R\nsource_profile = r\n"
         "[profile r]\nrole_arn = " ARN "R\nsource_profile = q\n",
         "leads back", MIR_USAGE},
        {"[profile p]\nrole_arn = " ARN "R\nsource_profile = q\n[profile q]\nregion = x\n",
         "source_profile q has no credentials", MIR_CREDENTIALS},
        {"[profile p]\nrole_arn = " ARN "R\nsource_profile = q\n[profile q]\n"
         "aws_secret_access_key = s\n",
         "source_profile q has no credentials", MIR_CREDENTIALS},
        {"[profile p]\nrole_arn = " ARN "R\ncredential_source = environment\n", "not known",
         MIR_USAGE},
        {"[profile p]\nrole_arn = " ARN "R\ncredential_source = Environment\n",
         "AWS_ACCESS_KEY_ID is not set", MIR_CREDENTIALS},
        {"[profile p]\nrole_arn = " ARN "R\ncredential_source = Ec2InstanceMetadata\n",
         "turned off", MIR_CREDENTIALS},
        {"[profile p]\nrole_arn = " ARN "R\ncredential_source = EcsContainer\n", "not set",
         MIR_CREDENTIALS},
        {"[profile p]\nrole_arn = " ARN "R\nsource_profile = q\nmfa_serial = arn:x\n"
         "[profile q]\n" KEYS("Q"),
         "MFA", MIR_CREDENTIALS},
        {"[profile p]\nrole_arn = " ARN "R\nsource_profile = q\n[profile q]\nsso_account_id = 1\n",
         "IAM Identity Center", MIR_CREDENTIALS},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct fixture f;
        begin(&f, state, cases[i].config, NULL);
        assert_int_equal(get(&f, "p"), -1);
        print_message("  %s\n", f.err.text);
        assert_int_equal(f.err.kind, cases[i].kind);
        assert_non_null(strstr(f.err.text, cases[i].word));
        assert_int_equal(f.sts.count, 0);
        drop(&f);
    }
}

static void stops_in_a_long_row_of_roles(void **state)
{
    struct mir_buf text;
    mir_buf_init(&text, 65536);
    for (int i = 0; i < 40; i++)
        mir_buf_addf(&text, "[profile p%d]\nrole_arn = " ARN "R\nsource_profile = p%d\n", i, i + 1);
    mir_buf_adds(&text, "[profile p40]\n" KEYS("BASE"));
    struct fixture f;
    begin(&f, state, text.data, NULL);
    assert_int_equal(get(&f, "p0"), -1);
    assert_non_null(strstr(f.err.text, "roles, one for the other"));
    drop(&f);
    begin(&f, state, text.data, NULL);
    assert_int_equal(get(&f, "p33"), 0);
    assert_int_equal(f.sts.count, 7);
    drop(&f);
    mir_buf_clear(&text);
}

static void passes_on_what_sts_says(void **state)
{
    struct fixture f;
    begin(&f, state, "[profile p]\nrole_arn = " ARN "R1\nsource_profile = base\n",
          "[base]\n" KEYS("BASE"));
    f.sts.refuse = "R1";
    assert_int_equal(get(&f, "p"), -1);
    assert_string_equal(f.err.provider_code, "AccessDenied");
    assert_non_null(strstr(f.err.text, "not you"));
    assert_non_null(strstr(f.err.text, "role_arn of profile p"));
    assert_int_equal(f.sts.count, 1);
    drop(&f);

    begin(&f, state, "[profile p]\nrole_arn = " ARN "R1\nsource_profile = base\n",
          "[base]\n" KEYS("BASE"));
    ec2_env_set(&f.env, "AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    assert_int_equal(get(&f, "p"), -1);
    assert_int_equal(f.err.kind, MIR_UNAVAILABLE);
    drop(&f);
}

/* --- web identity --- */

static void shows_a_web_identity(void **state)
{
    mir_auto_free char *token = scratch_file(state, "jwt", "eyJ.x.y\n");
    mir_auto_free char *config = mir_format(
        "[profile p]\nrole_arn = " ARN "R1\nweb_identity_token_file = %s\nrole_session_name = me\n",
        token);
    struct fixture f;
    begin(&f, state, config, NULL);
    assert_int_equal(get(&f, "p"), 0);
    assert_string_equal(f.got.access_key_id, "R1");
    /* Not signed: there is nothing to sign with. */
    assert_ptr_equal(strstr(f.sts.log[0], "|"), f.sts.log[0]);
    assert_non_null(strstr(f.sts.log[0], "Action=AssumeRoleWithWebIdentity"));
    assert_non_null(strstr(f.sts.log[0], "WebIdentityToken=eyJ.x.y"));
    assert_non_null(strstr(f.sts.log[0], "RoleSessionName=me"));
    drop(&f);

    begin(&f, state, NULL, NULL);
    ec2_env_set(&f.env, "AWS_WEB_IDENTITY_TOKEN_FILE", token);
    ec2_env_set(&f.env, "AWS_ROLE_ARN", ARN "R2");
    ec2_env_set(&f.env, "AWS_ROLE_SESSION_NAME", "ci");
    assert_int_equal(get(&f, NULL), 0);
    assert_string_equal(f.got.access_key_id, "R2");
    assert_non_null(strstr(f.sts.log[0], "RoleSessionName=ci"));
    drop(&f);

    /* A profile that was chosen on purpose turns off the environment's. */
    begin(&f, state, "[profile p]\nregion = x\n", NULL);
    ec2_env_set(&f.env, "AWS_WEB_IDENTITY_TOKEN_FILE", token);
    ec2_env_set(&f.env, "AWS_ROLE_ARN", ARN "R2");
    assert_int_equal(get(&f, "p"), -1);
    assert_int_equal(f.sts.count, 0);
    drop(&f);

    /* A role whose source is one. */
    mir_auto_free char *row =
        mir_format("%s[profile q]\nrole_arn = " ARN "R3\nsource_profile = p\n", config);
    begin(&f, state, row, NULL);
    assert_int_equal(get(&f, "q"), 0);
    assert_string_equal(f.got.access_key_id, "R3");
    assert_int_equal(f.sts.count, 2);
    drop(&f);
}

static void refuses_half_a_web_identity(void **state)
{
    mir_auto_free char *token = scratch_file(state, "jwt", "eyJ.x.y\n");
    mir_auto_free char *empty = scratch_file(state, "nothing", "\n");
    const struct {
        const char *file, *arn, *word;
    } cases[] = {{token, NULL, "no role to ask for"},
                 {"/nonexistent/jwt", ARN "R1", "/nonexistent/jwt"},
                 {empty, ARN "R1", "holds no token"}};
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct fixture f;
        begin(&f, state, NULL, "[default]\n" KEYS("NEVER"));
        ec2_env_set(&f.env, "AWS_WEB_IDENTITY_TOKEN_FILE", cases[i].file);
        ec2_env_set(&f.env, "AWS_ROLE_ARN", cases[i].arn);
        assert_int_equal(get(&f, NULL), -1);
        assert_non_null(strstr(f.err.text, cases[i].word));
        assert_int_equal(f.sts.count, 0);
        drop(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_a_role_with_a_profiles_keys),
        cmocka_unit_test(says_all_that_a_profile_says_of_a_role),
        cmocka_unit_test(asks_for_a_role_with_a_source),
        cmocka_unit_test(refuses_what_leads_nowhere),
        cmocka_unit_test(stops_in_a_long_row_of_roles),
        cmocka_unit_test(passes_on_what_sts_says),
        cmocka_unit_test(shows_a_web_identity),
        cmocka_unit_test(refuses_half_a_web_identity),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
