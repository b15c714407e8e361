/* SPDX-License-Identifier: ISC */
/* The signer against the published vectors (MIRAGE_DEPLOY_SHARED or ../shared beside the source
 * tree; skipped where they are not), against the S3 cases of ec2/testdata/sign (signatures by
 * botocore: tests/ec2/judge.py --write), and against its own limits. Arguments: that folder, the
 * top of the source tree. */
#include "scratch.h"

#include <dirent.h>

#include "api/clock.h"
#include "api/json.h"
#include "ec2_sign_case.h"

static const char *s3_path, *vectors_path;

static json_t *read_json(const char *path)
{
    char *text = NULL;
    size_t len = 0;
    assert_int_equal(mir_file_read(path, 1 << 20, &text, &len, NULL), 0);
    json_t *json = mir_json_parse(text, len, 1 << 20, NULL);
    assert_non_null(json);
    free(text);
    return json;
}

/* --- the published vectors --- */

static char *read_text(const char *folder, const char *name)
{
    mir_auto_free char *path = mir_format("%s/%s", folder, name);
    char *text = NULL;
    assert_int_equal(mir_file_read(path, 1 << 20, &text, NULL, NULL), 0);
    return text;
}

static void put_pair(json_t *list, const char *name, const char *value)
{
    json_array_append_new(list, json_pack("[s, s]", name, value));
}

static int hex_value(char c)
{
    const char *digits = "0123456789abcdefABCDEF", *at = c ? strchr(digits, c) : NULL;
    return !at ? -1 : (int)(at - digits) - (at - digits > 15 ? 6 : 0);
}

static void decode(char *text)
{
    char *to = text;
    for (char *from = text; *from; to++) {
        int high = *from == '%' ? hex_value(from[1]) : -1;
        int low = high < 0 ? -1 : hex_value(from[2]);
        *to = low < 0 ? *from : (char)(high * 16 + low);
        from += low < 0 ? 1 : 3;
    }
    *to = '\0';
}

static json_t *query_of(char *text)
{
    json_t *list = json_array();
    for (char *save = NULL, *part = text ? strtok_r(text, "&", &save) : NULL; part;
         part = strtok_r(NULL, "&", &save)) {
        char *value = strchr(part, '=');
        if (value)
            *value++ = '\0';
        decode(part);
        if (value)
            decode(value);
        put_pair(list, part, value ? value : "");
    }
    return list;
}

/* Header lines until the empty one; continued lines are joined by a line end, which a signer has to
 * make a space of. Returns what follows. */
static const char *headers_of(const char *text, json_t *list)
{
    while (*text && *text != '\n') {
        const char *end = text + strcspn(text, "\n");
        while (end[0] == '\n' && end[1] == ' ')
            end += 1 + strcspn(end + 1, "\n");
        mir_auto_free char *line = mir_format("%.*s", (int)(end - text), text);
        char *value = strchr(line, ':');
        assert_non_null(value);
        *value++ = '\0';
        if (strcasecmp(line, "host") != 0)
            put_pair(list, line, value);
        text = *end ? end + 1 : end;
    }
    return *text ? text + 1 : text;
}

static void copy_member(json_t *to, const char *name, const json_t *from)
{
    if (from)
        json_object_set(to, name, (json_t *)(uintptr_t)from);
}

/* The vector of that folder as our tests write requests. */
static json_t *vector_case(const char *folder, bool presigned)
{
    mir_auto_free char *context_path = mir_format("%s/context.json", folder);
    json_t *context = read_json(context_path);
    const json_t *keys = json_object_get(context, "credentials");
    mir_auto_free char *request = read_text(folder, "request.txt");
    char *target = strchr(request, ' ') + 1;
    target[-1] = '\0';
    char *rest = strchr(target, '\n');
    *rest++ = '\0';
    *strrchr(target, ' ') = '\0';
    char *query = strchr(target, '?');
    if (query)
        *query++ = '\0';
    json_t *headers = json_array();
    const char *body = headers_of(rest, headers);
    int64_t now = 0;
    assert_int_equal(
        mir_time_parse(json_string_value(json_object_get(context, "timestamp")), &now, NULL), 0);
    json_t *c =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:I, s:s}", "method", request, "path", target,
                  "host", "example.amazonaws.com", "query", query_of(query), "headers", headers,
                  "body", body, "now", (json_int_t)now, "mode", "default");
    copy_member(c, "region", json_object_get(context, "region"));
    copy_member(c, "service", json_object_get(context, "service"));
    copy_member(c, "key", json_object_get(keys, "access_key_id"));
    copy_member(c, "secret", json_object_get(keys, "secret_access_key"));
    if (!json_is_true(json_object_get(context, "omit_session_token")))
        copy_member(c, "token", json_object_get(keys, "token"));
    json_object_set_new(c, "path_as_is",
                        json_boolean(!json_is_true(json_object_get(context, "normalize"))));
    copy_member(c, "payload_header", json_object_get(context, "sign_body"));
    if (presigned)
        copy_member(c, "presign", json_object_get(context, "expiration_in_seconds"));
    json_decref(context);
    return c;
}

static void check_stage(const char *folder, const char *kind, const char *stage, const char *made)
{
    mir_auto_free char *name = mir_format("%s-%s.txt", kind, stage);
    mir_auto_free char *wanted = read_text(folder, name);
    if (strcmp(wanted, made) != 0)
        print_error("%s: %s\n", folder, name);
    assert_string_equal(made, wanted);
}

static void check_vector(const char *folder, bool presigned)
{
    const char *kind = presigned ? "query" : "header";
    json_t *c = vector_case(folder, presigned);
    ec2_auto_signed struct ec2_signed made = {0};
    struct mir_error err = {0};
    if (sign_case(c, &made, &err))
        fail_msg("%s: %s", folder, err.text);
    check_stage(folder, kind, "canonical-request", made.canonical.data);
    check_stage(folder, kind, "string-to-sign", made.string_to_sign.data);
    check_stage(folder, kind, "signature", made.signature);
    json_decref(c);
}

static void test_vectors(void **state)
{
    DIR *dir = opendir(vectors_path);
    if (!dir) {
        print_message("the SigV4 vectors are not at %s\n", vectors_path);
        skip();
        return;
    }
    int count = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (*entry->d_name == '.')
            continue;
        mir_auto_free char *folder = mir_format("%s/%s", vectors_path, entry->d_name);
        check_vector(folder, false);
        check_vector(folder, true);
        count++;
    }
    closedir(dir);
    assert_int_equal(count, 38);
}

/* --- S3 --- */

static void test_s3(void **state)
{
    json_t *cases = read_json(s3_path), *c;
    size_t i;
    json_array_foreach(cases, i, c)
    {
        ec2_auto_signed struct ec2_signed made = {0};
        struct mir_error err = {0};
        if (sign_case(c, &made, &err))
            fail_msg("%s: %s", sign_case_text(c, "name"), err.text);
        if (strcmp(made.signature, sign_case_text(c, "signature")) != 0)
            fail_msg("%s: signed is\n%s", sign_case_text(c, "name"), made.canonical.data);
    }
    assert_true(i >= 20);
    json_decref(cases);
}

/* --- what is given back --- */

static struct ec2_credentials example(void)
{
    struct ec2_credentials c = {.access_key_id = "AKIDEXAMPLE"};
    mir_secret_set(&c.secret, "secret", 6, NULL);
    return c;
}

static void test_what_is_sent_is_what_was_signed(void **state)
{
    static const struct ec2_pair query[] = {{"b", "x y"}, {"a", NULL}, {"b", "+/"}};
    ec2_auto_credentials struct ec2_credentials c = example();
    mir_secret_set(&c.session_token, "token", 5, NULL);
    struct ec2_sign_request r = {.mode = EC2_SIGN_S3,
                                 .host = "h",
                                 .path = "/p%20q",
                                 .region = "r",
                                 .service = "s3",
                                 .query = query,
                                 .query_count = 3};
    ec2_auto_signed struct ec2_signed made = {0};
    assert_int_equal(ec2_sign(&r, &c, &made, NULL), 0);
    assert_string_equal(mir_buf_text(&made.target), "/p%20q?a=&b=%2B%2F&b=x%20y");
    static const char *const names[] = {"X-Amz-Date", "X-Amz-Content-SHA256",
                                        "X-Amz-Security-Token", "Authorization"};
    assert_int_equal(made.added_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(made.added[i].name, names[i]);
    assert_string_equal(made.added[2].value, "token");
    assert_non_null(strstr(made.added[3].value,
                           "SignedHeaders=host;x-amz-content-sha256;x-amz-date;"
                           "x-amz-security-token, Signature="));

    ec2_auto_signed struct ec2_signed url = {0};
    assert_int_equal(ec2_presign(&r, &c, 60, &url, NULL), 0);
    assert_int_equal(url.added_count, 0);
    assert_non_null(strstr(url.target.data, "&X-Amz-Expires=60&X-Amz-Security-Token=token&"));
    assert_string_equal(strrchr(url.target.data, '=') + 1, url.signature);
}

static void test_refused(void **state)
{
    ec2_auto_credentials struct ec2_credentials c = example(), none = {0};
    struct ec2_sign_request good = {.host = "h", .region = "r", .service = "s"};
    struct ec2_signed made = {0};
    struct mir_error err = {0};
    assert_int_equal(ec2_sign(&good, &none, &made, &err), -1);
    assert_int_equal(err.kind, MIR_CREDENTIALS);
    struct ec2_sign_request bad[8];
    for (size_t i = 0; i < MIR_NELEMS(bad); i++)
        bad[i] = good;
    static const struct mir_http_header date = {"X-AMZ-Date", "now"}, broken = {"a b", "c"};
    static struct mir_http_header many[EC2_SIGN_HEADERS_MAX + 1];
    for (size_t i = 0; i < MIR_NELEMS(many); i++)
        many[i] = (struct mir_http_header){"x", "y"};
    mir_auto_free char *space = mir_calloc(EC2_SIGN_BYTES_MAX + 1, 1);
    memset(space, 'a', EC2_SIGN_BYTES_MAX);
    struct mir_http_header long_one = {"x", space};
    bad[0].host = NULL;
    bad[1].path = "relative";
    bad[2].region = "";
    bad[3].now_s = -1;
    bad[4].headers = &date;
    bad[4].header_count = 1;
    bad[5].headers = &broken;
    bad[5].header_count = 1;
    bad[6].headers = many;
    bad[6].header_count = MIR_NELEMS(many);
    bad[7].headers = &long_one;
    bad[7].header_count = 1;
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        assert_int_equal(ec2_sign(&bad[i], &c, &made, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
    }
    assert_int_equal(ec2_presign(&good, &c, 0, &made, &err), -1);
    assert_int_equal(ec2_presign(&good, &c, EC2_SIGN_EXPIRES_MAX_S + 1, &made, &err), -1);
    assert_null(made.target.data);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    const char *shared = getenv("MIRAGE_DEPLOY_SHARED");
    mir_auto_free char *s3 = mir_format("%s/s3.json", argv[1]);
    mir_auto_free char *beside = mir_format("%s/../shared", argv[2]);
    mir_auto_free char *vectors =
        mir_format("%s/vectors/sigv4/aws-c-auth/tests/aws-signing-test-suite/v4",
                   shared && *shared ? shared : beside);
    s3_path = s3;
    vectors_path = vectors;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_s3),
        cmocka_unit_test(test_what_is_sent_is_what_was_signed),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
