/* SPDX-License-Identifier: ISC */
/* Paths: what is refused by both file systems, and what becomes of what is not. */
#include <strings.h>

#include "tree.h"
#include "volume_help.h"

#define LONG_64 "0123456789012345678901234567890123456789012345678901234567890123"
#define LONG_255                                                                                   \
    LONG_64 LONG_64 LONG_64 "012345678901234567890123456789012345678901234567890123456789012"

static int add(bool fat, const struct img_file *files, size_t count, struct mir_error *err)
{
    static const unsigned char uuid[16];
    struct img_disk disk = disk_of(4 * MIB);
    int got = fat ? img_fat_add(&disk, 0, 4 * MIB, 1, NULL, files, count, err)
                  : img_ext2_add(&disk, 0, 4 * MIB, uuid, NULL, files, count, err);
    img_disk_clear(&disk);
    return got;
}

static void test_paths(void **state)
{
    static const struct {
        const char *path;
        bool fat, ext2; /* may it be? */
    } rows[] = {
        {"a", true, true},
        {"boot/grub/grub.cfg", true, true},
        {"...a", true, true},
        {".a", true, true},
        {"a/b/c/d/e/f/g/h", true, true},
        {"a/b/c/d/e/f/g/h/i", false, false},
        {LONG_255, true, true},
        {LONG_255 "3", false, false},
        {"x/" LONG_255 "3/x", false, false},
        {"", false, false},
        {"/", false, false},
        {"/a", false, false},
        {"a/", false, false},
        {"a//b", false, false},
        {".", false, false},
        {"..", false, false},
        {"./a", false, false},
        {"a/../b", false, false},
        {"a/..", false, false},
        {"a\nb", false, false},
        {"a\x7f", false, false},
        {"\xc3\xa4", false, false},
        {"a\\b", false, true},
        {"a:b", false, true},
        {"a*", false, true},
        {"what?", false, true},
        {"\"", false, true},
        {"<a>", false, true},
        {"|", false, true},
        {"...", false, true},
        {"a.", false, true},
        {"a ", false, true},
        {" a", false, true},
        {"a b", true, true},
        {"+,;=[]", true, true},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        for (int fat = 0; fat < 2; fat++) {
            struct img_file file = input_file(rows[i].path, 0, 10);
            struct mir_error err = {0};
            int got = add(fat, &file, 1, &err);
            if ((fat ? rows[i].fat : rows[i].ext2) != (got == 0))
                fail_msg("\"%s\", fat %d: %d %s", rows[i].path, fat, got, err.text);
            assert_int_equal(err.kind, got ? MIR_USAGE : MIR_OK);
        }
}

static void test_pairs(void **state)
{
    static const struct {
        const char *first, *second;
        bool fat, ext2;
    } rows[] = {
        {"a", "b", true, true},           {"a", "a", false, false},
        {"a", "A", false, true},          {"a", "a/b", false, false},
        {"a/b", "a", false, false},       {"a/b", "A", false, true},
        {"Boot/a", "boot/b", true, true}, {"Boot/a", "boot/A", false, true},
        {"a/b", "a/bb", true, true},      {"a/b/c", "a/b", false, false},
        {"a/b", "b/a", true, true},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        for (int fat = 0; fat < 2; fat++) {
            struct img_file files[] = {input_file(rows[i].first, 0, 10),
                                       input_file(rows[i].second, 10, 10)};
            struct mir_error err = {0};
            int got = add(fat, files, 2, &err);
            if ((fat ? rows[i].fat : rows[i].ext2) != (got == 0))
                fail_msg("\"%s\" and \"%s\", fat %d: %d %s", rows[i].first, rows[i].second, fat,
                         got, err.text);
        }
}

static void test_how_many(void **state)
{
    static const char alphabet[] =
        "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'()-@^_`{}~ABCDEFGHIJKLM";
    static char names[IMG_FILES_MAX + 1][2];
    struct img_file files[IMG_FILES_MAX + 1];
    struct mir_error err = {0};
    (void)state;
    for (size_t i = 0; i <= IMG_FILES_MAX; i++) {
        names[i][0] = alphabet[i];
        files[i] = input_file(names[i], i, 1);
    }
    assert_int_equal(add(false, files, IMG_FILES_MAX, &err), 0);
    assert_int_equal(add(false, files, IMG_FILES_MAX + 1, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_int_equal(add(true, files, IMG_FILES_MAX + 1, NULL), -1);
    assert_int_equal(add(true, NULL, 0, NULL), 0);
    assert_int_equal(add(false, NULL, 0, NULL), 0);
}

static void test_folders_before_what_is_in_them(void **state)
{
    static const char *const want[] = {"", "b", "c", "x", "a", "d", "y"};
    static const size_t parents[] = {0, 0, 1, 2, 0, 1, 5};
    struct img_file files[] = {input_file("b/c/x", 0, 5), input_file("a", 5, 6),
                               input_file("b/d/y", 9, UINT64_MAX - 10)};
    struct img_tree tree;
    (void)state;
    assert_int_equal(img_tree_init(&tree, files, 3, strncasecmp, NULL), 0);
    assert_int_equal(tree.count, MIR_NELEMS(want));
    for (size_t i = 0; i < tree.count; i++) {
        assert_int_equal(tree.nodes[i].name_len, strlen(want[i]));
        assert_memory_equal(tree.nodes[i].name, want[i], strlen(want[i]));
        assert_int_equal(tree.nodes[i].parent, parents[i]);
    }
    assert_ptr_equal(tree.nodes[4].file, &files[1]);
    assert_int_equal(img_tree_in(&tree, 0, 0), 1);
    assert_int_equal(img_tree_in(&tree, 0, 2), 4);
    assert_int_equal(img_tree_in(&tree, 0, 5), tree.count);
    assert_true(img_tree_bytes(&tree) == UINT64_MAX); /* saturated */
    img_tree_clear(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_how_many),
        cmocka_unit_test(test_folders_before_what_is_in_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
