/* SPDX-License-Identifier: ISC */
/* carrier.conf: each key, and each way to get it wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf.h"

#define LEAST "kind xen-pv\nmemory 64\nnet nat\n"

static struct car_conf conf;
static char why[CAR_WHY_MAX];

static int parse(const char *text)
{
    /* Behind the text stands what a read too far would trip over. */
    size_t len = strlen(text);
    char *exact = malloc(len > 0 ? len : 1);
    int result;

    assert_non_null(exact);
    memcpy(exact, text, len);
    result = car_conf_parse(exact, len, &conf, why);
    free(exact);
    return result;
}

static void the_least(void **state)
{
    (void)state;
    assert_int_equal(parse(LEAST), 0);
    assert_int_equal(conf.kind, CAR_XEN_PV);
    assert_int_equal(conf.memory_mib, 64);
    assert_int_equal(conf.net, CAR_NET_KIND_NAT);
    assert_string_equal(conf.device, "service");
    assert_string_equal(conf.arguments, "");
    assert_int_equal(conf.open_n, 0);
    assert_int_equal(conf.ttl_s, 0);
    assert_true(conf.deadline == 0);
    assert_false(conf.imds);
}

static void everything(void **state)
{
    (void)state;
    assert_int_equal(
        parse("token abc-DEF_1\nkind solo5\nname Caf\xc3\xa9 au lait\nmemory 1048576\nnet direct\n"
              "address 46.43.42.137\ndevice net0.a_b-c\nopen 80/tcp\nopen 53/udp\nimds yes\n"
              "deadline 253402300799\nttl 4294967295\n\narguments --a=\"b c\"  'd' \\ \xff\n"
              "block disk0\nblock ../b.img\nannounce http://10.0.0.1:80/v1/announce\n"
              "url http://example.org/?a=b#c\n"
              "answer 80 1800000000\n"
              "digest 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
        0);
    assert_int_equal(conf.kind, CAR_SOLO5);
    assert_int_equal(conf.net, CAR_NET_KIND_DIRECT);
    assert_string_equal(conf.name, "Caf\xc3\xa9 au lait");
    assert_int_equal(conf.memory_mib, 1048576);
    assert_int_equal(conf.address, 0x2e2b2a89);
    assert_string_equal(conf.device, "net0.a_b-c");
    assert_int_equal(conf.open_n, 2);
    assert_int_equal(conf.open[0].port, 80);
    assert_false(conf.open[0].udp);
    assert_int_equal(conf.open[1].port, 53);
    assert_true(conf.open[1].udp);
    assert_true(conf.imds);
    assert_true(conf.deadline == 253402300799);
    assert_true(conf.ttl_s == 4294967295U);
    assert_string_equal(conf.arguments, "--a=\"b c\"  'd' \\ \xff");
    assert_int_equal(conf.blocks_n, 2);
    assert_string_equal(conf.blocks[0], "disk0");
    assert_string_equal(conf.blocks[1], "../b.img");
    assert_int_equal(car_conf_unit(&conf, 1), 1);
    assert_string_equal(conf.announce, "http://10.0.0.1:80/v1/announce");
    assert_string_equal(conf.token, "abc-DEF_1");
    assert_string_equal(conf.url, "http://example.org/?a=b#c");
    assert_int_equal(strlen(conf.digest), 64);
    assert_int_equal(conf.answer, 80);
    assert_true(conf.answer_deadline == 1800000000);
}

static void zeros_and_empty_arguments(void **state)
{
    (void)state;
    assert_int_equal(parse(LEAST "deadline 0\nttl 0\narguments \nimds no\n"), 0);
    assert_int_equal(parse("kind xen-pvh\nmemory 64\nnet auto\n"), 0);
    assert_int_equal(conf.net, CAR_NET_KIND_AUTO);
    assert_int_equal(parse("kind xen-pvh\nmemory 64\nnet none\n"), 0);
    assert_int_equal(conf.net, CAR_NET_KIND_NONE);
    assert_int_equal(parse(LEAST "arguments\n"), 0);
    assert_string_equal(conf.arguments, "");
}

static void refused(void **state)
{
    static const struct {
        const char *text;
        const char *why; /* all of it */
    } cases[] = {
        {"", "kind is missing"},
        {"kind solo5\nnet nat\n", "memory is missing"},
        {"kind solo5\nmemory 1\n", "net is missing"},
        {"kind\n", "line 1: kind: not xen-pv, xen-pvh or solo5"},
        {"kind xen-pv \n", "line 1: kind: not xen-pv, xen-pvh or solo5"},
        {"kind xen-pv\r\n", "line 1: kind: not xen-pv, xen-pvh or solo5"},
        {LEAST "kind xen-pv\n", "line 4: kind: there twice"},
        {LEAST "ports 80\n", "line 4: this line: no such key"},
        {LEAST "Net nat\n", "line 4: this line: no such key"},
        {LEAST "\n\nopen 80\n", "line 6: open: not PORT/tcp or PORT/udp"},
        {LEAST " net nat\n", "line 4: this line: no such key"},
        {LEAST "# a word\n", "line 4: this line: no such key"},
        {"net bridge\n", "line 1: net: not auto, nat, direct or none"},
        {"memory 0\n", "line 1: memory: nothing at all"},
        {"memory 1048577\n", "line 1: memory: too large"},
        {"memory -1\n", "line 1: memory: not a number"},
        {"memory 0x40\n", "line 1: memory: not a number"},
        {"memory 64M\n", "line 1: memory: not a number"},
        {"memory 99999999999999999999999999\n", "line 1: memory: too large"},
        {"ttl 4294967296\n", "line 1: ttl: too large"},
        {"ttl\n", "line 1: ttl: not a number"},
        {"deadline 253402300800\n", "line 1: deadline: too large"},
        {"deadline 2030-01-01\n", "line 1: deadline: not a number"},
        {"address 1.2.3\n", "line 1: address: not an IPv4 address"},
        {"address 1.2.3.4.5\n", "line 1: address: not an IPv4 address of a machine"},
        {"address 1.2.3.256\n", "line 1: address: not an IPv4 address"},
        {"address 1.2.3.0004\n", "line 1: address: not an IPv4 address"},
        {"address 1..3.4\n", "line 1: address: not an IPv4 address"},
        {"address 127.0.0.1\n", "line 1: address: not an IPv4 address of a machine"},
        {"address 224.0.0.1\n", "line 1: address: not an IPv4 address of a machine"},
        {"address 0.0.0.0\n", "line 1: address: not an IPv4 address of a machine"},
        {"open 0/tcp\n", "line 1: open: not a port from 1 to 65535"},
        {"open 65536/tcp\n", "line 1: open: not a port from 1 to 65535"},
        {"open 80/sctp\n", "line 1: open: not PORT/tcp or PORT/udp"},
        {"open 80/tdp\n", "line 1: open: neither tcp nor udp"},
        {"open /tcp\n", "line 1: open: not PORT/tcp or PORT/udp"},
        {"device a b\n", "line 1: device: not a name of letters, digits, '.', '_' and '-'"},
        {"device \n", "line 1: device: not a name of letters, digits, '.', '_' and '-'"},
        {"name \n", "line 1: name: empty"},
        {"name a\tb\n", "line 1: name: control characters"},
        {"arguments a\x1b[31m\n", "line 1: arguments: control characters"},
        {"block \n", "line 1: block: not a name of letters, digits, '.', '_', '-' and '/'"},
        {"block a,b\n", "line 1: block: not a name of letters, digits, '.', '_', '-' and '/'"},
        {"block a /b\n", "line 1: block: not a name of letters, digits, '.', '_', '-' and '/'"},
        {"block a\nblock b\nblock a\n", "line 3: block: there twice"},
        {"block xvdb\nblock 51728\n", "line 2: block: there twice"},
        {"imds 1\n", "line 1: imds: neither yes nor no"},
        {"url http://a b\n", "line 1: url: not printable ASCII without spaces"},
        {"token \xc3\xa9\n", "line 1: token: not printable ASCII without spaces"},
        {"answer 80\n", "line 1: answer: not PORT EPOCH"},
        {"answer 0 0\n", "line 1: answer: not a port from 1 to 65535"},
        {"answer 80/tcp 0\n", "line 1: answer: not a port from 1 to 65535"},
        {"answer 80 soon\n", "line 1: answer: not a time in seconds"},
        {LEAST "open 80/tcp\nanswer 80 0\n", "answer: token is missing"},
        {LEAST "token t\nopen 80/udp\nopen 81/tcp\nanswer 80 0\n", "answer: its port is not open"},
        {"digest 00\n", "line 1: digest: not 64 digits"},
        {"digest 0123456789ABCDEF\n", "line 1: digest: not hexadecimal"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        why[0] = '\0';
        assert_int_equal(parse(cases[i].text), -1);
        assert_string_equal(why, cases[i].why);
    }
}

static void a_nul_is_no_end(void **state)
{
    static const char text[] = "kind xen-pv\nmemory 64\nnet nat\narguments a\0b\n";
    static const char digest[] = "digest 0\0";

    (void)state;
    assert_int_equal(car_conf_parse(text, sizeof(text) - 1, &conf, why), -1);
    assert_string_equal(why, "line 4: arguments: control characters");
    assert_int_equal(car_conf_parse(digest, sizeof(digest) - 1, &conf, why), -1);
    assert_string_equal(why, "line 1: digest: not hexadecimal");
}

static void limits(void **state)
{
    char text[CAR_ARGUMENTS_MAX + 200];
    size_t head = (size_t)snprintf(text, sizeof(text), LEAST "arguments ");

    (void)state;
    memset(text + head, 'a', CAR_ARGUMENTS_MAX);
    assert_int_equal(car_conf_parse(text, head + CAR_ARGUMENTS_MAX, &conf, why), 0);
    assert_int_equal(strlen(conf.arguments), CAR_ARGUMENTS_MAX);
    text[head + CAR_ARGUMENTS_MAX] = 'a';
    assert_int_equal(car_conf_parse(text, head + CAR_ARGUMENTS_MAX + 1, &conf, why), -1);
    assert_string_equal(why, "line 4: arguments: too long");
}

static void too_many(void **state)
{
    char text[2000] = LEAST;

    (void)state;
    for (int i = 0; i <= CAR_OPEN_MAX; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "open %d/tcp\n", i + 1);
    assert_int_equal(parse(text), -1);
    assert_string_equal(why, "line 36: open: too many of them");
    (void)snprintf(text, sizeof(text), LEAST);
    for (int i = 0; i <= CAR_BLOCKS_MAX; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "block b%d\n", i);
    assert_int_equal(parse(text), -1);
    assert_string_equal(why, "line 20: block: too many of them");
}

static void files(void **state)
{
    char path[] = "/tmp/car-conf-XXXXXX";
    int fd = mkstemp(path);
    char *large = calloc(1, CAR_CONF_BYTES_MAX + 1);

    (void)state;
    assert_true(fd >= 0);
    assert_non_null(large);
    assert_int_equal(write(fd, LEAST, strlen(LEAST)), (ssize_t)strlen(LEAST));
    assert_int_equal(car_conf_read(path, &conf, why), 0);
    assert_int_equal(conf.memory_mib, 64);
    memset(large, '\n', CAR_CONF_BYTES_MAX + 1);
    assert_int_equal(pwrite(fd, large, CAR_CONF_BYTES_MAX + 1, 0), CAR_CONF_BYTES_MAX + 1);
    assert_int_equal(car_conf_read(path, &conf, why), -1);
    assert_non_null(strstr(why, "more than 65536 bytes"));
    assert_int_equal(ftruncate(fd, CAR_CONF_BYTES_MAX), 0);
    assert_int_equal(car_conf_read(path, &conf, why), -1);
    assert_string_equal(why, "kind is missing");
    close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(car_conf_read(path, &conf, why), -1);
    assert_non_null(strstr(why, "No such file"));
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least),
        cmocka_unit_test(everything),
        cmocka_unit_test(zeros_and_empty_arguments),
        cmocka_unit_test(refused),
        cmocka_unit_test(a_nul_is_no_end),
        cmocka_unit_test(limits),
        cmocka_unit_test(too_many),
        cmocka_unit_test(files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
