/* SPDX-License-Identifier: ISC */
/*
 * The fake AWS's look at signatures: the published vectors (MIRAGE_DEPLOY_SHARED or ../shared
 * beside the source tree) are taken; requests that botocore signed (S3's rules among them) are
 * taken; and each of those is refused, for the right reason, after one thing about it was changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/clock.h"
#include "api/file.h"
#include "api/json.h"
#include "api/memory.h"
#include "verify.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

/* --- requests from text --- */

struct sample {
    struct fc_request request;
    char *text;
};

/* "METHOD target HTTP/1.1\nName:value\n...\n\nbody"; a line that begins with a blank goes on with
 * the value before it, joined as a server joins it. */
static void read_sample(struct sample *sample, const char *text)
{
    *sample = (struct sample){0};
    struct fc_request *request = &sample->request;
    char *p = sample->text = mir_strdup(text);
    char *end = strstr(p, "\n\n");
    const char *body = end ? end + 2 : "";
    if (end)
        end[1] = '\0';
    request->method = p;
    p = strchr(p, ' ');
    *p++ = '\0';
    char *line_end = strchr(p, '\n');
    char *version = p;
    for (char *q = p; q < line_end; q++)
        if (!strncmp(q, " HTTP/1.1", 9))
            version = q;
    *version = '\0';
    request->target = mir_strdup(p);
    p = line_end + 1;
    while (*p) {
        char *stop = strchr(p, '\n');
        while (stop && (stop[1] == ' ' || stop[1] == '\t')) {
            *stop = ' ';
            stop = strchr(stop, '\n');
        }
        if (stop)
            *stop = '\0';
        char *colon = strchr(p, ':');
        *colon = '\0';
        request->headers[request->header_count++] =
            (struct fc_header){.name = p, .value = colon + 1 + strspn(colon + 1, " ")};
        p = stop ? stop + 1 : p + strlen(p);
    }
    request->body.fd = -1;
    EVP_Digest(body, strlen(body), request->body.sha256, NULL, EVP_sha256(), NULL);
    assert_int_equal(fc_request_parse_target(request, NULL), 0);
}

static void clear_sample(struct sample *sample)
{
    fc_pairs_clear(&sample->request.query);
    free(sample->request.path);
    free(sample->request.target);
    free(sample->text);
}

static enum fc_denial judge(const char *text, const struct fc_rules *rules, const char *token)
{
    struct sample sample;
    struct fc_claim claim = {0};
    struct mir_error why = {0};
    read_sample(&sample, text);
    enum fc_denial denial = fc_claim_read(&sample.request, &claim, &why);
    if (!denial)
        denial = fc_claim_check(&sample.request, &claim, rules, SECRET, token, &why);
    if (denial)
        assert_true(why.text[0]); /* a denial says why */
    fc_claim_clear(&claim);
    clear_sample(&sample);
    return denial;
}

/* --- the published vectors --- */

static char *vector_file(const char *dir, const char *name, const char *file)
{
    mir_auto_free char *path = mir_format("%s/%s/%s", dir, name, file);
    char *text = NULL;
    struct mir_error err;
    if (mir_file_read(path, 1 << 20, &text, NULL, &err))
        fail_msg("%s", err.text);
    return text;
}

/* One header line of the signed request, changed. */
static void refuse_changed(const char *text, const struct fc_rules *rules, const char *token)
{
    mir_auto_free char *changed = mir_strdup(text);
    char *slash = strchr(changed, ' ');
    changed[0] = changed[0] == 'G' ? 'P' : 'G'; /* the method */
    assert_int_not_equal(judge(changed, rules, token), FC_DENY_NONE);
    changed[0] = text[0];
    mir_auto_free char *longer =
        mir_format("%.*s /x%s", (int)(slash - changed), changed, slash + 1);
    assert_int_not_equal(judge(longer, rules, token), FC_DENY_NONE);
    mir_auto_free char *more = mir_format("%s%s", text, strstr(text, "\n\n") ? "x" : "\n\nx");
    assert_int_not_equal(judge(more, rules, token), FC_DENY_NONE);
}

static void check_vector(const char *dir, const char *name)
{
    static const char *const files[] = {"header-signed-request.txt", "query-signed-request.txt"};
    mir_auto_free char *context_text = vector_file(dir, name, "context.json");
    json_t *context = mir_json_parse(context_text, strlen(context_text), 1 << 20, NULL);
    const char *token =
        json_string_value(json_object_get(json_object_get(context, "credentials"), "token"));
    struct fc_rules rules = {.service = "service", .region = "us-east-1", .skew_s = 300};
    rules.as_it_is = json_is_false(json_object_get(context, "normalize"));
    assert_int_equal(mir_time_parse("2015-08-30T12:36:00Z", &rules.now_s, NULL), 0);
    for (size_t i = 0; i < MIR_NELEMS(files); i++) {
        mir_auto_free char *text = vector_file(dir, name, files[i]);
        /* A path that would not come over a wire like this counts as not encoded yet. */
        size_t line = strcspn(text, "\n") - strlen(" HTTP/1.1");
        rules.once = false;
        for (const char *p = strchr(text, '/'); p < text + line; p++)
            rules.once |= *p == ' ' || (unsigned char)*p > 0x7e;
        enum fc_denial denial = judge(text, &rules, token);
        /* Its token was added after signing: AWS takes that of few services, and the fake of none.
         */
        bool late = !strcmp(name, "post-sts-header-after");
        if (denial != FC_DENY_NONE && !late)
            fail_msg("%s %s: denial %d", name, files[i], denial);
        if (late)
            assert_int_not_equal(denial, FC_DENY_NONE);
        refuse_changed(text, &rules, token);
    }
    json_decref(context);
}

static void test_vectors(void **state)
{
    const char *shared = getenv("MIRAGE_DEPLOY_SHARED");
    mir_auto_free char *beside = mir_format("%s/../shared", (const char *)*state);
    mir_auto_free char *dir = mir_format(
        "%s/vectors/sigv4/aws-c-auth/tests/aws-signing-test-suite/v4", shared ? shared : beside);
    DIR *list = opendir(dir);
    if (!list) {
        print_message("skipped: no vectors at %s\n", dir);
        skip();
    }
    unsigned count = 0;
    for (const struct dirent *entry; (entry = readdir(list));)
        if (entry->d_name[0] != '.') {
            check_vector(dir, entry->d_name);
            count++;
        }
    closedir(list);
    assert_true(count >= 38);
}

/* --- what botocore signed --- */

#define AT "2026-11-29T15:50:18Z"
#define SCOPE(service) "AKIDEXAMPLE/20261129/us-east-1/" service "/aws4_request"

static const char ebs_put[] =
    "PUT /snapshots/snap-1/blocks/3 HTTP/1.1\n"
    "Host: 127.0.0.1:9000\n"
    "x-amz-Checksum: c\n"
    "x-amz-Checksum-Algorithm: SHA256\n"
    "x-amz-Data-Length: 5\n"
    "X-Amz-Date: 20261129T155018Z\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=" SCOPE(
        "ebs") ", "
               "SignedHeaders=host;x-amz-checksum;x-amz-checksum-algorithm;x-amz-data-length;x-amz-"
               "date, "
               "Signature=b10652a22dcbfc98ad485d75fe5d16122ac2986f2a5b3ac469e21f1662ec6315\n"
               "Content-Length: 5\n\nblock";

/* Twice encoded as a path, and a blank in the query. */
static const char scheduler_delete[] =
    "DELETE /tags/arn%3Aaws%3Ax%2Fy?b=2&a=x+y HTTP/1.1\n"
    "Host: 127.0.0.1:9000\n"
    "X-Amz-Date: 20261129T155018Z\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=" SCOPE(
        "scheduler") ", "
                     "SignedHeaders=host;x-amz-date, "
                     "Signature="
                     "e50c16e7eed3013ab309969855000f7647c1af171528cac6a3b52416a3f187d8\n\n";

static const char s3_put[] =
    "PUT /bucket/a//b/../%C3%BC%2B%20%3D%252F~ HTTP/1.1\n"
    "Host: 127.0.0.1:9000\n"
    "Content-Type: text/plain\n"
    "x-amz-meta-a-b: 1\n"
    "x-amz-meta-a:   2   3 \n"
    "X-Amz-Date: 20261129T155018Z\n"
    "X-Amz-Content-SHA256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=" SCOPE(
        "s3") ", "
              "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-"
              "meta-a-b, "
              "Signature=b6692566f911e9f8ca6207b34290e5b51841f8da150b81dc2284bb0f11941324\n\nhello";

static const char s3_list[] =
    "GET /bucket/k?uploads=&prefix=a+b%2Bc%2F%3D&list-type=2 HTTP/1.1\n"
    "Host: 127.0.0.1:9000\n"
    "X-Amz-Date: 20261129T155018Z\n"
    "X-Amz-Security-Token: to/ken+==\n"
    "X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=" SCOPE(
        "s3") ", "
              "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, "
              "Signature=a6893b0413c8be68fc2370d4866fed0e33d0c56b0f6d9cca083c443eb0f6ead2\n\n";

static const char s3_presigned[] =
    "GET /bucket/a%20b?x=1&X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIDEXAMPLE%2F20261129%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20261129T155018Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host"
    "&X-Amz-Security-Token=to%2Fken%2B%3D%3D"
    "&X-Amz-Signature=a622b3ccb542ba6cc8c0b42538c70cd8d79b984cde634bfca1054d25267164be HTTP/1.1\n"
    "Host: 127.0.0.1:9000\n\n";

static struct fc_rules rules_for(const char *service)
{
    static const char *const regions[] = {"eu-west-1", "us-east-1", NULL};
    struct fc_rules rules = {.service = service, .regions = regions, .skew_s = 300};
    bool s3 = !strcmp(service, "s3");
    rules.once = rules.as_it_is = rules.hash_required = rules.unsigned_payload = s3;
    assert_int_equal(mir_time_parse(AT, &rules.now_s, NULL), 0);
    return rules;
}

static void test_taken(void **state)
{
    struct fc_rules ebs = rules_for("ebs"), s3 = rules_for("s3"), other = rules_for("scheduler");
    assert_int_equal(judge(ebs_put, &ebs, NULL), FC_DENY_NONE);
    assert_int_equal(judge(scheduler_delete, &other, NULL), FC_DENY_NONE);
    assert_int_equal(judge(s3_put, &s3, NULL), FC_DENY_NONE);
    assert_int_equal(judge(s3_list, &s3, "to/ken+=="), FC_DENY_NONE);
    assert_int_equal(judge(s3_presigned, &s3, "to/ken+=="), FC_DENY_NONE);
}

/* Each row: one piece of a good request replaced, and what has to be said of it. */
static const struct broken {
    const char *request, *service, *token;
    const char *piece, *instead;
    enum fc_denial denial;
} broken[] = {
    {ebs_put, "ebs", NULL, "Authorization:", "Authorisation:", FC_DENY_UNSIGNED},
    {ebs_put, "ebs", NULL, "AWS4-HMAC-SHA256 Cred", "AWS4-ECDSA-P256 Cred", FC_DENY_MALFORMED},
    {ebs_put, "ebs", NULL, "Signature=b1", "Signature=B1", FC_DENY_MALFORMED},
    {ebs_put, "ebs", NULL, "Signature=b1", "Signature=", FC_DENY_MALFORMED},
    {ebs_put, "ebs", NULL, "AKIDEXAMPLE/2026", "2026", FC_DENY_MALFORMED},
    {ebs_put, "ebs", NULL, "Date: 2026", "Date: ", FC_DENY_MALFORMED},
    {ebs_put, "ebs", NULL, "X-Amz-Date:", "X-Amz-Dat:", FC_DENY_MALFORMED},
    {ebs_put, "ebs", NULL, ", SignedHeaders", ", Signature=00, SignedHeaders", FC_DENY_MALFORMED},
    {ebs_put, "ebs", NULL, "Content-Length: 5", "Authorization: x", FC_DENY_MALFORMED},
    {ebs_put, "ebs", NULL, "Content-Length: 5", "X-Amz-Date: 20261129T155018Z", FC_DENY_MALFORMED},
    {ebs_put, "ebs", NULL, "=host;x-amz-checksum;", "=x-amz-checksum;host;", FC_DENY_HEADERS},
    {ebs_put, "ebs", NULL, "=host;", "=host;host;", FC_DENY_HEADERS},
    {ebs_put, "ebs", NULL, "=host;", "=Host;", FC_DENY_HEADERS},
    {ebs_put, "ebs", NULL, "=host;", "=", FC_DENY_HEADERS},
    {ebs_put, "ebs", NULL, ";x-amz-data-length", "", FC_DENY_HEADERS},
    {ebs_put, "ebs", NULL, ";x-amz-date", ";x-amz-date;zzz", FC_DENY_HEADERS},
    {ebs_put, "ebs", NULL, "Content-Length: 5", "x-amz-Progress: 1", FC_DENY_HEADERS},
    {ebs_put, "ebs", NULL, "Content-Length: 5", "Content-Type: a/b", FC_DENY_HEADERS},
    {ebs_put, "ebs", NULL, "/us-east-1/", "/mars-east-1/", FC_DENY_SCOPE},
    {ebs_put, "ebs", NULL, "/ebs/", "/ec2/", FC_DENY_SCOPE},
    {ebs_put, "ebs", NULL, "aws4_request", "aws5_request", FC_DENY_SCOPE},
    {ebs_put, "ebs", NULL, "/20261129/", "/20261128/", FC_DENY_SCOPE},
    {ebs_put, "ebs", NULL, "T155018Z", "T154500Z", FC_DENY_SKEW},
    {ebs_put, "ebs", NULL, "T155018Z", "T155600Z", FC_DENY_SKEW},
    {ebs_put, "ebs", "token", NULL, NULL, FC_DENY_TOKEN},
    {ebs_put, "ebs", NULL, "/us-east-1/", "/eu-west-1/", FC_DENY_SIGNATURE},
    {ebs_put, "ebs", NULL, "T155018Z", "T155019Z", FC_DENY_SIGNATURE},
    {ebs_put, "ebs", NULL, "blocks/3", "blocks/4", FC_DENY_SIGNATURE},
    {ebs_put, "ebs", NULL, "Checksum: c", "Checksum: d", FC_DENY_SIGNATURE},
    {ebs_put, "ebs", NULL, "\n\nblock", "\n\nblocc", FC_DENY_SIGNATURE},
    {ebs_put, "ebs", NULL, ":9000", ":9001", FC_DENY_SIGNATURE},
    {scheduler_delete, "scheduler", NULL, "a=x+y", "a=x%2By", FC_DENY_SIGNATURE},
    {scheduler_delete, "scheduler", NULL, "b=2&", "b=2&b=2&", FC_DENY_SIGNATURE},
    {s3_put, "s3", NULL, "\n\nhello", "\n\nhellO", FC_DENY_PAYLOAD},
    {s3_put, "s3", NULL, "2cf24dba5f", "2cf24dba5", FC_DENY_PAYLOAD_FORM},
    {s3_put, "s3", NULL, "a//b", "a/b", FC_DENY_SIGNATURE},
    {s3_put, "s3", NULL, "b/../", "", FC_DENY_SIGNATURE},
    {s3_put, "s3", NULL, "%252F", "%2F", FC_DENY_SIGNATURE},
    {s3_put, "s3", NULL, "meta-a:   2   3 ", "meta-a: 2  3", FC_DENY_NONE},
    {s3_list, "s3", "to/ken+==", "to/ken+==\n", "to/ken+=\n", FC_DENY_TOKEN},
    {s3_list, "s3", NULL, NULL, NULL, FC_DENY_TOKEN},
    {s3_list, "s3", "to/ken+==", "uploads=&", "uploads&", FC_DENY_NONE},
    {s3_list, "s3", "to/ken+==", "?uploads=&prefix=a+b%2Bc%2F%3D&list-type=2",
     "?list-type=2&prefix=a%20b%2Bc/%3d&uploads", FC_DENY_NONE},
    {s3_presigned, "s3", "to/ken+==", "Expires=600", "Expires=601", FC_DENY_SIGNATURE},
    {s3_presigned, "s3", "to/ken+==", "Expires=600", "Expires=604801", FC_DENY_MALFORMED},
    {s3_presigned, "s3", "to/ken+==", "Expires=600", "Expires=-1", FC_DENY_MALFORMED},
    {s3_presigned, "s3", "to/ken+==", "&X-Amz-Expires=600", "", FC_DENY_MALFORMED},
    {s3_presigned, "s3", "to/ken+==", "x=1", "X-Amz-Expires=600", FC_DENY_MALFORMED},
    {s3_presigned, "s3", "to/ken+==", "x=1", "x=2", FC_DENY_SIGNATURE},
    {s3_presigned, "s3", "to/ken+==", "Host: 127.0.0.1:9000",
     "Host: 127.0.0.1:9000\nx-amz-acl: public-read", FC_DENY_HEADERS},
    {s3_presigned, "s3", "to/ken+==", "Host: 127.0.0.1:9000",
     "Host: 127.0.0.1:9000\nAuthorization: AWS4-HMAC-SHA256 x", FC_DENY_MALFORMED},
    {s3_presigned, "s3", "to/ken+==", "X-Amz-Date=20261129T155018Z", "X-Amz-Date=20261129T153018Z",
     FC_DENY_EXPIRED},
    {s3_presigned, "s3", "to/ken+==", "X-Amz-Date=20261129T155018Z", "X-Amz-Date=20261129T163018Z",
     FC_DENY_SKEW},
};

/* Without x-amz-content-sha256 the signature itself would be another: only the reason counts. */
static void check_hash_missing(void)
{
    struct fc_rules rules = rules_for("s3");
    struct sample sample;
    struct fc_claim claim = {0};
    mir_auto_free char *text = mir_strdup(s3_put);
    char *name = strstr(text, "X-Amz-Content-SHA256");
    memcpy(name, "Y-Amz-Content-SHA256", 20);
    name = strstr(text, ";x-amz-content-sha256");
    memmove(name, name + 21, strlen(name + 21) + 1);
    read_sample(&sample, text);
    assert_int_equal(fc_claim_read(&sample.request, &claim, NULL), FC_DENY_NONE);
    assert_int_equal(fc_claim_check(&sample.request, &claim, &rules, SECRET, NULL, NULL),
                     FC_DENY_PAYLOAD_FORM);
    fc_claim_clear(&claim);
    clear_sample(&sample);
}

static char *replaced(const char *text, const char *piece, const char *instead)
{
    const char *at = piece ? strstr(text, piece) : NULL;
    if (!piece)
        return mir_strdup(text);
    if (!at)
        fail_msg("no '%s' in the request", piece);
    return mir_format("%.*s%s%s", (int)(at - text), text, instead, at + strlen(piece));
}

static void test_broken(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(broken); i++) {
        const struct broken *row = &broken[i];
        struct fc_rules rules = rules_for(row->service);
        mir_auto_free char *text = replaced(row->request, row->piece, row->instead);
        enum fc_denial denial = judge(text, &rules, row->token);
        if (denial != row->denial)
            fail_msg("row %zu ('%s' -> '%s'): denial %d, not %d", i, row->piece ? row->piece : "",
                     row->instead ? row->instead : "", denial, row->denial);
    }
    check_hash_missing();
}

/* The edges of the time that is allowed. */
static void test_times(void **state)
{
    const struct {
        const char *request, *service;
        int64_t off_s;
        enum fc_denial denial;
    } rows[] = {
        {ebs_put, "ebs", 300, FC_DENY_NONE},      {ebs_put, "ebs", 301, FC_DENY_SKEW},
        {ebs_put, "ebs", -300, FC_DENY_NONE},     {ebs_put, "ebs", -301, FC_DENY_SKEW},
        {s3_presigned, "s3", 599, FC_DENY_NONE},  {s3_presigned, "s3", 600, FC_DENY_EXPIRED},
        {s3_presigned, "s3", -300, FC_DENY_NONE}, {s3_presigned, "s3", -301, FC_DENY_SKEW}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct fc_rules rules = rules_for(rows[i].service);
        rules.now_s += rows[i].off_s;
        const char *token = rows[i].request == s3_presigned ? "to/ken+==" : NULL;
        assert_int_equal(judge(rows[i].request, &rules, token), rows[i].denial);
    }
}

static void test_wrong_secret(void **state)
{
    struct sample sample;
    struct fc_claim claim = {0};
    struct fc_rules rules = rules_for("ebs");
    read_sample(&sample, ebs_put);
    assert_int_equal(fc_claim_read(&sample.request, &claim, NULL), FC_DENY_NONE);
    assert_string_equal(claim.access_key, "AKIDEXAMPLE");
    assert_int_equal(fc_claim_check(&sample.request, &claim, &rules, "another", NULL, NULL),
                     FC_DENY_SIGNATURE);
    fc_claim_clear(&claim);
    clear_sample(&sample);
}

int main(int argc, char **argv)
{
    char here[] = ".";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_vectors, argc > 1 ? argv[1] : here),
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_wrong_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
