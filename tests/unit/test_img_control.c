/* SPDX-License-Identifier: ISC */
/* Records of packages: fields, dependencies, what becomes a package and what is refused. */
#include "package.h"
#include "scratch.h"

static struct img_span span_of(const char *text)
{
    return (struct img_span){text, strlen(text)};
}

static void assert_span(struct img_span span, const char *expected)
{
    if (!span.at || span.len != strlen(expected) || memcmp(span.at, expected, span.len) != 0)
        fail_msg("\"%.*s\" is not \"%s\"", (int)span.len, span.at ? span.at : "", expected);
}

static void test_records(void **state)
{
    struct img_span text = span_of("\n\nPackage: a\nDepends: b,\n c\nDescription: x\n .\n y\n\n \n"
                                   "package:b\r\nVersion:  1 \n");
    struct img_span record;
    (void)state;
    assert_true(img_control_next(&text, &record));
    assert_span(img_control_get(record, "Package"), "a");
    assert_span(img_control_get(record, "depends"), "b,");
    assert_null(img_control_get(record, "Version").at);
    assert_null(img_control_get(record, "Pack").at);
    assert_true(img_control_next(&text, &record));
    assert_span(img_control_get(record, "Package"), "b");
    assert_span(img_control_get(record, "VERSION"), "1");
    assert_false(img_control_next(&text, &record));
}

static void test_depends(void **state)
{
    static const char *const names[] = {"libc6", "python3", "a", "b", "c+1.0"};
    struct img_span list =
        span_of("libc6 (>= 2.35), python3:any,, a | z, b(= 1), , c+1.0 [amd64], <x>");
    struct img_span name;
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(names); i++) {
        assert_true(img_control_depends(&list, &name));
        assert_span(name, names[i]);
    }
    assert_false(img_control_depends(&list, &name));
}

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_package(void **state)
{
    struct img_package package;
    (void)state;
    assert_int_equal(img_package_from_control(
                         span_of("Package: linux-image-6\nVersion: 1:6.1~2-3+b1\n"
                                 "Architecture: amd64\nSource: linux-signed (6.1+2)\n"
                                 "Pre-Depends: p\nDepends: d\nSection: contrib/libs\nSHA256: " SUM),
                         &package, NULL),
                     0);
    mir_auto_free char *file = img_package_file_name(&package);
    assert_string_equal(file, "linux-image-6_1%3a6.1~2-3+b1_amd64.deb");
    assert_string_equal(package.source, "linux-signed");
    assert_string_equal(package.source_version, "6.1+2");
    assert_string_equal(package.depends, "p,d");
    assert_string_equal(package.sha256, SUM);
    json_t *json = img_package_to_json(&package);
    struct img_package again;
    assert_int_equal(img_package_from_json(json, &again, NULL), 0);
    assert_string_equal(again.version, package.version);
    assert_string_equal(again.source_version, package.source_version);
    assert_string_equal(again.sha256, package.sha256);
    json_decref(json);
    img_package_clear(&again);
    img_package_clear(&package);
}

/* A package without another source is its own. */
static void test_own_source(void **state)
{
    struct img_package package;
    (void)state;
    assert_int_equal(img_package_from_control(
                         span_of("Package: a\nVersion: 1\nArchitecture: all\n"), &package, NULL),
                     0);
    assert_string_equal(package.source, "a");
    assert_string_equal(package.source_version, "1");
    assert_string_equal(package.sha256, "");
    img_package_clear(&package);
}

/* Names become names of files and words of a command line. */
static void test_refused(void **state)
{
    static const char *const records[] = {
        "Version: 1\nArchitecture: all\n",
        "Package: a\nArchitecture: all\n",
        "Package: a\nVersion: 1\n",
        "Package: ../a\nVersion: 1\nArchitecture: all\n",
        "Package: a/b\nVersion: 1\nArchitecture: all\n",
        "Package: -o\nVersion: 1\nArchitecture: all\n",
        "Package: A\nVersion: 1\nArchitecture: all\n",
        "Package: a\nVersion: 1/2\nArchitecture: all\n",
        "Package: a\nVersion: 1 2\nArchitecture: all\n",
        "Package: a\nVersion: 1\nArchitecture: all;x\n",
        "Package: a\nVersion: 1\nArchitecture: all\nSource: a_b\n",
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(records); i++) {
        struct img_package package;
        struct mir_error err = {0};
        if (!img_package_from_control(span_of(records[i]), &package, &err))
            fail_msg("taken: %s", records[i]);
        assert_int_equal(err.kind, MIR_CORRUPT);
    }
}

static void test_list(void **state)
{
    mir_auto_packages struct img_packages packages = {0};
    struct mir_error err = {0};
    (void)state;
    for (int i = IMG_PACKAGES_MAX; i >= 0; i--) {
        struct img_package package;
        mir_auto_free char *text =
            mir_format("Package: p%d\nVersion: 1\nArchitecture: all\n", i % IMG_PACKAGES_MAX);
        assert_int_equal(img_package_from_control(span_of(text), &package, NULL), 0);
        assert_int_equal(img_packages_add(&packages, &package, NULL), 0);
    }
    assert_int_equal(packages.count, IMG_PACKAGES_MAX); /* one of them replaced another */
    for (size_t i = 1; i < packages.count; i++)
        assert_true(strcmp(packages.list[i - 1].name, packages.list[i].name) < 0);
    assert_non_null(img_packages_find(&packages, "p0"));
    assert_null(img_packages_find(&packages, "p"));
    struct img_package more;
    assert_int_equal(img_package_from_control(
                         span_of("Package: q\nVersion: 1\nArchitecture: all\n"), &more, NULL),
                     0);
    assert_int_equal(img_packages_add(&packages, &more, &err), -1);
    assert_int_equal(err.kind, MIR_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records), cmocka_unit_test(test_depends),
        cmocka_unit_test(test_package), cmocka_unit_test(test_own_source),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_list),
    };
    return cmocka_run_group_tests_name("img_control", tests, NULL, NULL);
}
