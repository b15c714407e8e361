/* SPDX-License-Identifier: ISC */
#include "qmp.h"

#include "local_help.h"

static void feed(struct local_qmp *qmp, const char *text)
{
    local_qmp_feed(qmp, text, strlen(text));
}

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"

static void a_usual_life(void **state)
{
    (void)state;
    struct local_qmp *qmp = mir_calloc(1, sizeof *qmp);
    feed(qmp, GREETING);
    assert_false(qmp->ready);
    feed(qmp, "{\"ret");
    feed(qmp, "urn\": {}}\r\n");
    assert_true(qmp->ready);
    assert_string_equal(qmp->shutdown, "");
    feed(qmp,
         "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": "
         "\"guest-reset\"}}\r\n{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"later\"}}\n");
    assert_string_equal(qmp->shutdown, "guest-reset"); /* the first counts */
    free(qmp);
}

static void nonsense(void **state)
{
    (void)state;
    static const char *const lines[] = {"\n\n",
                                        "{\n",
                                        "[1,2]\n",
                                        "\"return\"\n",
                                        "{\"event\": 5}\n",
                                        "{\"event\": \"SHUTDOWN\"}\n",
                                        "{\"event\": \"SHUTDOWN\", \"data\": []}\n",
                                        "{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": 1}}\n"};
    struct local_qmp *qmp = mir_calloc(1, sizeof *qmp);
    for (size_t i = 0; i < MIR_NELEMS(lines); i++)
        feed(qmp, lines[i]);
    assert_false(qmp->ready);
    assert_string_equal(qmp->shutdown, "");
    /* A line too long is passed over; the one after it is read. */
    char *filler = mir_calloc(10001, 1);
    memset(filler, ' ', 10000);
    feed(qmp, "{\"return\": ");
    feed(qmp, filler);
    feed(qmp, "{}}\n");
    assert_false(qmp->ready);
    feed(qmp, "{\"return\": {}}\n");
    assert_true(qmp->ready);
    free(filler);
    free(qmp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_usual_life), cmocka_unit_test(nonsense)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
