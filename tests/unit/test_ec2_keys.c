/* SPDX-License-Identifier: ISC */
#include "keys.h"

#include "scratch.h"

static int from_json(const char *text, enum ec2_key_names names, struct ec2_credentials *ret,
                     struct mir_error *err)
{
    *ret = (struct ec2_credentials){0};
    *err = (struct mir_error){0};
    return ec2_keys_from_json(text, strlen(text), names, "it", "the source", ret, err);
}

static void reads_a_programs_answer(void **state)
{
    struct ec2_credentials c;
    struct mir_error err;
    assert_int_equal(
        from_json("{\"Version\":1,\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"s/+=\","
                  "\"SessionToken\":\"tok\",\"Expiration\":\"2026-11-20T23:57:03Z\","
                  "\"AccountId\":\"123456789012\",\"More\":[1]}",
                  EC2_KEYS_PROCESS, &c, &err),
        0);
    assert_string_equal(c.access_key_id, "AKID");
    assert_string_equal(mir_secret_text(&c.secret), "s/+=");
    assert_string_equal(mir_secret_text(&c.session_token), "tok");
    assert_int_equal(c.expires_s, 1795219023);
    assert_string_equal(c.account_id, "123456789012");
    assert_string_equal(c.source, "the source");
    ec2_credentials_clear(&c);

    assert_int_equal(from_json("{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\","
                               "\"SessionToken\":null,\"Expiration\":null,\"AccountId\":\"x\"}",
                               EC2_KEYS_PROCESS, &c, &err),
                     0);
    assert_true(mir_secret_empty(&c.session_token));
    assert_int_equal(c.expires_s, 0);
    assert_string_equal(c.account_id, "");
    ec2_credentials_clear(&c);
}

static void reads_a_services_answer(void **state)
{
    struct ec2_credentials c;
    struct mir_error err;
    assert_int_equal(
        from_json("{\"Code\":\"Success\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":"
                  "\"s\",\"Token\":\"t\",\"Expiration\":\"2026-11-20T23:57:03+00:00\"}",
                  EC2_KEYS_SERVICE, &c, &err),
        0);
    assert_string_equal(mir_secret_text(&c.session_token), "t");
    assert_int_equal(c.expires_s, 1795219023);
    ec2_credentials_clear(&c);
}

#define P EC2_KEYS_PROCESS
#define S EC2_KEYS_SERVICE
#define VERSION "\"Version\":1,"

static void refuses_what_cannot_be_keys(void **state)
{
    static const struct {
        const char *text;
        enum ec2_key_names names;
        enum mir_kind kind;
        const char *word;
    } cases[] = {
        {"", P, MIR_CORRUPT, "not JSON"},
        {"Enter your password:", P, MIR_CORRUPT, "not JSON"},
        {"{\"Version\":1", P, MIR_CORRUPT, "not JSON"},
        {"[]", P, MIR_CORRUPT, "no JSON object"},
        {"\"SECRET\"", P, MIR_CORRUPT, "no JSON object"},
        {"{}", P, MIR_CORRUPT, "Version"},
        {"{\"Version\":2,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"}", P, MIR_CORRUPT,
         "Version"},
        {"{\"Version\":\"1\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"}", P, MIR_CORRUPT,
         "Version"},
        {"{" VERSION "\"SecretAccessKey\":\"SECRET\"}", P, MIR_CORRUPT, "no AccessKeyId"},
        {"{" VERSION "\"AccessKeyId\":\"A\"}", P, MIR_CORRUPT, "SecretAccessKey"},
        {"{" VERSION "\"AccessKeyId\":7,\"SecretAccessKey\":\"SECRET\"}", P, MIR_CORRUPT,
         "AccessKeyId"},
        {"{" VERSION "\"AccessKeyId\":\"\",\"SecretAccessKey\":\"SECRET\"}", P, MIR_CREDENTIALS,
         "access key id"},
        {"{" VERSION "\"AccessKeyId\":\"A/B\",\"SecretAccessKey\":\"SECRET\"}", P, MIR_CREDENTIALS,
         "cannot be one"},
        {"{" VERSION "\"AccessKeyId\":\"A\\r\\nX: y\",\"SecretAccessKey\":\"SECRET\"}", P,
         MIR_CREDENTIALS, "cannot be one"},
        {"{" VERSION "\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"SECRET\\n\"}", P, MIR_CREDENTIALS,
         "line end"},
        {"{" VERSION "\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"SessionToken\":\"SECRET "
         "x\"}",
         P, MIR_CREDENTIALS, "session token"},
        {"{" VERSION
         "\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"SECRET\",\"Expiration\":\"soon\"}",
         P, MIR_CORRUPT, "expire"},
        {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"SECRET\",\"Token\":\"t\"}", S, MIR_CORRUPT,
         "Expiration"},
        {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"SECRET\",\"Expiration\":"
         "\"2026-11-20T23:57:03Z\"}",
         S, MIR_CORRUPT, "Token"},
        {"{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume it\"}", S,
         MIR_CREDENTIALS, "AssumeRoleUnauthorizedAccess: EC2 cannot assume it"},
        {"{\"code\":\"NoSuchRole\",\"message\":\"gone\"}", S, MIR_CREDENTIALS, "NoSuchRole: gone"},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct ec2_credentials c;
        struct mir_error err;
        print_message("  %s\n", cases[i].text);
        assert_int_equal(from_json(cases[i].text, cases[i].names, &c, &err), -1);
        assert_int_equal(err.kind, cases[i].kind);
        assert_non_null(strstr(err.text, cases[i].word));
        assert_null(strstr(err.text, "SECRET"));
        assert_null(c.secret.text);
    }
}

static void bounds_the_texts(void **state)
{
    char id[EC2_KEY_ID_TEXT + 1];
    memset(id, 'A', sizeof id);
    id[EC2_KEY_ID_TEXT] = '\0';
    struct ec2_key_texts texts = {.id = id, .secret = "s", .source = "x"};
    struct ec2_credentials c = {0};
    struct mir_error err = {0};
    assert_int_equal(ec2_keys_set(&texts, "it", &c, &err), -1);
    assert_int_equal(err.kind, MIR_CREDENTIALS);
    id[EC2_KEY_ID_TEXT - 1] = '\0';
    assert_int_equal(ec2_keys_set(&texts, "it", &c, &err), 0);
    assert_int_equal(strlen(c.access_key_id), EC2_KEY_ID_TEXT - 1);
    ec2_credentials_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_programs_answer),
        cmocka_unit_test(reads_a_services_answer),
        cmocka_unit_test(refuses_what_cannot_be_keys),
        cmocka_unit_test(bounds_the_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
