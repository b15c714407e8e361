/* SPDX-License-Identifier: ISC */
#include "status.h"

#include "local_help.h"

static struct local_status some(void)
{
    struct local_status status = {.state = MIR_INSTANCE_ENDED,
                                  .deadline_s = 1800000000,
                                  .expires_s = 1700000000,
                                  .signature = "5e",
                                  .started_ms = 1799999990123,
                                  .first_output_ms = 1799999990223,
                                  .ended_ms = 1799999999999,
                                  .end_reason = "QEMU died by signal 11: \"ouch\""};
    assert_int_equal(mir_process_of(getpid(), &status.keeper, NULL), 0);
    return status;
}

static void there_and_back(void **state)
{
    int fd = local_place_fd(state);
    struct local_status status = some();
    for (int durable = 0; durable < 2; durable++) {
        struct local_status back = {0};
        assert_int_equal(local_status_save(fd, &status, durable, NULL), 0);
        assert_int_equal(local_status_load(fd, &back, NULL), 0);
        assert_int_equal(back.state, status.state);
        assert_memory_equal(&back.keeper, &status.keeper, sizeof back.keeper);
        assert_int_equal(back.guest.pid, 0);
        assert_int_equal(back.first_output_ms, status.first_output_ms);
        assert_int_equal(back.ended_ms, status.ended_ms);
        assert_string_equal(back.end_reason, status.end_reason);
        assert_int_equal(back.expires_s, status.expires_s);
        assert_string_equal(back.signature, "5e");
        status.deadline_s++;
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } changes[] = {{"\"ended\"", "\"absent\""},
                   {"\"ended\"", "\"over\""},
                   {"\"pid\":", "\"pid\":-"},
                   {"\"pid\"", "\"PID\""},
                   {"\"deadline_s\":1800000000", "\"deadline_s\":true"},
                   {"\"deadline_s\"", "\"extra\":1,\"deadline_s\""}};
    struct local_status status = some();
    char *text = local_status_text(&status);
    for (size_t i = 0; i < MIR_NELEMS(changes); i++) {
        struct local_status back;
        struct mir_error err = {0};
        const char *at = strstr(text, changes[i].from);
        assert_non_null(at);
        char *changed = mir_format("%.*s%s%s", (int)(at - text), text, changes[i].to,
                                   at + strlen(changes[i].from));
        if (!local_status_parse(changed, strlen(changed), &back, &err))
            fail_msg("taken: %s", changes[i].to);
        assert_int_equal(err.kind, MIR_CORRUPT);
        free(changed);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_IN_PLACE(there_and_back),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
