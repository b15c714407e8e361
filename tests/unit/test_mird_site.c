/* SPDX-License-Identifier: ISC */
/* The site's state machine, its records, and the signed statement. */
#include "scratch.h"

#include <openssl/evp.h>
#include <spawn.h>
#include <sys/wait.h>

#include "api/json.h"
#include "daemon/site.h"
#include "daemon/statement.h"

#define NOW 1795219023

/* --- the machine, as a table: y answers with token, a answers without, n does not --- */

struct walk {
    const char *verified_by;
    enum mird_site_state from;
    const char *probes;
    enum mird_site_state to;
    const char *then_verified_by;
};

static const struct walk walks[] = {
    /* launched */
    {"launched", MIRD_SITE_VERIFIED, "a", MIRD_SITE_LIVE, "launched"},
    {"launched", MIRD_SITE_VERIFIED, "y", MIRD_SITE_LIVE, "launched"},
    {"launched", MIRD_SITE_VERIFIED, "nnnnn", MIRD_SITE_VERIFIED, "launched"},
    {"launched", MIRD_SITE_VERIFIED, "nnnna", MIRD_SITE_LIVE, "launched"},
    {"launched", MIRD_SITE_LIVE, "n", MIRD_SITE_DEGRADED, "launched"},
    {"launched", MIRD_SITE_LIVE, "nn", MIRD_SITE_DEGRADED, "launched"},
    {"launched", MIRD_SITE_LIVE, "nnn", MIRD_SITE_DOWN, "launched"},
    {"launched", MIRD_SITE_LIVE, "nna", MIRD_SITE_LIVE, "launched"},
    {"launched", MIRD_SITE_LIVE, "nnann", MIRD_SITE_DEGRADED, "launched"},
    {"launched", MIRD_SITE_LIVE, "nnnnnnn", MIRD_SITE_DOWN, "launched"},
    {"launched", MIRD_SITE_LIVE, "nnnna", MIRD_SITE_LIVE, "launched"},
    {"launched", MIRD_SITE_GONE, "aya", MIRD_SITE_GONE, "launched"},
    /* claimed: an answer proves nothing, the token does */
    {"", MIRD_SITE_CLAIMED, "a", MIRD_SITE_CLAIMED, ""},
    {"", MIRD_SITE_CLAIMED, "aaannn", MIRD_SITE_CLAIMED, ""},
    {"", MIRD_SITE_CLAIMED, "y", MIRD_SITE_LIVE, "token"},
    {"", MIRD_SITE_CLAIMED, "nay", MIRD_SITE_LIVE, "token"},
    /* verified by token: it has to go on showing it */
    {"token", MIRD_SITE_LIVE, "a", MIRD_SITE_DEGRADED, "token"},
    {"token", MIRD_SITE_LIVE, "aaa", MIRD_SITE_DOWN, "token"},
    {"token", MIRD_SITE_LIVE, "aaay", MIRD_SITE_LIVE, "token"},
};

static void test_walks(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(walks); i++) {
        const struct walk *w = &walks[i];
        struct mird_site site = {.name = "s", .state = w->from};
        mir_copy(site.verified_by, sizeof site.verified_by, w->verified_by);
        for (const char *p = w->probes; *p; p++) {
            struct mird_probe probe = {
                .name = "s", .ok = *p != 'n', .token_matched = *p == 'y', .status = 200, .ms = 5};
            mird_site_probed(&site, &probe, NOW + (p - w->probes));
        }
        if (site.state != w->to || strcmp(site.verified_by, w->then_verified_by) != 0)
            fail_msg("walk %zu (%s from %s) came to %s, verified by '%s'", i, w->probes,
                     mird_site_state_name(w->from), mird_site_state_name(site.state),
                     site.verified_by);
    }
}

static void test_probe_bookkeeping(void **state)
{
    struct mird_site site = {.name = "s",
                             .state = MIRD_SITE_VERIFIED,
                             .verified_by = "launched",
                             .deployment = "d",
                             .expires_s = 7};
    struct mird_probe good = {.ok = true, .ms = 9, .guest_deadline_s = 99};
    struct mird_probe bad = {.error = "refused"};
    mird_site_probed(&site, &bad, NOW);
    assert_int_equal(site.first_seen_s, 0);
    assert_string_equal(site.error, "refused");
    mird_site_probed(&site, &good, NOW + 1);
    mird_site_probed(&site, &good, NOW + 2);
    assert_int_equal(site.first_seen_s, NOW + 1);
    assert_int_equal(site.last_seen_s, NOW + 2);
    assert_int_equal(site.probes_ok, 2);
    assert_int_equal(site.probes_all, 3);
    assert_string_equal(site.error, "");
    assert_int_equal(site.expires_s, 7); /* a lease is ours to know, not the guest's */
    mird_site_ended(&site, NOW + 3);
    mird_site_ended(&site, NOW + 4);
    assert_int_equal(site.gone_s, NOW + 3);
    mird_site_probed(&site, &good, NOW + 5);
    assert_int_equal(site.last_seen_s, NOW + 2);
}

static void test_fate_and_listing(void **state)
{
    struct mird_site claim = {.state = MIRD_SITE_CLAIMED, .added_s = NOW};
    assert_int_equal(mird_site_fate(&claim, NOW + MIRD_SITE_CLAIM_S), MIRD_SITE_STAYS);
    assert_int_equal(mird_site_fate(&claim, NOW + MIRD_SITE_CLAIM_S + 1), MIRD_SITE_DROPS);
    assert_false(mird_site_listed(&claim, NOW));

    struct mird_site away = {.state = MIRD_SITE_DOWN, .added_s = 1, .last_seen_s = NOW};
    assert_int_equal(mird_site_fate(&away, NOW + MIRD_SITE_AWAY_S), MIRD_SITE_STAYS);
    assert_int_equal(mird_site_fate(&away, NOW + MIRD_SITE_AWAY_S + 1), MIRD_SITE_ENDS);
    mir_copy(away.deployment, sizeof away.deployment,
             "d"); /* its lease decides, not the calendar */
    assert_int_equal(mird_site_fate(&away, NOW + 9 * MIRD_SITE_AWAY_S), MIRD_SITE_STAYS);
    assert_true(mird_site_listed(&away, NOW));
    away.hidden = true;
    assert_false(mird_site_listed(&away, NOW));

    struct mird_site gone = {.state = MIRD_SITE_GONE, .gone_s = NOW};
    assert_true(mird_site_listed(&gone, NOW + MIRD_SITE_PAST_S));
    assert_false(mird_site_listed(&gone, NOW + MIRD_SITE_PAST_S + 1));
    assert_int_equal(mird_site_fate(&gone, NOW + MIRD_SITE_KEPT_S), MIRD_SITE_STAYS);
    assert_int_equal(mird_site_fate(&gone, NOW + MIRD_SITE_KEPT_S + 1), MIRD_SITE_DROPS);
}

/* --- records --- */

static struct mird_site full_site(void)
{
    struct mird_site s = {
        .name = "hello",
        .url = "http://127.0.0.1:8080/",
        .state = MIRD_SITE_DEGRADED,
        .verified_by = "launched",
        .token = "0123456789abcdef0123456789abcdef",
        .deployment = "fedcba9876543210fedcba9876543210",
        .provider = "local",
        .kernel_format = "multiboot1",
        .kernel_bytes = 12345678901,
        .private_ok = true,
        .hidden = true,
        .carrier_answers = true,
        .token_shown = true,
        .expires_s = NOW + 600,
        .first_seen_s = NOW,
        .last_seen_s = NOW + 1,
        .last_probe_s = NOW + 2,
        .added_s = NOW - 5,
        .gone_s = 0,
        .failures = 2,
        .response_ms = 12,
        .probes_ok = 40,
        .probes_all = 42,
        .error = "timed out",
    };
    memset(s.kernel, 'a', sizeof s.kernel - 1);
    return s;
}

static void test_record_round_trip(void **state)
{
    struct mird_site site = full_site(), back;
    json_t *json = mird_site_to_message(&site);
    assert_int_equal(mird_site_from_message(json, &back, NULL), 0);
    assert_memory_equal(&site, &back, sizeof site);
    json_object_set_new(json, "something-newer", json_integer(1));
    json_object_del(json, "error"); /* an older record */
    assert_int_equal(mird_site_from_message(json, &back, NULL), 0);
    assert_string_equal(back.error, "");
    json_decref(json);

    struct mird_probe probe = {.name = "hello",
                               .ok = true,
                               .status = 204,
                               .ms = 3,
                               .token_matched = true,
                               .guest_deadline_s = NOW};
    struct mird_probe probe_back;
    json = mird_probe_to_message(&probe);
    assert_int_equal(mird_probe_from_message(json, &probe_back, NULL), 0);
    assert_memory_equal(&probe, &probe_back, sizeof probe);
    json_decref(json);
}

struct bad_record {
    const char *member;
    const char *value;
};

static void test_bad_records_are_named(void **state)
{
    static const struct bad_record bad[] = {
        {"name", "\"\""},        {"name", "\"<b>\""},
        {"name", "5"},           {"state", "\"alive\""},
        {"state", "3"},          {"url", "null"},
        {"failures", "-1"},      {"failures", "4294967296"},
        {"hidden", "1"},         {"last_seen_s", "-1"},
        {"kernel_bytes", "1.5"}, {"token", "\"too long 0123456789 0123456789 0123456789\""},
    };
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct mird_site site = full_site(), back = {.name = "untouched"};
        struct mir_error err = {0};
        json_t *json = mird_site_to_message(&site);
        json_object_set_new(json, bad[i].member, json_loads(bad[i].value, JSON_DECODE_ANY, NULL));
        assert_int_equal(mird_site_from_message(json, &back, &err), -1);
        assert_int_equal(err.kind, MIR_CORRUPT);
        assert_non_null(strstr(err.text, bad[i].member));
        assert_string_equal(back.name, "untouched");
        json_decref(json);
    }
    struct mird_site back;
    assert_int_equal(mird_site_from_message(NULL, &back, NULL), -1);
}

/* Whether the token is there is what the last good probe saw. */
static void test_token_shown(void **state)
{
    struct mird_site site = {.state = MIRD_SITE_VERIFIED,
                             .verified_by = "launched",
                             .deployment = "d",
                             .carrier_answers = true};
    struct mird_probe probe = {.ok = true, .status = 200, .token_matched = true};
    mird_site_probed(&site, &probe, NOW);
    assert_true(site.token_shown);
    assert_string_equal(site.verified_by, "launched");
    mird_site_probed(&site, &(struct mird_probe){.error = "timed out"}, NOW + 60);
    assert_true(site.token_shown);
    probe.token_matched = false;
    mird_site_probed(&site, &probe, NOW + 120);
    assert_false(site.token_shown);
    assert_int_equal(site.state, MIRD_SITE_LIVE);
    json_t *json = mird_site_json(&site, "");
    assert_true(json_is_null(json_object_get(json, "answered_by")));
    json_decref(json);
}

/* --- documents --- */

static void test_json_keeps_the_secrets(void **state)
{
    struct mird_site site = full_site();
    json_t *json = mird_site_json(&site, "http://r.example");
    assert_string_equal(json_string_value(json_object_get(json, "state")), "degraded");
    assert_string_equal(json_string_value(json_object_get(json, "badge_url")),
                        "http://r.example/badge/hello.svg");
    assert_string_equal(json_string_value(json_object_get(json, "answered_by")), "carrier");
    mir_auto_free char *text = mir_json_text(json);
    assert_null(strstr(text, site.token));
    assert_null(strstr(text, site.deployment));
    json_decref(json);
    json = mird_site_json_owner(&site, "");
    assert_string_equal(json_string_value(json_object_get(json, "token")), site.token);
    assert_string_equal(json_string_value(json_object_get(json, "token_url")),
                        "http://127.0.0.1:8080/.well-known/unikernel");
    assert_true(json_is_null(json_object_get(json, "badge_url")));
    json_decref(json);
}

/* --- statements --- */

static struct mird_identity identity(unsigned char seed)
{
    struct mird_identity id = {.installation = "00112233445566778899aabbccddeeff"};
    memset(id.sign_seed, seed, sizeof id.sign_seed);
    return id;
}

static void test_statement_holds_and_breaks(void **state)
{
    struct mird_site site = full_site();
    struct mird_identity id = identity(7), other = identity(8);
    char pem[MIRD_PUBLIC_KEY_PEM], other_pem[MIRD_PUBLIC_KEY_PEM];
    assert_int_equal(mird_statement_sign(&site, &id, NOW, NULL), 0);
    assert_int_equal(mird_statement_key_pem(&id, pem, NULL), 0);
    assert_int_equal(mird_statement_key_pem(&other, other_pem, NULL), 0);
    assert_int_equal(mird_statement_verify(site.statement, pem, NULL), 0);
    assert_int_equal(mird_statement_verify(site.statement, other_pem, NULL), -1);
    assert_null(strstr(site.statement, site.token));

    /* Any one changed byte breaks it (or the JSON). */
    for (size_t i = 0; site.statement[i]; i++) {
        struct mird_site changed = site;
        changed.statement[i] = (char)(changed.statement[i] == 'x' ? 'y' : 'x');
        assert_int_equal(mird_statement_verify(changed.statement, pem, NULL), -1);
    }
    assert_int_equal(mird_statement_verify("{}", pem, NULL), -1);
    assert_int_equal(mird_statement_verify("[]", pem, NULL), -1);
    assert_int_equal(mird_statement_verify("", pem, NULL), -1);

    site.verified_by[0] = '\0'; /* nothing verified, nothing stated */
    assert_int_equal(mird_statement_sign(&site, &id, NOW, NULL), 0);
    assert_string_equal(site.statement, "");
}

static void test_longest_statement_fits(void **state)
{
    struct mird_site site = full_site();
    struct mird_identity id = identity(7);
    memset(site.name, 'n', sizeof site.name - 1);
    memset(site.url, 'u', sizeof site.url - 1);
    assert_int_equal(mird_statement_sign(&site, &id, NOW, NULL), 0);
}

extern char **environ;

/* The commands of docs/REGISTRY.md, by the openssl program itself. */
static void test_openssl_verifies(void **state)
{
    struct mird_site site = full_site();
    struct mird_identity id = identity(42);
    char pem[MIRD_PUBLIC_KEY_PEM];
    assert_int_equal(mird_statement_sign(&site, &id, NOW, NULL), 0);
    assert_int_equal(mird_statement_key_pem(&id, pem, NULL), 0);

    json_t *facts = json_loads(site.statement, 0, NULL);
    unsigned char signature[66];
    const char *base64 = json_string_value(json_object_get(facts, "signature"));
    assert_int_equal(EVP_DecodeBlock(signature, (const unsigned char *)base64, 88), 66);
    json_object_del(facts, "signature");
    mir_auto_free char *text = json_dumps(facts, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(facts);

    const char *dir = *state;
    mir_auto_close int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mir_file_write_at(dir_fd, "key.pem", pem, strlen(pem), 0600, NULL), 0);
    assert_int_equal(mir_file_write_at(dir_fd, "facts", text, strlen(text), 0600, NULL), 0);
    assert_int_equal(mir_file_write_at(dir_fd, "signature", signature, 64, 0600, NULL), 0);
    mir_auto_free char *key = mir_format("%s/key.pem", dir);
    mir_auto_free char *in = mir_format("%s/facts", dir);
    mir_auto_free char *sig = mir_format("%s/signature", dir);
    char *const argv[] = {(char[]){"openssl"},
                          (char[]){"pkeyutl"},
                          (char[]){"-verify"},
                          (char[]){"-pubin"},
                          (char[]){"-inkey"},
                          key,
                          (char[]){"-rawin"},
                          (char[]){"-in"},
                          in,
                          (char[]){"-sigfile"},
                          sig,
                          NULL};
    pid_t pid;
    if (posix_spawnp(&pid, "openssl", NULL, NULL, argv, environ)) {
        print_message("SKIP test_openssl_verifies: no openssl program on PATH\n");
        skip();
    }
    int status = -1;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_probe_bookkeeping),
        cmocka_unit_test(test_fate_and_listing),
        cmocka_unit_test(test_record_round_trip),
        cmocka_unit_test(test_bad_records_are_named),
        cmocka_unit_test(test_token_shown),
        cmocka_unit_test(test_json_keeps_the_secrets),
        cmocka_unit_test(test_statement_holds_and_breaks),
        cmocka_unit_test(test_longest_statement_fits),
        cmocka_unit_test_setup_teardown(test_openssl_verifies, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
