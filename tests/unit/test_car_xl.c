/* SPDX-License-Identifier: ISC */
/* What is said to xl: the whole text, and quoting against a reader of its rules. What it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "xl.h"

static const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
static char text[CAR_XL_CONFIG_MAX];

static void the_whole(void **state)
{
    struct car_conf conf = {.kind = CAR_XEN_PV,
                            .memory_mib = 64,
                            .arguments = "a=\"b\" c='d' \\e",
                            .blocks = {"fat1.img", "xvda"},
                            .blocks_n = 2};
    size_t len = car_xl_config(&conf, mac, text, sizeof(text));

    (void)state;
    assert_string_equal(text, "name = \"guest\"\n"
                              "type = \"pv\"\n"
                              "kernel = \"/kernel\"\n"
                              "memory = 64\n"
                              "vcpus = 1\n"
                              "uuid = \"6d697261-6765-8000-8000-525400123456\"\n"
                              "cmdline = \"a=\\\"b\\\" c=\\'d\\' \\\\e\"\n"
                              "vif = ['mac=52:54:00:12:34:56,script=/etc/xen/vif']\n"
                              "disk = ['format=raw,vdev=xvdb,access=rw,backendtype=phy,"
                              "script=/etc/xen/block,target=fat1.img', "
                              "'format=raw,vdev=xvda,access=rw,backendtype=phy,"
                              "script=/etc/xen/block,target=xvda']\n"
                              "on_poweroff = \"destroy\"\n"
                              "on_reboot = \"destroy\"\n"
                              "on_crash = \"destroy\"\n"
                              "on_watchdog = \"destroy\"\n"
                              "on_soft_reset = \"destroy\"\n");
    assert_int_equal(len, strlen(text));
}

static void the_least(void **state)
{
    struct car_conf conf = {.kind = CAR_XEN_PVH, .memory_mib = 4096};

    (void)state;
    assert_true(car_xl_config(&conf, NULL, text, sizeof(text)) > 0);
    assert_non_null(strstr(text, "type = \"pvh\"\n"));
    assert_non_null(strstr(text, "memory = 4096\n"));
    assert_non_null(strstr(text, "uuid = \"6d697261-6765-8000-8000-000000000000\"\n"));
    assert_null(strstr(text, "vif"));
    assert_null(strstr(text, "disk"));
    assert_null(strstr(text, "cmdline"));
}

/* Reads a quoted text as libxlu_cfg does; its end, or NULL. */
static const char *unquote(const char *at, char *ret)
{
    if (*at++ != '"')
        return NULL;
    for (; *at != '"'; at++) {
        if (*at == '\0' || *at == '\n')
            return NULL;
        if (*at != '\\') {
            *ret++ = *at;
        } else if (*++at == 'x') {
            char digits[3] = {at[1], at[2], '\0'};

            *ret++ = (char)strtoul(digits, NULL, 16);
            at += 2;
        } else if (strchr("\\\"'", *at) != NULL) {
            *ret++ = *at;
        } else {
            return NULL;
        }
    }
    *ret = '\0';
    return at + 1;
}

static void every_byte_comes_back(void **state)
{
    struct car_conf conf = {.kind = CAR_XEN_PV, .memory_mib = 64};
    char back[CAR_ARGUMENTS_MAX + 1];
    const char *at;

    (void)state;
    for (int i = 1; i < 256; i++)
        conf.arguments[i - 1] = (char)i;
    assert_true(car_xl_config(&conf, mac, text, sizeof(text)) > 0);
    at = strstr(text, "cmdline = ");
    if (at != NULL)
        at = unquote(at + strlen("cmdline = "), back);
    if (at == NULL)
        fail_msg("no quoted arguments in %s", text);
    else
        assert_int_equal(*at, '\n');
    assert_string_equal(back, conf.arguments);
}

static void the_longest_fits_and_no_less_does(void **state)
{
    struct car_conf conf = {.kind = CAR_XEN_PVH, .memory_mib = 1048576, .blocks_n = CAR_BLOCKS_MAX};
    size_t len;

    (void)state;
    memset(conf.arguments, 0xff, CAR_ARGUMENTS_MAX);
    for (size_t i = 0; i < CAR_BLOCKS_MAX; i++)
        memset(conf.blocks[i], 'n', sizeof(conf.blocks[i]) - 1);
    len = car_xl_config(&conf, mac, text, sizeof(text));
    assert_true(len > 0);
    assert_int_equal(car_xl_config(&conf, mac, text, len + 1), len);
    for (size_t cap = 1; cap <= len; cap += 97)
        assert_int_equal(car_xl_config(&conf, mac, text, cap), 0);
    assert_int_equal(car_xl_config(&conf, mac, text, len), 0);
}

static void what_it_says(void **state)
{
    (void)state;
    assert_int_equal(car_xl_domain("Waiting for domain guest (domid 1) to die [pid 60]"), 1);
    assert_int_equal(car_xl_domain("Waiting for domain guest (domid 32751) to die [pid 60]"),
                     32751);
    assert_int_equal(car_xl_domain("Waiting for domain guest (domid 32752) to die [pid 60]"), -1);
    assert_int_equal(car_xl_domain("Waiting for domain guest (domid 0) to die"), -1);
    assert_int_equal(car_xl_domain("Waiting for domain guest (domid 1"), -1);
    assert_int_equal(car_xl_domain("Waiting for domain guest (domid x) to die"), -1);
    assert_int_equal(car_xl_domain("guest: Waiting for domain (domid 1)"), -1);
    assert_int_equal(car_xl_domain(""), -1);
    assert_int_equal(car_xl_reason("Domain 1 has shut down, reason code 0 0x0"), CAR_XL_POWEROFF);
    assert_int_equal(car_xl_reason("Domain 12 has shut down, reason code 3 0x3"), CAR_XL_CRASH);
    assert_int_equal(car_xl_reason("Domain 1 has shut down, reason code 5 0x5"), CAR_XL_SOFT_RESET);
    assert_int_equal(car_xl_reason("Domain 1 has shut down, reason code 6 0x6"),
                     CAR_XL_END_UNKNOWN);
    assert_int_equal(car_xl_reason("Domain 1 has shut down, reason code -1"), CAR_XL_END_UNKNOWN);
    assert_int_equal(car_xl_reason("Domain 1 has shut down, reason code "), CAR_XL_END_UNKNOWN);
    assert_int_equal(car_xl_reason("Domain 1 has been destroyed."), CAR_XL_END_UNKNOWN);
    assert_int_equal(car_xl_reason("x Domain 1 has shut down, reason code 0"), CAR_XL_END_UNKNOWN);
}

static void free_memory(void **state)
{
    static const char meminfo[] = "MemTotal:         148244 kB\nMemFree:   1023 kB\n"
                                  "MemAvailable:      54321 kB\nBuffers: 0 kB\nLast:  2048";

    (void)state;
    assert_int_equal(car_meminfo_mib(meminfo, sizeof(meminfo) - 1, "MemAvailable:"), 53);
    assert_int_equal(car_meminfo_mib(meminfo, sizeof(meminfo) - 1, "MemFree:"), 0);
    assert_int_equal(car_meminfo_mib(meminfo, sizeof(meminfo) - 1, "Last:"), 2);
    assert_int_equal(car_meminfo_mib(meminfo, sizeof(meminfo) - 1, "Mem:"), -1);
    assert_int_equal(car_meminfo_mib(meminfo, 20, "MemFree:"), -1);
    assert_int_equal(car_meminfo_mib("", 0, "MemFree:"), -1);
    assert_true(car_meminfo_mib("A: 99999999999999999999 kB", 26, "A:") > 0);
}

static void needed_memory(void **state)
{
    struct car_conf xen = {.kind = CAR_XEN_PV, .memory_mib = 64};
    struct car_conf solo5 = {.kind = CAR_SOLO5, .memory_mib = 64};

    (void)state;
    /* The guest's memory is Xen's; Solo5's is Linux' own. */
    assert_true(car_memory_needed_mib(&solo5) > 64);
    assert_true(car_memory_needed_mib(&xen) < 64);
    solo5.memory_mib = 1024 * 1024;
    assert_true(car_memory_needed_mib(&solo5) > 1024 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole),
        cmocka_unit_test(the_least),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(the_longest_fits_and_no_less_does),
        cmocka_unit_test(what_it_says),
        cmocka_unit_test(free_memory),
        cmocka_unit_test(needed_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
