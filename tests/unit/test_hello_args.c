/* SPDX-License-Identifier: ISC */
/* Kernel arguments: what is taken, what is reported, what stays at its default. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "args.h"

static char said[8192];

static void keep(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    if (strlen(said) + len < sizeof(said))
        strncat(said, text, len);
}

static const struct platform plat = {.print = keep};

static struct args parse(const char *line)
{
    struct args args;

    said[0] = '\0';
    args_parse(&args, line, &plat);
    return args;
}

static void defaults(void **state)
{
    struct args a = parse("");

    (void)state;
    assert_string_equal(a.name, "hello");
    assert_string_equal(a.token, "");
    assert_int_equal(a.ip, 0);
    assert_int_equal(a.deadline, 0);
    assert_int_equal(a.grace, 30);
    assert_int_equal(a.port, 80);
    assert_int_equal(a.announce_ip, 0);
    assert_string_equal(said, "");
}

static void all_of_them(void **state)
{
    struct args a = parse("build/hello.elf  name=web%201 ip=10.0.2.15/24 gw=10.0.2.2 token=t%3D%25 "
                          "deadline=1800000000 grace=5 announce=http://10.0.2.2:8080/up/here "
                          "url=http://example.org/ port=8000 ");

    (void)state;
    assert_string_equal(said, "");
    assert_string_equal(a.name, "web 1");
    assert_string_equal(a.token, "t=%");
    assert_int_equal(a.ip, 0x0a00020f);
    assert_int_equal(a.mask, 0xffffff00);
    assert_int_equal(a.gw, 0x0a000202);
    assert_int_equal(a.deadline, 1800000000);
    assert_int_equal(a.grace, 5);
    assert_int_equal(a.announce_ip, 0x0a000202);
    assert_int_equal(a.announce_port, 8080);
    assert_string_equal(a.announce_path, "/up/here");
    assert_string_equal(a.url, "http://example.org/");
    assert_int_equal(a.port, 8000);
}

/* QEMU's multiboot loader puts the file name first, its PVH loader does not. */
static void kernel_name(void **state)
{
    (void)state;
    assert_string_equal(parse("/some/where/hello.elf name=a").name, "a");
    assert_string_equal(said, "");
    assert_string_equal(parse("name=a name=b").name, "b");
    assert_string_equal(said, "");
    assert_string_equal(parse("/dir=x/hello.elf name=a").name, "a");
    assert_non_null(strstr(said, "unknown; ignored"));
}

static void announce_forms(void **state)
{
    struct args a = parse("announce=http://192.0.2.1");

    (void)state;
    assert_int_equal(a.announce_port, 80);
    assert_string_equal(a.announce_path, "/");
    a = parse("announce=http://192.0.2.1/x?y=z");
    assert_string_equal(a.announce_path, "/x?y=z");
}

static void malformed(void **state)
{
    static const struct {
        const char *line;
        const char *report;
    } cases[] = {
        {"k what", "hello: argument what: unknown; ignored\n"},
        {"colour=red", "hello: argument colour=red: unknown; ignored\n"},
        {"=x", "hello: argument =x: unknown; ignored\n"},
        {"name=", "hello: argument name=: empty; using \"hello\"\n"},
        {"name=%0a", "hello: argument name=%0a: not clean UTF-8 text; using \"hello\"\n"},
        {"name=%ff", "hello: argument name=%ff: not clean UTF-8 text; using \"hello\"\n"},
        {"token=%", "hello: argument token=%: bad percent-encoding; using none\n"},
        {"token=%4", "hello: argument token=%4: bad percent-encoding; using none\n"},
        {"token=%g0", "hello: argument token=%g0: bad percent-encoding; using none\n"},
        {"ip=10.0.2.15",
         "hello: argument ip=10.0.2.15: no prefix length (A.B.C.D/N); using DHCP\n"},
        {"ip=10.0.2/24", "hello: argument ip=10.0.2/24: not an IPv4 address; using DHCP\n"},
        {"ip=10.0.2.256/24", "hello: argument ip=10.0.2.256/24: not an IPv4 address; using DHCP\n"},
        {"ip=224.0.0.1/24", "hello: argument ip=224.0.0.1/24: not an IPv4 address; using DHCP\n"},
        {"ip=10.0.2.1/33",
         "hello: argument ip=10.0.2.1/33: prefix length not in 1 to 32; using DHCP\n"},
        {"ip=10.0.2.1/",
         "hello: argument ip=10.0.2.1/: prefix length not in 1 to 32; using DHCP\n"},
        {"gw=host", "hello: argument gw=host: not an IPv4 address; using none\n"},
        {"deadline=-1", "hello: argument deadline=-1: not a number of seconds; using none\n"},
        {"deadline=4294967296",
         "hello: argument deadline=4294967296: not a number of seconds; using none\n"},
        {"grace=1s", "hello: argument grace=1s: not a number of seconds; using 30\n"},
        {"port=0", "hello: argument port=0: not a port number; using 80\n"},
        {"port=65536", "hello: argument port=65536: not a port number; using 80\n"},
        {"announce=https://192.0.2.1/", "hello: argument announce=https://192.0.2.1/: does not "
                                        "start with http://; not announcing\n"},
        {"announce=http://host/",
         "hello: argument announce=http://host/: host is not an IPv4 address; not announcing\n"},
        {"announce=http://192.0.2.1:x/",
         "hello: argument announce=http://192.0.2.1:x/: not a port number; not announcing\n"},
        {"announce=http://192.0.2.1/%0d%0aX:",
         "hello: argument announce=http://192.0.2.1/%0d%0aX:: not a URL; not announcing\n"},
        {"url=a%20b", "hello: argument url=a%20b: not a URL; using the address\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct args good = parse("");
        struct args a = parse(cases[i].line);

        assert_string_equal(said, cases[i].report);
        assert_memory_equal(&a, &good, sizeof(a));
    }
}

static void long_values(void **state)
{
    char line[600];
    struct args a;

    (void)state;
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    memcpy(line, "name=", 5);
    a = parse(line);
    assert_string_equal(a.name, "hello");
    assert_non_null(strstr(said, "too long"));
    line[5 + 63] = '\0';
    a = parse(line);
    assert_int_equal(strlen(a.name), 63);
    /* Control characters in a report would be the caller's hand on the console. */
    parse("x=\033[2J");
    assert_null(strchr(said, '\033'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),    cmocka_unit_test(all_of_them),
        cmocka_unit_test(kernel_name), cmocka_unit_test(announce_forms),
        cmocka_unit_test(malformed),   cmocka_unit_test(long_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
