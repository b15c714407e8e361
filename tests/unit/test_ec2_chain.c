/* SPDX-License-Identifier: ISC */
/* Which step of the chain serves, and what it says when none does. Roles: test_ec2_role.c; time:
 * test_ec2_refresh.c. */
#include "ec2/chain.h"

#include <stdatomic.h>
#include <sys/stat.h>

#include "ec2_env.h"
#include "source.h"
#include "talk_server.h"

struct fixture {
    struct ec2_env env;
    struct ec2_chain *chain;
    struct ec2_credentials got;
    struct mir_error err;
    int pauses;
};

static void no_wait(void *ctx, int64_t ms)
{
    struct fixture *f = ctx;
    f->pauses++;
}

/* The environment has to be filled; gets credentials of the profile (NULL: the environment's). */
static int get(struct fixture *f, const char *profile)
{
    struct ec2_chain_settings settings = {.wish = {profile, NULL, ec2_env_environment(&f->env)},
                                          .process_timeout_ms = 3000,
                                          .wait = no_wait,
                                          .wait_ctx = f};
    f->chain = ec2_chain_new(&settings);
    struct ec2_credential_source source = ec2_chain_source(f->chain);
    return source.get(source.ctx, &f->got, &f->err);
}

static void drop(struct fixture *f)
{
    ec2_credentials_clear(&f->got);
    ec2_chain_free(f->chain);
    ec2_env_clear(&f->env);
}

/* The step's row. */
static struct ec2_step step(struct fixture *f, const char *name)
{
    struct ec2_step steps[EC2_CHAIN_STEPS_MAX];
    size_t count = ec2_chain_steps(f->chain, steps);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(steps[i].name, name))
            return steps[i];
    fail_msg("no step %s", name);
    return steps[0];
}

static struct fixture begin(void *const *state, const char *config, const char *credentials)
{
    struct fixture f = {0};
    ec2_env_files(&f.env, state, config, credentials);
    ec2_env_set(&f.env, "AWS_EC2_METADATA_DISABLED", "true");
    return f;
}

#define KEYS(id) "aws_access_key_id = " id "\naws_secret_access_key = s-" id "\n"

static void keeps_the_order_of_the_tools(void **state)
{
    mir_auto_free char *program =
        scratch_file(state, "program",
                     "#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"PROCESS\","
                     "\"SecretAccessKey\":\"s\"}'\n");
    assert_int_equal(chmod(program, 0700), 0);
    mir_auto_free char *config =
        mir_format("[default]\n" KEYS("CONFIG") "[profile both]\n"
                                                "credential_process = %s\n" KEYS("CONFIG2"),
                   program);
    static const char *const credentials =
        "[default]\n" KEYS("SHARED") "aws_session_token = t\n[other]\n" KEYS("OTHER");
    static const struct {
        const char *profile, *variable_profile, *env_key;
        bool shared;
        const char *want, *step;
    } cases[] = {
        {NULL, NULL, "ENV", true, "ENV", "environment"},
        {NULL, "other", "ENV", true, "ENV", "environment"},
        {"other", NULL, "ENV", true, "OTHER", "credentials file"},
        {NULL, "other", NULL, true, "OTHER", "credentials file"},
        {NULL, NULL, NULL, true, "SHARED", "credentials file"},
        {NULL, NULL, NULL, false, "CONFIG", "config file"},
        {NULL, NULL, "", false, "CONFIG", "config file"},
        {"both", NULL, NULL, true, "PROCESS", "process"},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct fixture f = begin(state, config, cases[i].shared ? credentials : NULL);
        if (cases[i].variable_profile)
            ec2_env_set(&f.env, "AWS_PROFILE", cases[i].variable_profile);
        if (cases[i].env_key) {
            ec2_env_set(&f.env, "AWS_ACCESS_KEY_ID", cases[i].env_key);
            ec2_env_set(&f.env, "AWS_SECRET_ACCESS_KEY", "s");
        }
        assert_int_equal(get(&f, cases[i].profile), 0);
        assert_string_equal(f.got.access_key_id, cases[i].want);
        assert_int_equal(step(&f, cases[i].step).state, EC2_STEP_SERVED);
        assert_string_equal(step(&f, cases[i].step).text, f.got.source);
        assert_int_equal(step(&f, "instance").state, EC2_STEP_NOT_ASKED);
        drop(&f);
    }
}

static void reads_all_of_a_key(void **state)
{
    struct fixture f = begin(state, NULL,
                             "[default]\n" KEYS("A") "aws_session_token = new\naws_account_id = "
                                                     "123456789012\n");
    assert_int_equal(get(&f, NULL), 0);
    assert_string_equal(mir_secret_text(&f.got.secret), "s-A");
    assert_string_equal(mir_secret_text(&f.got.session_token), "new");
    assert_string_equal(f.got.account_id, "123456789012");
    assert_non_null(strstr(f.got.source, "profile default ("));
    assert_non_null(strstr(f.got.source, "/credentials:2)"));
    drop(&f);

    f = begin(state, NULL, NULL);
    ec2_env_set(&f.env, "AWS_ACCESS_KEY_ID", "E");
    ec2_env_set(&f.env, "AWS_SECRET_ACCESS_KEY", "s");
    ec2_env_set(&f.env, "AWS_SESSION_TOKEN", "new");
    ec2_env_set(&f.env, "AWS_CREDENTIAL_EXPIRATION", "2099-01-02T03:04:05Z");
    ec2_env_set(&f.env, "AWS_ACCOUNT_ID", "123456789012");
    assert_int_equal(get(&f, NULL), 0);
    assert_string_equal(mir_secret_text(&f.got.session_token), "new");
    assert_int_equal(f.got.expires_s, 4071006245);
    drop(&f);
}

static void says_what_each_step_lacks(void **state)
{
    struct fixture f = begin(state, "[default]\nregion = x\n", NULL);
    assert_int_equal(get(&f, NULL), -1);
    assert_int_equal(f.err.kind, MIR_CREDENTIALS);
    assert_string_equal(f.err.text, "no AWS credentials were found");
    assert_non_null(strstr(f.err.hint, "aws configure"));
    static const struct {
        const char *name, *word;
    } want[] = {{"environment", "AWS_ACCESS_KEY_ID is not set"},
                {"role", "no role_arn"},
                {"web identity", "AWS_WEB_IDENTITY_TOKEN_FILE"},
                {"SSO", "sso_account_id"},
                {"credentials file", "/credentials is not there"},
                {"login", "login_session"},
                {"process", "no credential_process"},
                {"config file", "no aws_access_key_id in"},
                {"container", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"},
                {"instance", "turned off"}};
    for (size_t i = 0; i < MIR_NELEMS(want); i++) {
        assert_int_equal(step(&f, want[i].name).state, EC2_STEP_NONE);
        assert_non_null(strstr(step(&f, want[i].name).text, want[i].word));
    }
    drop(&f);
}

static void fails_where_a_step_is_half_configured(void **state)
{
    static const struct {
        const char *config, *credentials, *variable, *value, *step, *word;
        enum mir_kind kind;
    } cases[] = {
        {NULL, NULL, "AWS_ACCESS_KEY_ID", "A", "environment", "no secret access key",
         MIR_CREDENTIALS},
        {NULL, "[default]\naws_access_key_id = A\n", NULL, NULL, "credentials file",
         "no secret access key", MIR_CREDENTIALS},
        {NULL, "[default]\naws_access_key_id =\n", NULL, NULL, "credentials file",
         "no access key id", MIR_CREDENTIALS},
        {"[default]\naws_access_key_id = A\n", NULL, NULL, NULL, "config file",
         "no secret access key", MIR_CREDENTIALS},
        {"[default]\nsso_account_id = 1\n", NULL, NULL, NULL, "SSO", "IAM Identity Center",
         MIR_CREDENTIALS},
        {"[default]\nlogin_session = arn\n", NULL, NULL, NULL, "login", "a console login",
         MIR_CREDENTIALS},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct fixture f = begin(state, cases[i].config, cases[i].credentials);
        if (cases[i].variable)
            ec2_env_set(&f.env, cases[i].variable, cases[i].value);
        assert_int_equal(get(&f, NULL), -1);
        assert_int_equal(f.err.kind, cases[i].kind);
        assert_non_null(strstr(f.err.text, cases[i].word));
        assert_int_equal(step(&f, cases[i].step).state, EC2_STEP_FAILED);
        assert_non_null(strstr(step(&f, cases[i].step).text, cases[i].word));
        assert_int_equal(step(&f, "instance").state, EC2_STEP_NOT_ASKED);
        drop(&f);
    }
}

static void refuses_what_has_expired(void **state)
{
    struct fixture f = begin(state, NULL, NULL);
    ec2_env_set(&f.env, "AWS_ACCESS_KEY_ID", "A");
    ec2_env_set(&f.env, "AWS_SECRET_ACCESS_KEY", "s");
    ec2_env_set(&f.env, "AWS_CREDENTIAL_EXPIRATION", "2026-01-02T03:04:05Z");
    assert_int_equal(get(&f, NULL), -1);
    assert_int_equal(f.err.kind, MIR_CREDENTIALS);
    assert_non_null(strstr(f.err.text, "expired at 2026-01-02T03:04:05Z"));
    drop(&f);
}

static void refuses_files_that_it_cannot_read(void **state)
{
    struct fixture f = begin(state, "[default]\nnonsense\n", NULL);
    assert_int_equal(get(&f, NULL), -1);
    assert_int_equal(f.err.kind, MIR_USAGE);
    drop(&f);
    f = begin(state, "", NULL);
    assert_int_equal(get(&f, "missing"), -1);
    assert_int_equal(f.err.kind, MIR_CREDENTIALS);
    assert_non_null(strstr(f.err.text, "no AWS profile 'missing'"));
    drop(&f);
}

/* --- credential_process --- */

static int with_program(struct fixture *f, void *const *state, const char *command)
{
    mir_auto_free char *config = mir_format("[default]\ncredential_process = %s\n", command);
    *f = begin(state, config, NULL);
    return get(f, NULL);
}

static void runs_a_program_without_a_shell(void **state)
{
    struct fixture f;
    mir_auto_free char *program =
        scratch_file(state, "a program",
                     "#!/bin/sh\n[ \"$1\" = '$HOME; x' ] && [ $# = 1 ] || exit 9\n"
                     "echo '{\"Version\": 1, \"AccessKeyId\": \"P\", \"SecretAccessKey\": \"s\",'\n"
                     "echo '\"SessionToken\": \"t\", \"Expiration\": \"2099-01-02T03:04:05Z\"}'\n");
    assert_int_equal(chmod(program, 0700), 0);
    mir_auto_free char *command = mir_format("\"%s\" '$HOME; x'", program);
    assert_int_equal(with_program(&f, state, command), 0);
    assert_string_equal(f.got.access_key_id, "P");
    assert_int_equal(f.got.expires_s, 4071006245);
    assert_string_equal(f.got.source, "credential_process of profile default");
    drop(&f);
}

static void says_how_a_program_failed(void **state)
{
    static const struct {
        const char *command, *word;
        enum mir_kind kind;
    } cases[] = {
        {"sh -c 'echo not signed in >&2; exit 1'", "exit status 1: not signed in ",
         MIR_CREDENTIALS},
        {"sh -c 'exit 255'", "exit status 255: it says nothing", MIR_CREDENTIALS},
        {"sh -c 'kill -9 $$'", "ended by signal 9", MIR_CREDENTIALS},
        {"echo garbage", "not JSON", MIR_CORRUPT},
        {"true", "not JSON", MIR_CORRUPT},
        {"echo '{\"Version\":1}'", "no AccessKeyId", MIR_CORRUPT},
        {"yes", "prints more than", MIR_CORRUPT},
        {"sleep 60", "did not end within 3000 ms", MIR_TIMEOUT},
        {"/nonexistent/x", "/nonexistent/x", MIR_NOT_FOUND},
        {"'unclosed", "quote", MIR_USAGE},
        {"echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Expiration\":"
         "\"2020-01-01T00:00:00Z\"}'",
         "expired at 2020", MIR_CREDENTIALS},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct fixture f;
        print_message("  %s\n", cases[i].command);
        assert_int_equal(with_program(&f, state, cases[i].command), -1);
        assert_int_equal(f.err.kind, cases[i].kind);
        assert_non_null(strstr(f.err.text, cases[i].word));
        if (cases[i].kind != MIR_CREDENTIALS || !strstr(cases[i].word, "expired"))
            assert_non_null(strstr(f.err.text, "credential_process"));
        assert_int_equal(step(&f, "process").state, EC2_STEP_FAILED);
        drop(&f);
    }
}

/* --- a container's agent --- */

struct agent {
    const char *token; /* that it wants; NULL: none may come */
    const char *body;
    int status, failures;
    atomic_int asked;
};

static void answer(void *ctx, const struct talk_server_ask *ask, struct talk_server_say *say)
{
    struct agent *a = ctx;
    char token[256];
    talk_server_header(ask, "Authorization", token, sizeof token);
    bool right = !strcmp(token, a->token ? a->token : "") && !strcmp(ask->target, "/creds?a=b");
    say->status = right ? a->status : 403;
    if (atomic_fetch_add(&a->asked, 1) < a->failures)
        say->status = 503;
    mir_buf_adds(&say->body, a->body);
}

static const char *const agent_keys =
    "{\"RoleArn\":\"x\",\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
    "\"Expiration\":\"2099-01-02T03:04:05Z\"}";

static int ask_agent(struct fixture *f, void *const *state, struct agent *agent,
                     const char *variable, const char *value)
{
    struct talk_server *server = talk_server_start(answer, agent);
    mir_auto_free char *uri = mir_format("%s/creds?a=b", talk_server_url(server));
    *f = begin(state, NULL, NULL);
    ec2_env_set(&f->env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", uri);
    if (variable)
        ec2_env_set(&f->env, variable, value);
    int rc = get(f, NULL);
    talk_server_stop(server);
    return rc;
}

static void asks_a_containers_agent(void **state)
{
    struct fixture f;
    mir_auto_free char *token = scratch_file(state, "token", "Bearer from-file\n");
    struct agent plain = {NULL, agent_keys, 200, 0, 0};
    assert_int_equal(ask_agent(&f, state, &plain, NULL, NULL), 0);
    assert_string_equal(f.got.access_key_id, "ASIA");
    assert_int_equal(f.got.expires_s, 4071006245);
    assert_string_equal(f.got.source, "the container's agent");
    drop(&f);

    struct agent by_variable = {"Bearer env", agent_keys, 200, 2, 0};
    assert_int_equal(
        ask_agent(&f, state, &by_variable, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer env"), 0);
    assert_int_equal(f.pauses, 2);
    drop(&f);

    struct agent by_file = {"Bearer from-file", agent_keys, 200, 0, 0};
    assert_int_equal(
        ask_agent(&f, state, &by_file, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token), 0);
    drop(&f);
}

static void says_how_an_agent_failed(void **state)
{
    struct fixture f;
    struct agent refusing = {"other", "{\"code\":\"Denied\"}", 200, 0, 0};
    assert_int_equal(ask_agent(&f, state, &refusing, NULL, NULL), -1);
    assert_int_equal(f.err.kind, MIR_CREDENTIALS);
    assert_non_null(strstr(f.err.text, "it answers 403: {\"code\":\"Denied\"}"));
    assert_int_equal(refusing.asked, 3);
    drop(&f);

    struct agent sick = {NULL, "{\"code\":\"NoRole\",\"message\":\"gone\"}", 200, 0, 0};
    assert_int_equal(ask_agent(&f, state, &sick, NULL, NULL), -1);
    assert_non_null(strstr(f.err.text, "NoRole: gone"));
    drop(&f);

    mir_auto_free char *two = scratch_file(state, "two", "a\r\nX-Evil: 1");
    static const struct {
        const char *variable, *value, *word;
    } bad[] = {{"AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\nb", "line end"},
               {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nonexistent", "/nonexistent"}};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        assert_int_equal(ask_agent(&f, state, &sick, bad[i].variable, bad[i].value), -1);
        assert_non_null(strstr(f.err.text, bad[i].word));
        drop(&f);
    }
    assert_int_equal(ask_agent(&f, state, &sick, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", two),
                     -1);
    assert_non_null(strstr(f.err.text, "line end"));
    drop(&f);
}

/* A name, a proxy or an address of somebody else would be given the token, and could give keys. */
static void speaks_plainly_with_its_own_host_alone(void **state)
{
    static const struct {
        const char *uri;
        enum mir_kind kind;
    } cases[] = {
        {"http://example.com/creds", MIR_POLICY},
        {"http://169.254.169.254/creds", MIR_POLICY},
        {"http://169.254.170.3/creds", MIR_POLICY},
        {"http://10.0.0.1/creds", MIR_POLICY},
        {"http://[fd00:ec2::24]/creds", MIR_POLICY},
        {"http://127.0.0.1.example.com/creds", MIR_POLICY},
        {"http://user@127.0.0.1/creds", MIR_USAGE},
        {"ftp://127.0.0.1/creds", MIR_USAGE},
        {"127.0.0.1/creds", MIR_USAGE},
        {"http://127.0.0.1:1/creds", MIR_UNAVAILABLE},
        {"http://127.9.8.7:1/creds", MIR_UNAVAILABLE},
        {"http://localhost:1/creds", MIR_UNAVAILABLE},
        {"http://[::1]:1/creds", MIR_UNAVAILABLE},
        {"https://127.0.0.1:1/creds", MIR_UNAVAILABLE},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct fixture f = begin(state, NULL, NULL);
        print_message("  %s\n", cases[i].uri);
        ec2_env_set(&f.env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", cases[i].uri);
        assert_int_equal(get(&f, NULL), -1);
        assert_int_equal(f.err.kind, cases[i].kind);
        assert_int_equal(step(&f, "container").state, EC2_STEP_FAILED);
        drop(&f);
    }
}

static void knows_the_address_of_ecs(void **state)
{
    static const struct {
        const char *relative, *full, *want;
    } cases[] = {{"/v2/creds?id=1", NULL, "http://169.254.170.2/v2/creds?id=1"},
                 {"v2", "http://127.0.0.1/", "http://169.254.170.2/v2"},
                 {"", "http://127.0.0.1/x", "http://127.0.0.1/x"},
                 {NULL, "http://169.254.170.23/x", "http://169.254.170.23/x"},
                 {NULL, "http://[fd00:ec2::23]/x", "http://[fd00:ec2::23]/x"},
                 {NULL, "https://example.com/x", "https://example.com/x"},
                 {"@example.com/x", NULL, "http://169.254.170.2/@example.com/x"},
                 {NULL, NULL, NULL}};
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct ec2_env env = {0};
        struct mir_error err = {0};
        ec2_env_files(&env, state, NULL, NULL);
        ec2_env_set(&env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", cases[i].relative);
        ec2_env_set(&env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", cases[i].full);
        struct ec2_config_wish wish = {NULL, NULL, ec2_env_environment(&env)};
        struct ec2_config *config = ec2_config_load(&wish, NULL);
        mir_auto_free char *address = ec2_container_address(config, &err);
        if (cases[i].want)
            assert_string_equal(address, cases[i].want);
        else
            assert_null(address);
        assert_int_equal(err.kind, MIR_OK);
        ec2_config_free(config);
        ec2_env_clear(&env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_order_of_the_tools),
        cmocka_unit_test(reads_all_of_a_key),
        cmocka_unit_test(says_what_each_step_lacks),
        cmocka_unit_test(fails_where_a_step_is_half_configured),
        cmocka_unit_test(refuses_what_has_expired),
        cmocka_unit_test(refuses_files_that_it_cannot_read),
        cmocka_unit_test(runs_a_program_without_a_shell),
        cmocka_unit_test(says_how_a_program_failed),
        cmocka_unit_test(asks_a_containers_agent),
        cmocka_unit_test(says_how_an_agent_failed),
        cmocka_unit_test(speaks_plainly_with_its_own_host_alone),
        cmocka_unit_test(knows_the_address_of_ecs),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
