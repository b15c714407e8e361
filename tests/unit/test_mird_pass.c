/* SPDX-License-Identifier: ISC */
/* The word of a mirage-reap: believed only from who has the key, and only while it is fresh. */
#include "daemon/pass.h"

#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "scratch.h"

#define NOW_S INT64_C(1800000000)

static const struct mird_identity ours = {.installation = "0123456789abcdef0123456789abcdef",
                                          .tag_key = {1, 2, 3}};

static struct mird_pass a_pass(void)
{
    struct mird_pass pass = {.caller = {.account = "123456789012", .name = "arn:aws:iam::1:user/r"},
                             .places = "eu-west-1 us-east-1",
                             .at_s = NOW_S - 100,
                             .every_s = 300};
    mir_copy(pass.installation, sizeof pass.installation, ours.installation);
    mir_copy(pass.provider, sizeof pass.provider, "ec2");
    return pass;
}

static int read_back(const char *text, struct mird_pass *ret)
{
    return mird_pass_read(text, strlen(text), &ours, "ec2", ret, NULL);
}

static void test_text(void **state)
{
    (void)state;
    struct mird_pass pass = a_pass(), seen = {.at_s = 0};
    mir_auto_free char *text = mird_pass_text(&pass, ours.tag_key);
    assert_true(strlen(text) <= MIR_NOTE_MAX);
    assert_int_equal(read_back(text, &seen), 0);
    assert_memory_equal(&seen, &pass, sizeof pass);
    /* Another provider's, another installation's, another key's. */
    assert_int_equal(mird_pass_read(text, strlen(text), &ours, "openstack", &seen, NULL), -1);
    struct mird_identity other = ours;
    other.installation[0] = 'f';
    assert_int_equal(mird_pass_read(text, strlen(text), &other, "ec2", &seen, NULL), -1);
    other = ours;
    other.tag_key[31] = 1;
    assert_int_equal(mird_pass_read(text, strlen(text), &other, "ec2", &seen, NULL), -1);
}

/* Any byte that is not as it was signed. */
static void test_changed(void **state)
{
    (void)state;
    struct mird_pass pass = a_pass(), seen;
    mir_auto_free char *text = mird_pass_text(&pass, ours.tag_key);
    for (size_t i = 0; text[i]; i++) {
        char was = text[i];
        text[i] = was == 'a' ? 'b' : 'a';
        assert_int_equal(read_back(text, &seen), -1);
        text[i] = was;
    }
    assert_int_equal(read_back("", &seen), -1);
    assert_int_equal(read_back("{\"pass\":{},\"signature\":\"\"}", &seen), -1);
}

static struct mir_hook judged(const struct mird_pass *pass, const char *account, const char *place)
{
    struct mir_hook hook = {.name = "reaper"};
    mird_pass_judge(pass, account, place, NOW_S + 50, NOW_S, &hook);
    return hook;
}

static void test_judged(void **state)
{
    static const struct {
        int64_t ago_s, every_s;
        const char *account, *place;
        enum mir_hook_state state;
        const char *why;
    } rows[] = {
        {100, 300, "123456789012", "us-east-1", MIR_HOOK_ARMED, ""},
        {100, 300, "123456789012", "eu-west-1", MIR_HOOK_ARMED, ""},
        {100, 300, "123456789012", "", MIR_HOOK_ARMED, ""},
        {100, 300, "123456789012", "us-east", MIR_HOOK_FAILED, "not in this region"},
        {100, 300, "123456789012", "eu-central-1", MIR_HOOK_FAILED, "not in this region"},
        {100, 300, "123456789013", "us-east-1", MIR_HOOK_FAILED, "for another account"},
        {100, 300, "", "us-east-1", MIR_HOOK_FAILED, "for another account"},
        {899, 300, "123456789012", "us-east-1", MIR_HOOK_ARMED, ""},
        {900, 300, "123456789012", "us-east-1", MIR_HOOK_FAILED, "does not come any more"},
        {-300, 300, "123456789012", "us-east-1", MIR_HOOK_ARMED, ""},
        {-301, 300, "123456789012", "us-east-1", MIR_HOOK_FAILED, "its clock is ahead"},
        {100, 0, "123456789012", "us-east-1", MIR_HOOK_OFF, "by hand"},
        {100, 90000, "123456789012", "us-east-1", MIR_HOOK_OFF, ""},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mird_pass pass = a_pass();
        pass.at_s = NOW_S - rows[i].ago_s;
        pass.every_s = rows[i].every_s;
        struct mir_hook hook = judged(&pass, rows[i].account, rows[i].place);
        if (hook.state != rows[i].state || !strstr(hook.detail, rows[i].why))
            fail_msg("row %zu: %s, %s", i, mir_hook_state_name(hook.state), hook.detail);
        assert_int_equal(hook.deadline_s, NOW_S + 50);
        assert_true(hook.again_after_s >= (hook.state == MIR_HOOK_ARMED ? 1 : 60));
        assert_non_null(strstr(hook.detail, "2027-01-15T0"));
    }
    /* Looked for when the next one should have come, and every minute once it is late. */
    struct mird_pass pass = a_pass();
    assert_int_equal(judged(&pass, "123456789012", "").again_after_s, 260);
    pass.at_s = NOW_S - 700;
    assert_int_equal(judged(&pass, "123456789012", "").again_after_s, 60);
    pass.at_s = NOW_S - 893; /* its last seven seconds */
    assert_int_equal(judged(&pass, "123456789012", "").again_after_s, 7);
}

static void test_file(void **state)
{
    struct mird_pass pass = a_pass(), seen;
    struct mir_error err = {0};
    mir_auto_free char *text = mird_pass_text(&pass, ours.tag_key);
    assert_int_equal(mird_pass_load(*state, &ours, "ec2", &seen, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    assert_int_equal(mird_pass_keep(*state, "ec2", text, NULL), 0);
    assert_int_equal(mird_pass_load(*state, &ours, "ec2", &seen, NULL), 0);
    assert_memory_equal(&seen, &pass, sizeof pass);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text), cmocka_unit_test(test_changed), cmocka_unit_test(test_judged),
        cmocka_unit_test_setup_teardown(test_file, scratch_make, scratch_remove)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
