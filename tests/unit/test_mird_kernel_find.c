/* SPDX-License-Identifier: ISC */
/* A stored inspection that the rules of today would not give is made again. argv[1]: the
 * mirage-image of this build. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "api/file.h"
#include "api/memory.h"
#include "daemon/core.h"
#include "daemon/kernel_store.h"
#include "images/table_id.h"

/* "abcd" */
#define SHA "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"

static const char *helper;

struct place {
    char dir[64];
    struct mird_core core;
};

static void put_file(const struct place *place, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/kernels/%s", place->dir, SHA);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* A document that is wrong about the file, in this edition. */
static void put_document(const struct place *place, const char *table)
{
    struct mir_kernel old = {.bytes = 4,
                             .unpacked_bytes = 4,
                             .format = MIR_FORMAT_MULTIBOOT1,
                             .description = "as was thought then",
                             .boots_count = 1,
                             .boots = {{"local", MIR_VERDICT_BOOTS, "qemu-kernel", "so"}}};
    mir_copy(old.sha256, sizeof old.sha256, SHA);
    mir_copy(old.table, sizeof old.table, table);
    assert_int_equal(mird_store_kernel_put(place->core.store, &old, 1, NULL), 0);
}

static int setup(void **state)
{
    struct place *place = mir_calloc(1, sizeof *place);
    struct mir_error err = {0};
    mir_copy(place->dir, sizeof place->dir, "/tmp/mird-kernel-find-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    place->core.state_dir = place->dir;
    place->core.helper_path = helper;
    assert_int_equal(mird_depot_prepare(&mird_depot_kernels, place->dir, &err), 0);
    if (mird_store_open(place->dir, &place->core.store, &err))
        fail_msg("%s", err.text);
    put_file(place, "abcd");
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    mird_store_close(place->core.store);
    mir_dir_remove_at(AT_FDCWD, place->dir, NULL);
    free(place);
    return 0;
}

static struct mir_kernel found(const struct place *place)
{
    struct mir_kernel k;
    struct mir_error err = {0};
    if (mird_kernel_find(&place->core, SHA, 1, &k, &err))
        fail_msg("%s", err.text);
    return k;
}

static struct mir_error not_found(const struct place *place)
{
    struct mir_kernel k = {.bytes = 4711};
    struct mir_error err = {0};
    assert_int_equal(mird_kernel_find(&place->core, SHA, 1, &k, &err), -1);
    assert_int_equal(k.bytes, 4711);
    return err;
}

/* Of another edition, or of the years before there were any: inspected again, and kept. */
static void test_stale(void **state)
{
    static const char *const editions[] = {"", "00000000000000000000000000000000"};
    struct place *place = *state;
    for (size_t i = 0; i < MIR_NELEMS(editions); i++) {
        place->core.helper_path = helper;
        put_document(place, editions[i]);
        struct mir_kernel k = found(place);
        assert_int_equal(k.format, MIR_FORMAT_UNKNOWN);
        assert_string_equal(k.table, img_table_id());
        assert_true(k.family_count > 4);
        place->core.helper_path = "/nonexistent/mirage-image"; /* not needed a second time */
        k = found(place);
        assert_int_equal(k.format, MIR_FORMAT_UNKNOWN);
    }
}

static void test_current(void **state)
{
    struct place *place = *state;
    place->core.helper_path = "/nonexistent/mirage-image";
    put_document(place, img_table_id());
    struct mir_kernel k = found(place);
    assert_string_equal(k.description, "as was thought then");
    assert_true(mird_kernel_current(&k));
}

/* Nothing is believed that could not be looked at again, and nothing is lost by trying. */
static void test_cannot_look(void **state)
{
    struct place *place = *state;
    struct mir_kernel k;
    place->core.helper_path = "/nonexistent/mirage-image";
    put_document(place, "old");
    struct mir_error err = not_found(place);
    assert_int_equal(err.kind, MIR_INTERNAL);
    assert_int_equal(mird_kernel_known(&place->core, SHA, &k, NULL), 0);
    assert_false(mird_kernel_current(&k));
    place->core.helper_path = helper;
    assert_int_equal(found(place).format, MIR_FORMAT_UNKNOWN);
}

static void test_damaged_file(void **state)
{
    struct place *place = *state;
    put_document(place, "old");
    put_file(place, "abce");
    struct mir_error err = not_found(place);
    assert_int_equal(err.kind, MIR_CORRUPT);
    assert_non_null(strstr(err.text, "damaged"));
    put_file(place, "abc");
    assert_int_equal(not_found(place).kind, MIR_NOT_FOUND);
}

static void test_no_row(void **state)
{
    assert_int_equal(not_found(*state).kind, MIR_NOT_FOUND);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
        cmocka_unit_test_setup_teardown(test_current, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_look, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_row, setup, teardown),
    };
    if (argc < 2)
        return 2;
    helper = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
