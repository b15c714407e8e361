/* SPDX-License-Identifier: ISC */
/* From roots to packages: the newest by its meta package, libraries and no others, and who is
 * missing, in one message. Names of two releases. */
#include "api/buf.h"
#include "resolve.h"
#include "scratch.h"

/* A distribution: names, sections, dependencies. */
struct world {
    const char *const (*rows)[3];
    size_t count;
    unsigned asked;
    struct img_packages all;
};

static void describe(const char *const row[3], struct img_packages *ret)
{
    struct img_package package;
    mir_auto_free char *text =
        mir_format("Package: %s\nVersion: 1\nArchitecture: amd64\nSection: %s\nDepends: %s\n",
                   row[0], row[1], row[2]);
    assert_int_equal(
        img_package_from_control((struct img_span){text, strlen(text)}, &package, NULL), 0);
    assert_int_equal(img_packages_add(ret, &package, NULL), 0);
}

static int show(void *ctx, const char *const *names, size_t count, struct img_packages *ret,
                struct mir_error *err)
{
    struct world *world = ctx;
    (void)err;
    world->asked++;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < world->count; j++)
            if (!strcmp(names[i], world->rows[j][0]))
                describe(world->rows[j], ret);
    return 0;
}

static const char *const bookworm[][3] = {
    {"linux-image-amd64", "kernel", "linux-image-6.1.0-57-amd64 (= 6.1)"},
    {"linux-image-6.1.0-57-amd64", "kernel", "kmod, linux-base"},
    {"linux-image-6.1.0-57-cloud-amd64", "kernel", "kmod"},
    {"linux-image-cloud-amd64", "kernel", "linux-image-6.1.0-57-cloud-amd64"},
    {"linux-base", "kernel", "libnot"},
    {"libnot", "libs", ""},
    {"xen-system-amd64", "kernel",
     "xen-hypervisor-4.17-amd64, xen-hypervisor-common, xen-utils-common, xen-utils-4.17"},
    {"xen-hypervisor-4.17-amd64", "kernel", ""},
    {"xen-hypervisor-common", "kernel", ""},
    {"xen-utils-common", "admin", "libnot"},
    {"xen-utils-4.17", "admin", "libc6 (>= 2.35), libone, python3:any, libnowhere"},
    {"libone", "libs", "libtwo, zlib1g"},
    {"libtwo", "contrib/libs", "libone, libc6"},
    {"zlib1g", "libs", "libc6"},
    {"libc6", "libs", ""},
    {"libseccomp2", "libs", "libc6"},
    {"python3", "python", "libnot"},
};

static const char *const trixie[][3] = {
    {"linux-image-amd64", "kernel", "linux-image-6.12.48+deb13-amd64"},
    {"linux-image-6.12.48+deb13-amd64", "kernel", ""},
    {"xen-system-amd64", "kernel", "xen-hypervisor-4.20-amd64, xen-utils-4.20"},
    {"xen-hypervisor-4.20-amd64", "kernel", ""},
    {"xen-utils-4.20", "admin", "libc6, libone1t64"},
    {"libone1t64", "libs", ""},
    {"libc6", "libs", ""},
};

#define WORLD(table)                                                                               \
    {                                                                                              \
        .rows = (table), .count = MIR_NELEMS(table)                                                \
    }

static void assert_names(struct world world, bool listed, enum mir_carrier carrier, bool tender,
                         const char *expected)
{
    mir_auto_packages struct img_packages found = {0};
    mir_auto_packages struct img_packages all = {0};
    mir_auto_buf struct mir_buf names;
    mir_buf_init(&names, 4096);
    for (size_t i = 0; listed && i < world.count; i++)
        describe(world.rows[i], &all);
    const struct img_catalogue catalogue = {show, &world, listed ? &all : NULL};
    assert_int_equal(img_resolve(&catalogue, carrier, tender, &found, NULL), 0);
    for (size_t i = 0; i < found.count; i++)
        mir_buf_addf(&names, "%s%s", i ? " " : "", found.list[i].name);
    assert_string_equal(mir_buf_text(&names), expected);
    assert_true(world.asked <= 6); /* a call of apt-cache each */
}

static void test_shapes(void **state)
{
    const struct world twelve = WORLD(bookworm), thirteen = WORLD(trixie);
    (void)state;
    assert_names(twelve, false, MIR_CARRIER_XEN, false,
                 "libc6 libone libtwo linux-image-6.1.0-57-amd64 xen-hypervisor-4.17-amd64 "
                 "xen-utils-4.17 zlib1g");
    assert_names(twelve, false, MIR_CARRIER_LINUX, false, "linux-image-6.1.0-57-cloud-amd64");
    assert_names(twelve, false, MIR_CARRIER_LINUX, true,
                 "libc6 libseccomp2 linux-image-6.1.0-57-cloud-amd64");
    assert_names(twelve, false, MIR_CARRIER_SHIM, false, "xen-utils-4.17");
    assert_names(thirteen, false, MIR_CARRIER_XEN, false,
                 "libc6 libone1t64 linux-image-6.12.48+deb13-amd64 xen-hypervisor-4.20-amd64 "
                 "xen-utils-4.20");
}

/* In a folder the meta packages need not be; the newest counts. */
static void test_folder(void **state)
{
    static const char *const folder[][3] = {
        {"linux-image-6.9.0-1-amd64", "kernel", ""},
        {"linux-image-6.10.0-1-amd64", "kernel", ""},
        {"linux-image-6.11.0-1-cloud-amd64", "kernel", ""},
        {"linux-image-6.11.0-1-rt-amd64", "kernel", ""},
        {"linux-image-6.11.0-1-amd64-dbg", "kernel", ""},
        {"xen-hypervisor-4.17-amd64", "kernel", ""},
        {"xen-utils-4.17", "admin", ""},
        {"xen-utils-common", "admin", ""},
    };
    const struct world world = WORLD(folder);
    (void)state;
    assert_names(world, true, MIR_CARRIER_XEN, false,
                 "linux-image-6.10.0-1-amd64 xen-hypervisor-4.17-amd64 xen-utils-4.17");
    assert_names(world, true, MIR_CARRIER_LINUX, false, "linux-image-6.11.0-1-cloud-amd64");
}

static void test_missing(void **state)
{
    static const char *const half[][3] = {
        {"linux-image-amd64", "kernel", "linux-image-6.1.0-57-amd64"},
        {"xen-system-amd64", "kernel", "xen-utils-4.17"},
        {"xen-utils-4.17", "admin", ""},
    };
    struct world world = WORLD(half);
    const struct img_catalogue catalogue = {show, &world, NULL};
    struct img_packages found = {0};
    struct mir_error err = {0};
    (void)state;
    assert_int_equal(img_resolve(&catalogue, MIR_CARRIER_XEN, false, &found, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    assert_non_null(strstr(err.text, " xen-hypervisor-[0-9]*-amd64"));
    assert_non_null(strstr(err.text, " linux-image-6.1.0-57-amd64"));
    assert_null(strstr(err.text, "xen-utils"));
    assert_true(*err.hint);
    assert_null(found.list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_missing),
    };
    return cmocka_run_group_tests_name("img_resolve", tests, NULL, NULL);
}
