/* SPDX-License-Identifier: ISC */
#include "sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int note(void *ctx, const struct cmd_event *event, struct mir_error *err)
{
    (void)err;
    mir_buf_addf(ctx, "[%s|%s|%s]", event->type, event->id, event->data);
    return !strcmp(event->type, "stop");
}

static int feed(const char *text, size_t step, struct mir_buf *out)
{
    struct cmd_sse sse;
    int rc = 0;
    size_t len = strlen(text);
    cmd_sse_init(&sse, note, out);
    for (size_t i = 0; i < len && rc == 0; i += step)
        rc = cmd_sse_feed(&sse, text + i, len - i < step ? len - i : step, NULL);
    cmd_sse_clear(&sse);
    return rc;
}

static void streams(void **state)
{
    static const struct {
        const char *text, *events;
        int rc;
    } rows[] = {
        {"data: a\n\n", "[message||a]", 0},
        {"data:a\r\n\r\ndata:  b\r\n\r\n", "[message||a][message|| b]", 0},
        {"id: 7\nevent: state\ndata: x\ndata: y\n\n", "[state|7|x\ny]", 0},
        {"id: 7\ndata: x\n\ndata: y\n\n", "[message|7|x][message|7|y]", 0},
        {": comment\n\nevent: end\n\ndata\n\n", "[message||]", 0},
        {"data: never ended", "", 0},
        {"data: a\rdata: b\r\r", "[message||a\nb]", 0},
        {"unknown: 1\nretry: 5\ndata: a\n\n", "[message||a]", 0},
        {"event: stop\ndata: a\n\ndata: b\n\n", "[stop||a]", 1},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        for (size_t step = 1; step < 40; step += 3) {
            struct mir_buf out;
            mir_buf_init(&out, 4096);
            assert_int_equal(feed(rows[i].text, step, &out), rows[i].rc);
            assert_string_equal(mir_buf_text(&out), rows[i].events);
            mir_buf_clear(&out);
        }
}

static void too_long(void **state)
{
    struct cmd_sse sse;
    struct mir_error err = {0};
    char piece[1024];
    int rc = 0;
    (void)state;
    memset(piece, 'x', sizeof piece);
    cmd_sse_init(&sse, note, NULL);
    for (size_t i = 0; i < CMD_SSE_MAX / sizeof piece + 2 && rc == 0; i++)
        rc = cmd_sse_feed(&sse, piece, sizeof piece, &err);
    assert_int_equal(rc, -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    cmd_sse_clear(&sse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(streams), cmocka_unit_test(too_long)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
