/* SPDX-License-Identifier: ISC */
/* A bundle's folder: whole or not there, and nobody's files but a bundle's are ever replaced. */
#include "bundle_folder.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "scratch.h"

static char *in(void *const *state, const char *name)
{
    return mir_format("%s/%s", (const char *)*state, name);
}

static char *read_text(const char *folder, const char *name)
{
    char *text;
    mir_auto_free char *path = mir_format("%s/%s", folder, name);
    assert_int_equal(mir_file_read(path, 4096, &text, NULL, NULL), 0);
    return text;
}

static unsigned entries(const char *path)
{
    unsigned count = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(dir);
    return count;
}

static void put(const char *folder, const char *name, const char *text)
{
    mir_auto_free char *path = mir_format("%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0 && !fclose(file), 1);
}

static void write_two(struct img_bundle_folder *folder, const char *part)
{
    static const char manifest[] =
        "<?xml version=\"1.0\"?><manifest><parts><part index=\"0\"><filename>b.part.0</filename>"
        "</part></parts></manifest>";
    struct mir_error err = {0};
    assert_int_equal(img_bundle_folder_file(folder, "b.part.0", part, strlen(part), &err), 0);
    assert_int_equal(
        img_bundle_folder_file(folder, "b.manifest.xml", manifest, strlen(manifest), &err), 0);
}

static int make(const char *path, bool replace, const char *part, struct mir_error *err)
{
    mir_auto_bundle_folder struct img_bundle_folder folder;
    if (img_bundle_folder_open(&folder, path, replace, err))
        return -1;
    write_two(&folder, part);
    return img_bundle_folder_keep(&folder, err);
}

static void is_part(const char *path, const char *text)
{
    mir_auto_free char *part = read_text(path, "b.part.0");
    assert_string_equal(part, text);
    assert_int_equal(entries(path), 2);
}

static void test_whole_or_not_there(void **state)
{
    struct mir_error err = {0};
    mir_auto_free char *path = in(state, "bundle");
    struct img_bundle_folder folder;
    assert_int_equal(img_bundle_folder_open(&folder, path, false, &err), 0);
    write_two(&folder, "one");
    assert_int_equal(access(path, F_OK), -1);
    img_bundle_folder_clear(&folder);
    assert_int_equal(entries(*state), 0);
    assert_int_equal(make(path, false, "one", &err), 0);
    is_part(path, "one");
    assert_int_equal(entries(*state), 1);
}

static void test_not_without_being_asked(void **state)
{
    struct mir_error err = {0};
    mir_auto_free char *path = in(state, "bundle"), *missing = in(state, "no/bundle");
    assert_int_equal(make(path, false, "one", &err), 0);
    assert_int_equal(make(path, false, "two", &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    is_part(path, "one");
    /* And not when it came while the new one was written. */
    struct img_bundle_folder folder;
    mir_auto_free char *late = in(state, "late");
    assert_int_equal(img_bundle_folder_open(&folder, late, false, &err), 0);
    write_two(&folder, "two");
    assert_int_equal(make(late, false, "one", &err), 0);
    assert_int_equal(img_bundle_folder_keep(&folder, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    img_bundle_folder_clear(&folder);
    is_part(late, "one");
    assert_int_equal(make(missing, false, "one", &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    assert_int_equal(entries(*state), 2);
}

static void test_replaced(void **state)
{
    struct mir_error err = {0};
    mir_auto_free char *path = in(state, "bundle"), *empty = in(state, "empty");
    assert_int_equal(make(path, true, "one", &err), 0); /* nothing was there: no matter */
    assert_int_equal(make(path, true, "two", &err), 0);
    is_part(path, "two");
    assert_int_equal(mkdir(empty, 0755), 0);
    assert_int_equal(make(empty, true, "one", &err), 0);
    is_part(empty, "one");
    assert_int_equal(entries(*state), 2); /* of the old ones nothing is left */
}

static void refuses(const char *path, enum mir_kind kind, const char *word)
{
    struct mir_error err = {0};
    assert_int_equal(make(path, true, "new", &err), -1);
    assert_int_equal(err.kind, kind);
    if (!strstr(err.text, word))
        fail_msg("'%s' is not in: %s", word, err.text);
    assert_null(strpbrk(err.text, "\n\033"));
}

/* Whatever is beside a bundle's files is not ours to take away. */
static void test_nobody_elses(void **state)
{
    static const char *const strange[] = {"thesis.txt", "b.part.1", "c.manifest.xml", "\033\n"};
    struct mir_error err = {0};
    mir_auto_free char *path = in(state, "bundle"), *link = in(state, "link");
    mir_auto_free char *file = scratch_file(state, "file", "x");
    assert_int_equal(make(path, false, "one", &err), 0);
    refuses(file, MIR_USAGE, "not a folder");
    assert_int_equal(symlink("bundle", link), 0);
    refuses(link, MIR_USAGE, "not a folder");
    for (size_t i = 0; i < MIR_NELEMS(strange); i++) {
        mir_auto_free char *name = mir_format("%s/%s", path, strange[i]);
        put(path, strange[i], "years of work");
        refuses(path, MIR_USAGE, "is not replaced");
        mir_auto_free char *kept = read_text(path, strange[i]), *part = read_text(path, "b.part.0");
        assert_string_equal(kept, "years of work");
        assert_string_equal(part, "one");
        assert_int_equal(unlink(name), 0);
    }
    mir_auto_free char *below = mir_format("%s/folder", path);
    assert_int_equal(mkdir(below, 0755), 0);
    refuses(path, MIR_USAGE, "is not a file");
    assert_int_equal(rmdir(below), 0);
    assert_int_equal(entries(*state), 3);
    assert_int_equal(make(path, true, "two", &err), 0);
    is_part(path, "two");
}

/* Parts alone may be anything; so may a manifest that is none. */
static void test_no_manifest(void **state)
{
    struct mir_error err = {0};
    mir_auto_free char *path = in(state, "bundle");
    mir_auto_free char *manifest = mir_format("%s/b.manifest.xml", path);
    assert_int_equal(make(path, false, "one", &err), 0);
    put(path, "b.manifest.xml", "<filename>b.part.0</filename>");
    refuses(path, MIR_USAGE, "no bundle's manifest");
    assert_int_equal(unlink(manifest), 0);
    refuses(path, MIR_USAGE, "'b.part.0'");
    assert_int_equal(symlink("b.part.0", manifest), 0);
    refuses(path, MIR_USAGE, "is not a file");
}

/* A file that comes while the new one is written: the old bundle is back in its place, with it. */
static void test_changed_meanwhile(void **state)
{
    struct mir_error err = {0};
    struct img_bundle_folder folder;
    mir_auto_free char *path = in(state, "bundle");
    assert_int_equal(make(path, false, "one", &err), 0);
    assert_int_equal(img_bundle_folder_open(&folder, path, true, &err), 0);
    write_two(&folder, "two");
    put(path, "thesis.txt", "years of work");
    assert_int_equal(img_bundle_folder_keep(&folder, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    img_bundle_folder_clear(&folder);
    mir_auto_free char *kept = read_text(path, "thesis.txt"), *part = read_text(path, "b.part.0");
    assert_string_equal(kept, "years of work");
    assert_string_equal(part, "one");
    assert_int_equal(entries(*state), 1);
    assert_int_equal(entries(path), 3);
}

/* And one that went: nothing is left to be replaced. */
static void test_gone_meanwhile(void **state)
{
    struct mir_error err = {0};
    struct img_bundle_folder folder;
    mir_auto_free char *path = in(state, "bundle");
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(img_bundle_folder_open(&folder, path, true, &err), 0);
    write_two(&folder, "two");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(img_bundle_folder_keep(&folder, &err), 0);
    img_bundle_folder_clear(&folder);
    is_part(path, "two");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whole_or_not_there), TEST(test_not_without_being_asked),
        TEST(test_replaced),           TEST(test_nobody_elses),
        TEST(test_no_manifest),        TEST(test_changed_meanwhile),
        TEST(test_gone_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
