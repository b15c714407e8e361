/* SPDX-License-Identifier: ISC */
/* The web server: parsing whole and in pieces, the three pages, and everything it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

#define H "Host: h\r\n"

static char text[16384];

static int setup(void **state)
{
    *state = wire_new(WIRE_STATIC " name=web%221 token=t%3Cok deadline=1800003661");
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void parsing(void **state)
{
    static const struct {
        const char *text;
        enum http_parsed result;
        bool keep_alive;
        const char *path;
    } cases[] = {
        {"", HTTP_INCOMPLETE, false, NULL},
        {"GET / HTTP/1.1\r\n" H, HTTP_INCOMPLETE, false, NULL},
        {"GET / HTTP/1.1\r\n" H "\r\n", HTTP_OK, true, "/"},
        {"GET / HTTP/1.1\n" H "\n", HTTP_OK, true, "/"},
        {"\r\n\r\nGET /a?b=c HTTP/1.1\r\n" H "\r\n", HTTP_OK, true, "/a"},
        {"GET http://x.y:1/p?q HTTP/1.1\r\n" H "\r\n", HTTP_OK, true, "/p"},
        {"GET HTTP://x HTTP/1.1\r\n" H "\r\n", HTTP_OK, true, "/"},
        {"OPTIONS * HTTP/1.1\r\n" H "\r\n", HTTP_OK, true, "*"},
        {"GET / HTTP/1.0\r\n\r\n", HTTP_OK, false, "/"},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", HTTP_OK, true, "/"},
        {"GET / HTTP/1.1\r\n" H "CONNECTION:foo , close\r\n\r\n", HTTP_OK, false, "/"},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", HTTP_OK, true, "/"},
        {"GET / HTTP/1.1\r\n\r\n", HTTP_BAD, false, NULL},
        {"GET / HTTP/1.1\r\n" H H "\r\n", HTTP_BAD, false, NULL},
        {"GET / HTTP/2.0\r\n" H "\r\n", HTTP_BAD, false, NULL},
        {"GET / HTTP/1.1 \r\n" H "\r\n", HTTP_BAD, false, NULL},
        {"GET  / HTTP/1.1\r\n" H "\r\n", HTTP_BAD, false, NULL},
        {"GET /\r\n\r\n", HTTP_BAD, false, NULL},
        {"GET x HTTP/1.1\r\n" H "\r\n", HTTP_BAD, false, NULL},
        {"G@T / HTTP/1.1\r\n" H "\r\n", HTTP_BAD, false, NULL},
        {"GET /\x01 HTTP/1.1\r\n" H "\r\n", HTTP_BAD, false, NULL},
        {"GET / HTTP/1.1\r\n" H "no colon\r\n\r\n", HTTP_BAD, false, NULL},
        {"GET / HTTP/1.1\r\n" H "nocolon\r\n\r\n", HTTP_BAD, false, NULL},
        {"GET / HTTP/1.1\r\n" H " folded: x\r\n\r\n", HTTP_BAD, false, NULL},
        {"GET / HTTP/1.1\r\n" H "a : x\r\n\r\n", HTTP_BAD, false, NULL},
        {"GET / HTTP/1.1\r\n" H "a: \x02\r\n\r\n", HTTP_BAD, false, NULL},
    };
    struct http_request r;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum http_parsed got = http_parse(cases[i].text, strlen(cases[i].text), &r, &len);

        if (got != cases[i].result)
            fail_msg("case %zu: %s", i, cases[i].text);
        if (got == HTTP_OK) {
            assert_int_equal(len, strlen(cases[i].text));
            assert_int_equal(r.keep_alive, cases[i].keep_alive);
            assert_int_equal(r.path_len, strlen(cases[i].path));
            assert_memory_equal(r.path, cases[i].path, r.path_len);
        }
    }
}

/* Asks on a connection of its own, in pieces of the given size. True when it was closed after. */
static bool ask(struct wire *w, const char *request, size_t piece)
{
    static uint16_t port = 2000;
    struct wire_peer p;
    size_t len = strlen(request);

    assert_true(wire_connect(w, &p, port++));
    wire_forget(w);
    for (size_t at = 0; at < len; at += piece)
        wire_tcp(w, &p, 0x18, request + at, len - at < piece ? len - at : piece);
    return wire_hear(w, &p, text, sizeof(text));
}

static const char *body(void)
{
    const char *end = strstr(text, "\r\n\r\n");

    assert_non_null(end);
    return end + 4;
}

static void split_requests(void **state)
{
    static const char request[] = "GET /health HTTP/1.1\r\n" H "X: y\r\n\r\n";

    for (size_t piece = 1; piece < sizeof(request); piece++) {
        assert_false(ask(*state, request, piece));
        assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
    }
}

static void pipelined(void **state)
{
    assert_true(ask(*state,
                    "GET /health HTTP/1.1\r\n" H "\r\nHEAD / HTTP/1.1\r\n" H "\r\n"
                    "GET /health HTTP/1.1\r\n" H "Connection: close\r\n\r\n",
                    1000));
    assert_non_null(strstr(text, "\"requests\":1,"));
    assert_null(strstr(text, "\"requests\":2,"));
    assert_non_null(strstr(text, "\"requests\":3,"));
}

static void health(void **state)
{
    assert_false(ask(*state, "GET /health HTTP/1.1\r\n" H "\r\n", 1000));
    assert_non_null(strstr(text, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(text, "\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\n"));
    assert_string_equal(body(), "{\"status\":\"ok\",\"name\":\"web\\\"1\",\"uptime_ms\":5,"
                                "\"requests\":1,\"now\":1800000000,\"deadline\":1800003661}\n");
}

static void no_deadline(void **state)
{
    struct wire *w = *state;

    wire_restart(w, WIRE_STATIC);
    assert_false(ask(w, "GET /health HTTP/1.1\r\n" H "\r\n", 1000));
    assert_non_null(strstr(body(), "\"deadline\":null}"));
    assert_false(ask(w, "GET / HTTP/1.1\r\n" H "\r\n", 1000));
    assert_non_null(strstr(body(), "no deadline"));
}

static void well_known(void **state)
{
    assert_false(ask(*state, "GET /.well-known/unikernel HTTP/1.1\r\n" H "\r\n", 1000));
    assert_string_equal(body(), "{\"unikernel\":\"hello\",\"version\":\"" HELLO_VERSION
                                "\",\"name\":\"web\\\"1\",\"token\":\"t<ok\","
                                "\"deadline\":1800003661,\"grace\":30}\n");
}

static void page(void **state)
{
    char length[40];

    assert_false(ask(*state, "GET /?x HTTP/1.1\r\n" H "\r\n", 1000));
    snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", strlen(body()));
    assert_non_null(strstr(text, length));
    assert_non_null(strstr(body(), "<title>web&quot;1</title>"));
    assert_non_null(strstr(body(), ">01:01:01</dd>"));
    assert_non_null(strstr(body(), "Fri, 15 Jan 2027 09:01:01 GMT"));
    assert_non_null(strstr(body(), "prefers-color-scheme:dark"));
    assert_null(strstr(body(), "://")); /* self-contained */
    assert_non_null(strstr(body(), "</html>\n"));
}

/* The longest page there can be still fits. */
static void longest_page(void **state)
{
    struct wire *w = *state;
    char args[512] = WIRE_STATIC " deadline=4294967295 name=";

    for (int i = 0; i < 63; i++)
        strncat(args, "%22", sizeof(args) - strlen(args) - 1);
    wire_restart(w, args);
    w->unix_s = 0;
    w->now_ms = 4000000000U * 1000ULL;
    assert_false(ask(w, "GET / HTTP/1.1\r\n" H "\r\n", 1000));
    assert_non_null(strstr(body(), "</html>\n"));
}

static void head(void **state)
{
    assert_false(ask(*state, "HEAD /health HTTP/1.1\r\n" H "\r\n", 1000));
    assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
    assert_null(strstr(text, "Content-Length: 0"));
    assert_string_equal(body(), "");
}

static void refusals(void **state)
{
    assert_false(ask(*state, "GET /nothing HTTP/1.1\r\n" H "\r\n", 1000));
    assert_memory_equal(text, "HTTP/1.1 404 Not Found\r\n", 24);
    assert_false(ask(*state, "DELETE / HTTP/1.1\r\n" H "\r\n", 1000));
    assert_memory_equal(text, "HTTP/1.1 405 Method Not Allowed\r\n", 33);
    assert_non_null(strstr(text, "\r\nAllow: GET, HEAD\r\n"));
    assert_true(ask(*state, "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", 1000));
    assert_memory_equal(text, "HTTP/1.1 405 Method Not Allowed\r\n", 33);
    assert_true(ask(*state, "nonsense\r\n\r\n", 1000));
    assert_memory_equal(text, "HTTP/1.1 400 Bad Request\r\n", 26);
    assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
}

static void oversized(void **state)
{
    static char request[6000];

    memset(request, 'a', sizeof(request) - 1);
    memcpy(request, "GET / HTTP/1.1\r\nX: ", 19);
    assert_true(ask(*state, request, 1000));
    assert_memory_equal(text, "HTTP/1.1 431 Request Header Fields Too Large\r\n", 46);
}

static void old_http(void **state)
{
    assert_true(ask(*state, "GET /health HTTP/1.0\r\n\r\n", 1000));
    assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(parsing),    T(split_requests), T(pipelined), T(health),   T(page),      T(no_deadline),
        T(well_known), T(longest_page),   T(head),      T(refusals), T(oversized), T(old_http),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
