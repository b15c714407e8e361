/* SPDX-License-Identifier: ISC */
/* Libraries that are loaded late: those that are not there, those that lack something, zlib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/memory.h"
#include "library.h"

typedef unsigned long crc_fn(unsigned long crc, const unsigned char *bytes, unsigned len);

static crc_fn *crc32_of;
static void *nothing;
static int begun, refuses;

static const struct mir_library_symbol one[] = {{"crc32", (void **)&crc32_of}},
                                       other[] = {{"crc32", (void **)&crc32_of},
                                                  {"no_such_function", &nothing}};

static int begin(void)
{
    begun++;
    return refuses;
}

static struct mir_library library(const char *file, const struct mir_library_symbol *symbols,
                                  size_t count)
{
    return (struct mir_library){.file = file,
                                .package = "zlib1g",
                                .symbols = symbols,
                                .count = count,
                                .begin = begin,
                                .lock = PTHREAD_MUTEX_INITIALIZER};
}

static void expect_refused(struct mir_library *missing, const char *word)
{
    struct mir_error err = {0};
    assert_int_equal(mir_library_need(missing, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    if (!strstr(err.text, word))
        fail_msg("%s", err.text);
}

static void test_missing(void **state)
{
    struct mir_library none = library("libno-such-thing.so.9", one, 1);
    struct mir_library old = library("libz.so.1", other, MIR_NELEMS(other));
    struct mir_error err = {0};
    begun = 0;
    expect_refused(&none, "libno-such-thing.so.9");
    mir_library_need(&none, &err);
    assert_non_null(strstr(err.hint, "zlib1g"));
    expect_refused(&old, "no_such_function");
    assert_int_equal(begun, 0);
}

static void test_loaded(void **state)
{
    struct mir_library zlib = library("libz.so.1", one, 1);
    struct mir_error err = {0};
    begun = 0;
    refuses = 1;
    expect_refused(&zlib, "libz.so.1");
    mir_library_need(&zlib, &err);
    assert_non_null(strstr(err.hint, "zlib1g"));
    refuses = 0;
    assert_int_equal(mir_library_need(&zlib, &err), 0);
    assert_int_equal(mir_library_need(&zlib, &err), 0);
    assert_int_equal(begun, 3);
    assert_int_equal(crc32_of(0, (const unsigned char *)"123456789", 9), 0xcbf43926);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
