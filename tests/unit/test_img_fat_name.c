/* SPDX-License-Identifier: ISC */
/* 8.3 aliases, long names and labels of FAT. */
#include <stdio.h>
#include <strings.h>

#include "fat_name.h"
#include "volume_help.h"

static void test_aliases(void **state)
{
    static const struct {
        const char *path, *alias;
        unsigned long_entries;
    } rows[] = {
        {"KERNEL.BIN", "KERNEL  BIN", 0},
        {"12345678.123", "12345678123", 0},
        {"grub.cfg", "GRUB    CFG", 1},
        {"NOEXT", "NOEXT      ", 0},
        {"$%'-_@~`!(){}^#&", "$%'-_@~1   ", 2},
        {".hidden", "HIDDEN~1   ", 1},
        {"Makefile", "MAKEFILE   ", 1},
        {"a.b.c", "AB~1    C  ", 1},
        {"long name here.text", "LONGNA~1TEX", 2},
        {"long name there.text", "LONGNA~2TEX", 2},
        {"LONGNA~3.TEX", "LONGNA~3TEX", 0},
        {"long name nowhere.text", "LONGNA~4TEX", 2},
        {"longna~5.tex", "LONGNA~5TEX", 1},
        {"LONG NAME ELSEWHERE.TEXT", "LONGNA~6TEX", 2},
        {"a+b", "A_B~1      ", 1},
        {"a=b", "A_B~2      ", 1},
        {"+", "_~1        ", 1},
        {"x.tar.gz", "XTAR~1  GZ ", 1},
        {"1234567890123", "123456~1   ", 1},
        {"12345678901234", "123456~2   ", 2},
        {". .x", "_~1     X  ", 1},
        {"dir/long name here.text", "LONGNA~1TEX", 2}, /* another folder */
    };
    struct img_file files[MIR_NELEMS(rows)];
    struct img_fat_name names[MIR_NELEMS(rows) + 8] = {0};
    struct img_tree tree;
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        files[i] = input_file(rows[i].path, 0, 0);
    assert_int_equal(img_tree_init(&tree, files, MIR_NELEMS(rows), strncasecmp, NULL), 0);
    assert_int_equal(img_fat_names(&tree, names, NULL), 0);
    for (size_t i = 1; i < tree.count; i++)
        for (size_t r = 0; r < MIR_NELEMS(rows); r++)
            if (tree.nodes[i].file == &files[r] &&
                (memcmp(names[i].alias, rows[r].alias, 11) != 0 ||
                 names[i].long_entries != rows[r].long_entries))
                fail_msg("%s: %.11s, %u", rows[r].path, (const char *)names[i].alias,
                         names[i].long_entries);
    img_tree_clear(&tree);
}

/* As many as there can be, all with one beginning: the numbers take more and more of it. */
static void test_many_of_one_beginning(void **state)
{
    static char paths[IMG_FILES_MAX][40];
    struct img_file files[IMG_FILES_MAX];
    struct img_fat_name names[IMG_FILES_MAX + 1] = {0};
    struct img_tree tree;
    (void)state;
    for (size_t i = 0; i < IMG_FILES_MAX; i++) {
        snprintf(paths[i], sizeof paths[i], "the same beginning %zu.conf", i);
        files[i] = input_file(paths[i], 0, 0);
    }
    assert_int_equal(img_tree_init(&tree, files, IMG_FILES_MAX, strncasecmp, NULL), 0);
    assert_int_equal(img_fat_names(&tree, names, NULL), 0);
    assert_memory_equal(names[9].alias, "THESAM~9CON", 11);
    assert_memory_equal(names[10].alias, "THESA~10CON", 11);
    assert_memory_equal(names[64].alias, "THESA~64CON", 11);
    for (size_t i = 1; i <= IMG_FILES_MAX; i++)
        for (size_t j = 1; j < i; j++)
            assert_memory_not_equal(names[i].alias, names[j].alias, 11);
    img_tree_clear(&tree);
}

/* 13 characters fill an entry; fewer have an end and are padded. */
static void test_long_entries(void **state)
{
    static const char text[] = "abcdefghijklmnopqrstuvwxyz";
    (void)state;
    for (size_t len = 12; len <= 14; len++) {
        struct img_node node = {.name = text, .name_len = len};
        struct img_fat_name name = {.alias = "ABCDEF~1   ", .long_entries = len > 13 ? 2 : 1};
        unsigned char entries[3 * 32] = {0};
        assert_ptr_equal(img_fat_put_long(entries, &node, &name),
                         entries + (size_t)32 * name.long_entries);
        assert_int_equal(entries[0], 0x40 | name.long_entries);
        assert_int_equal(entries[11], 0x0f);
        assert_int_equal(entries[13], 0xca);
        const unsigned char *first = entries + (size_t)32 * (name.long_entries - 1);
        assert_int_equal(first[0] & 0x3f, 1);
        assert_memory_equal(first + 1, "a\0b\0c\0d\0e\0", 10);
        assert_memory_equal(first + 14, "f\0g\0h\0i\0j\0k\0", 12);
        assert_memory_equal(first + 28, len == 12 ? "l\0\0\0" : "l\0m\0", 4);
        if (len == 14)
            assert_memory_equal(entries + 1, "n\0\0\0\xff\xff\xff\xff\xff\xff", 10);
    }
}

static void test_labels(void **state)
{
    static const struct {
        const char *text, *label; /* NULL: refused */
    } rows[] = {
        {NULL, "NO NAME    "},
        {"", "NO NAME    "},
        {"mirage", "MIRAGE     "},
        {"ELEVEN CHAR", "ELEVEN CHAR"},
        {"TWELVE CHARS", NULL},
        {" LEADING", NULL},
        {"A.B", NULL},
        {"A/B", NULL},
        {"\xc3\xa4", NULL},
        {"A\tB", NULL},
        {"a_b-c~1", "A_B-C~1    "},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        unsigned char label[11];
        struct mir_error err = {0};
        int got = img_fat_label(rows[i].text, label, &err);
        assert_int_equal(got, rows[i].label ? 0 : -1);
        if (rows[i].label)
            assert_memory_equal(label, rows[i].label, 11);
        else
            assert_int_equal(err.kind, MIR_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_many_of_one_beginning),
        cmocka_unit_test(test_long_entries),
        cmocka_unit_test(test_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
