/* SPDX-License-Identifier: ISC */
/* Which request the carrier answers for its guest, however its bytes come, and what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answer_text.h"

#define PATH "/.well-known/unikernel"

/* In a block of exactly that length: a read too far is a fault. */
static enum car_ask ask(const char *bytes, size_t len)
{
    char *exact = malloc(len > 0 ? len : 1);
    enum car_ask is;

    assert_non_null(exact);
    memcpy(exact, bytes, len);
    is = car_ask_read(exact, len);
    free(exact);
    return is;
}

/* However it is split: MORE until somebody can tell, and from then on the same. Returns how many
 * bytes that took; 0: it never comes about. */
static size_t decided(const char *bytes, size_t len, enum car_ask *ret)
{
    size_t at = 0;

    *ret = CAR_ASK_MORE;
    for (size_t n = 0; n <= len; n++) {
        enum car_ask is = ask(bytes, n);

        if (*ret == CAR_ASK_MORE && is != CAR_ASK_MORE) {
            *ret = is;
            at = n;
        } else if (is != *ret) {
            fail_msg("'%.*s': %d, and then %d", (int)n, bytes, *ret, is);
        }
    }
    return at;
}

static void ours(void **state)
{
    static const struct {
        const char *text;
        enum car_ask is;
    } rows[] = {
        {"GET " PATH " HTTP/1.1\r\nHost: h\r\n\r\n", CAR_ASK_GET},
        {"HEAD " PATH " HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n", CAR_ASK_HEAD},
        {"GET " PATH " HTTP/1.0\r\n\r\n", CAR_ASK_GET},
        {"GET " PATH " HTTP/1.1\nHost: h\n\n", CAR_ASK_GET},
        {"GET " PATH " HTTP/1.1\r\nA: \r b\r\n\r\n", CAR_ASK_GET},
        {"\r\nGET " PATH " HTTP/1.1\r\n\r\n", CAR_ASK_GET},
        {"\r\n\r\nHEAD " PATH " HTTP/1.1\r\n\r\n", CAR_ASK_HEAD},
        {"GET http://h.example:80" PATH " HTTP/1.1\r\n\r\n", CAR_ASK_GET},
        {"HEAD HTTP://[::1]" PATH " HTTP/1.1\r\n\r\n", CAR_ASK_HEAD},
    };
    enum car_ask is;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].text);

        assert_int_equal(decided(rows[i].text, len, &is), len);
        assert_int_equal(is, rows[i].is);
    }
}

/* Each with the byte at which it shows. */
static void the_guests(void **state)
{
    static const struct {
        const char *text;
        size_t at;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", 6},
        {"GET /.well-known/unikernel2 HTTP/1.1\r\n\r\n", 27},
        {"GET /.well-known/unikernel?a HTTP/1.1\r\n\r\n", 27},
        {"GET /.Well-known/unikernel HTTP/1.1\r\n\r\n", 7},
        {"GET /%2ewell-known/unikernel HTTP/1.1\r\n\r\n", 6},
        {"GET //.well-known/unikernel HTTP/1.1\r\n\r\n", 6},
        {"GET  " PATH " HTTP/1.1\r\n\r\n", 5},
        {"GET " PATH "\r\n", 27},
        {"GET " PATH " HTTP/2.0\r\n\r\n", 33},
        {"GET " PATH " HTTP/1.x\r\n\r\n", 35},
        {"GET " PATH " HTTP/1.10\r\n\r\n", 36},
        {"GET " PATH " HTTP/1.1 \r\n\r\n", 36},
        {"GET " PATH " http/1.1\r\n\r\n", 28},
        {"GET " PATH " HTTP/1.1\r\r\n\r\n", 37},
        {"get " PATH " HTTP/1.1\r\n\r\n", 1},
        {"POST " PATH " HTTP/1.1\r\n\r\n", 1},
        {"HEAT " PATH " HTTP/1.1\r\n\r\n", 4},
        {"\r\n\r\n\r\nGET " PATH " HTTP/1.1\r\n\r\n", 5},
        {"GET https://h" PATH " HTTP/1.1\r\n\r\n", 9},
        {"GET http://h?" PATH " HTTP/1.1\r\n\r\n", 13},
        {"GET http://h h" PATH " HTTP/1.1\r\n\r\n", 13},
        {"GET http://h/x" PATH " HTTP/1.1\r\n\r\n", 14},
        {"SSH-2.0-OpenSSH_9.2\r\n", 1},
        {"\x16\x03\x01\x02", 1},
    };
    enum car_ask is;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t at = decided(rows[i].text, strlen(rows[i].text), &is);

        if (is != CAR_ASK_GUEST || at != rows[i].at)
            fail_msg("'%s': %d after %zu bytes", rows[i].text, is, at);
    }
    assert_int_equal(ask("\0GET " PATH " HTTP/1.1\r\n\r\n", 40), CAR_ASK_GUEST);
}

static void too_long(void **state)
{
    char text[CAR_ASK_BYTES + 64];
    int len = snprintf(text, sizeof text, "GET " PATH " HTTP/1.1\r\nA: ");
    enum car_ask is;

    memset(text + len, 'a', sizeof text - (size_t)len);
    assert_int_equal(ask(text, CAR_ASK_BYTES - 1), CAR_ASK_MORE);
    assert_int_equal(ask(text, CAR_ASK_BYTES), CAR_ASK_GUEST);
    assert_int_equal(ask(text, sizeof text), CAR_ASK_GUEST);
    memcpy(text + CAR_ASK_BYTES - 4, "\r\n\r\n", 4);
    assert_int_equal(ask(text, CAR_ASK_BYTES), CAR_ASK_GET);
    assert_int_equal(ask(text, sizeof text), CAR_ASK_GET);
    len = snprintf(text, sizeof text, "GET http://");
    memset(text + len, 'h', 300);
    assert_int_equal(ask(text, (size_t)len + 255), CAR_ASK_MORE);
    assert_int_equal(decided(text, (size_t)len + 300, &is), len + 256);
    assert_int_equal(is, CAR_ASK_GUEST);
}

static void said(void **state)
{
    char answer[CAR_ANSWER_BYTES], token[CAR_ANSWER_BYTES];
    size_t len = car_answer_write("0123abcd", 1800000000, CAR_ASK_GET, answer);

    assert_int_equal(len, strlen(answer));
    assert_string_equal(answer,
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 67"
                        "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
                        "{\"token\":\"0123abcd\",\"deadline\":1800000000,"
                        "\"answered_by\":\"carrier\"}\n");
    assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4), 67);
    assert_true(car_answer_write("a\"\\", 0, CAR_ASK_GET, answer) > 0);
    assert_non_null(strstr(answer, "\r\n\r\n{\"token\":\"a\\\"\\\\\",\"deadline\":null,"));
    len = car_answer_write("0123abcd", 1800000000, CAR_ASK_HEAD, answer);
    assert_string_equal(answer + len - 4, "\r\n\r\n");
    assert_non_null(strstr(answer, "Content-Length: 67\r\n"));
    memset(token, 'a', sizeof token - 1);
    token[sizeof token - 1] = '\0';
    assert_int_equal(car_answer_write(token, 0, CAR_ASK_GET, answer), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ours), cmocka_unit_test(the_guests),
                                       cmocka_unit_test(too_long), cmocka_unit_test(said)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
