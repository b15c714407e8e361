/* SPDX-License-Identifier: ISC */
/* What a carrier says last: taken from its console, whatever stands around it, and from nobody
 * else; and what becomes of it beside the provider's word. */
#include "scratch.h"

#include <string.h>

#include "carrier_word.h"

static const char *word_of(const char *console)
{
    static char out[MIRD_CARRIER_WORD_MAX];
    return mird_carrier_word(console, strlen(console), out) ? out : NULL;
}

static void test_each_reason(void **state)
{
    static const char *const rows[] = {
        "deadline",
        "deadline: 1448928060 is past, by this machine's clock it is 1448928061",
        "ttl: 60 s after the start",
        "guest ended",
        "guest ended: exit status 0",
        "guest failed: it crashed",
        "configuration: line 1: kind: not xen-pv, xen-pvh or solo5",
        "memory: the image does not fit into it; take a machine with more",
        "no network: no network card",
        "start failed: xl made no domain (exit status 1): no kernel"};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        mir_auto_free char *line = mir_format("carrier[12.345] power off: %s\r\n", rows[i]);
        assert_string_equal(word_of(line), rows[i]);
    }
}

static void test_between_other_lines(void **state)
{
    assert_string_equal(
        word_of("GRUB loading\r\n(XEN) Xen version\r\ncarrier[1.000] the store is up\r\n"
                "guest| carrier[2.000] power off: ttl\r\n"
                "carrier[9.876] power off: guest failed: it crashed\r\n"
                "(XEN) Preparing system for ACPI S5 state.\r\n"),
        "guest failed: it crashed");
    assert_string_equal(word_of("carrier[1.000] power off: memory"), "memory"); /* cut there */
    assert_string_equal(word_of("carrier[1.0] power off: ttl\ncarrier[2.0] power off: memory\n"),
                        "memory");
}

static void test_what_is_no_word(void **state)
{
    static const char *const rows[] = {"",
                                       "\n\r\n",
                                       "guest| carrier[2.000] power off: ttl",
                                       " carrier[2.000] power off: ttl",
                                       "carrier[2.000] power on: ttl",
                                       "carrier[] power off: ttl",
                                       "carrier[2] power off: ttl",
                                       "carrier[2.] power off: ttl",
                                       "carrier[.2] power off: ttl",
                                       "carrier[2.0] power off: ",
                                       "carrier[2.0] power off: lunch",
                                       "carrier[2.0] power off: ttly",
                                       "carrier[2.0] power off: ttl:",
                                       "carrier[2.0] power off: ttl: ",
                                       "carrier[2.000",
                                       "carrier[",
                                       "power off: ttl"};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        assert_null(word_of(rows[i]));
}

/* Only what is given is read, and what is shown is clean and fits. */
static void test_hostile(void **state)
{
    static const char zero[] = "carrier[1.0] power off: start failed: a\0b\033[2Jc";
    char out[MIRD_CARRIER_WORD_MAX];
    assert_true(mird_carrier_word(zero, sizeof zero - 1, out));
    assert_string_equal(out, "start failed: a?b?[2Jc");
    for (size_t len = 0; len < 24; len++) {
        mir_auto_free char *part = mir_calloc(1, len + 1);
        memcpy(part, zero, len);
        char *exact = mir_realloc(part, len ? len : 1, 1); /* nothing behind it to read */
        part = exact;
        assert_false(mird_carrier_word(exact, len, out));
    }
    mir_auto_free char *much = mir_format("carrier[1.0] power off: ttl: %0500d", 1);
    assert_true(mird_carrier_word(much, strlen(much), out));
    assert_int_equal(strlen(out), MIRD_CARRIER_WORD_MAX - 1);
}

static void join(const char *provider, const char *word, const char *expect)
{
    struct mir_instance instance = {.state = MIR_INSTANCE_ENDED};
    char text[MIRD_CARRIER_WORD_MAX];
    mir_copy(instance.end_reason, sizeof instance.end_reason, provider);
    mir_copy(text, sizeof text, word);
    mird_carrier_word_join(text, &instance);
    assert_string_equal(instance.end_reason, expect);
}

static void test_beside_the_providers_word(void **state)
{
    join("powered off", "guest failed: it crashed", "powered off: guest failed: it crashed");
    join("", "memory", "powered off: memory");
    join("powered off", "deadline", "deadline");
    join("powered off", "deadline: it is past", "deadline");
    join("deadline", "guest failed: it crashed", "deadline");
    join("a provider that says much more of an end than anybody would ever want to read of it",
         "memory", "a provider that says much more of an end than anybody would : memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_reason),
        cmocka_unit_test(test_between_other_lines),
        cmocka_unit_test(test_what_is_no_word),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_beside_the_providers_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
