/* SPDX-License-Identifier: ISC */
#include "http_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/buf.h"

struct outcome {
    int rc; /* of the last feed, or 2 when only the end of the connection completed it */
    struct cmd_http_parser parser;
    struct mir_buf body;
    struct mir_error err;
};

static int keep(void *ctx, const char *data, size_t len, struct mir_error *err)
{
    (void)err;
    mir_buf_add(ctx, data, len);
    return 0;
}

/* Feeds the text in pieces of `step` bytes. */
static void feed(struct outcome *o, const char *text, size_t step)
{
    memset(o, 0, sizeof *o);
    mir_buf_init(&o->body, 1 << 20);
    cmd_http_parser_init(&o->parser, keep, &o->body);
    size_t len = strlen(text);
    for (size_t i = 0; i < len && o->rc == 0; i += step)
        o->rc = cmd_http_feed(&o->parser, text + i, len - i < step ? len - i : step, &o->err);
    if (o->rc == 0)
        o->rc = cmd_http_finish(&o->parser, &o->err) ? -1 : 2;
}

static void good_answers(void **state)
{
    static const struct {
        const char *text, *body;
        int status, rc;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, 1},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200, 1},
        {"HTTP/1.1 204 No Content\r\n\r\n", "", 204, 1},
        {"HTTP/1.1 200\r\ncontent-length:3\r\n\r\nabc", "abc", 200, 1},
        {"HTTP/1.1 200 OK\nContent-Length: 1\n\nx", "x", 200, 1},
        {"HTTP/1.1 202 A\r\nTransfer-Encoding: "
         "chunked\r\n\r\n5\r\nhello\r\nA;ext=1\r\n0123456789\r\n"
         "0\r\n\r\n",
         "hello0123456789", 202, 1},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\nX: y\r\n\r\n", "", 200, 1},
        {"HTTP/1.0 200 OK\r\n\r\nuntil the end", "until the end", 200, 2},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", "ok",
         201, 1},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        for (size_t step = 1; step < 200; step += 13) {
            struct outcome o;
            feed(&o, rows[i].text, step);
            assert_int_equal(o.rc, rows[i].rc);
            assert_int_equal(o.parser.status, rows[i].status);
            assert_string_equal(mir_buf_text(&o.body), rows[i].body);
            mir_buf_clear(&o.body);
        }
}

static void bad_answers(void **state)
{
    static const char *const rows[] = {
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
        "HTTP/1.1 200 OK\r\n folded: line\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        for (size_t step = 1; step < 200; step += 50) {
            struct outcome o;
            feed(&o, rows[i], step);
            assert_int_equal(o.rc, -1);
            assert_int_equal(o.err.kind, MIR_CORRUPT);
            assert_true(*o.err.hint != '\0');
            mir_buf_clear(&o.body);
        }
}

static void broken_off(void **state)
{
    static const char *const rows[] = {
        "",
        "HTTP/1.1 200 OK\r\nConten",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct outcome o;
        feed(&o, rows[i], 7);
        assert_int_equal(o.rc, -1);
        assert_int_equal(o.err.kind, MIR_UNAVAILABLE);
        assert_int_equal(o.err.outcome, MIR_OUTCOME_UNKNOWN);
        mir_buf_clear(&o.body);
    }
}

static void header_fields(void **state)
{
    struct outcome o;
    (void)state;
    feed(&o,
         "HTTP/1.1 202 Accepted\r\nETag:   \"7\"  \r\nLOCATION: /v1/operations/1\r\n"
         "Content-Type: application/json\r\nX-Request-Id: r1\r\nContent-Length: 0\r\n\r\n",
         1000);
    assert_int_equal(o.rc, 1);
    assert_string_equal(o.parser.etag, "\"7\"");
    assert_string_equal(o.parser.location, "/v1/operations/1");
    assert_string_equal(o.parser.content_type, "application/json");
    assert_string_equal(o.parser.request_id, "r1");
    mir_buf_clear(&o.body);
}

static void head_without_end(void **state)
{
    struct cmd_http_parser parser;
    struct mir_error err = {0};
    int rc = 0;
    (void)state;
    cmd_http_parser_init(&parser, NULL, NULL);
    rc = cmd_http_feed(&parser, "HTTP/1.1 200 OK\r\n", 17, &err);
    for (int i = 0; i < 2000 && rc == 0; i++)
        rc = cmd_http_feed(&parser, "A: 0123456789\r\n", 15, &err);
    assert_int_equal(rc, -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
}

static int enough(void *ctx, const char *data, size_t len, struct mir_error *err)
{
    (void)data;
    (void)err;
    *(size_t *)ctx += len;
    return 1;
}

static void callback_ends_it(void **state)
{
    struct cmd_http_parser parser;
    size_t seen = 0;
    const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc";
    (void)state;
    cmd_http_parser_init(&parser, enough, &seen);
    assert_int_equal(cmd_http_feed(&parser, text, sizeof text - 1, NULL), 1);
    assert_int_equal(seen, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_answers),     cmocka_unit_test(bad_answers),
        cmocka_unit_test(broken_off),       cmocka_unit_test(header_fields),
        cmocka_unit_test(head_without_end), cmocka_unit_test(callback_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
