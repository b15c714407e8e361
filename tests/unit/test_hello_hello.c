/* SPDX-License-Identifier: ISC */
/* The whole: banner, the deadline and the console that moves it, and the announcement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

#define NOW 1800000000U

static int setup(void **state)
{
    *state = wire_new(WIRE_STATIC " name=h deadline=1800000100 grace=20");
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void type(struct wire *w, const char *text)
{
    for (; *text != '\0'; text++)
        hello_console(&w->hello, *text);
}

static void banner(void **state)
{
    assert_true(wire_said(*state, "hello: mirage-deploy hello " HELLO_VERSION));
    assert_true(wire_said(*state, "hello: name h\n"));
    assert_true(wire_said(*state, "hello: network card 52:54:00:12:34:56\n"));
    assert_true(wire_said(*state, "hello: deadline 1800000100\n"));
    assert_true(wire_said(*state, "hello: listening on http://10.0.2.15:80/\n"));
}

static void no_network(void **state)
{
    struct wire *w = *state;

    wire_forget(w);
    w->console_len = 0;
    hello_start(&w->hello, &w->plat, "deadline=1800000001 grace=0", NULL, 1);
    assert_null(wire_take(w));
    wire_pass(w, 2000);
    assert_int_equal(w->offs, 1);
}

static void power_off_after_grace(void **state)
{
    struct wire *w = *state;

    wire_pass(w, 119000);
    assert_int_equal(w->offs, 0);
    wire_pass(w, 1000);
    assert_int_equal(w->offs, 1);
    wire_pass(w, 5000);
    assert_int_equal(w->offs, 1);
    assert_true(wire_said(w, "hello: deadline and grace are over, powering off\n"));
}

static void console_moves_deadline(void **state)
{
    struct wire *w = *state;

    type(w, "deadline 1800000500\r\n");
    assert_int_equal(w->hello.deadline, 1800000500);
    assert_true(wire_said(w, "hello: deadline 1800000500\n"));
    wire_pass(w, 130000);
    assert_int_equal(w->offs, 0);
    type(w, "deadline 0\n");
    assert_true(wire_said(w, "hello: deadline 0\n"));
    wire_pass(w, 1000000);
    assert_int_equal(w->offs, 0);
    type(w, "deadline 1\n");
    wire_pass(w, 100);
    assert_int_equal(w->offs, 1);
}

static void console_nonsense(void **state)
{
    struct wire *w = *state;

    type(w, "\n\ndeadline\ndeadline x\ndeadline 99999999999\nhalt\n");
    for (int i = 0; i < 1000; i++)
        type(w, "deadline 1 ");
    type(w, "\n");
    assert_int_equal(w->hello.deadline, 1800000100);
    assert_true(wire_said(w, "hello: console: line too long; ignored\n"));
    assert_true(wire_said(w, "hello: console: deadline is not a number of seconds; ignored\n"));
    type(w, "deadline 7\n");
    assert_int_equal(w->hello.deadline, 7);
}

/* The service's side of an announcement: answers ARP, then plays the server. */
static bool accept_announcement(struct wire *w, struct wire_peer *p, const char *answer, char *ret,
                                size_t cap)
{
    const struct wire_frame *f;
    struct wire_segment s;

    wire_give_arp(w, 2, WIRE_PEER, WIRE_US);
    wire_pass(w, 20);
    while ((f = wire_take(w)) != NULL) {
        const uint8_t *tcp = f->bytes + 34;

        if (get16(f->bytes + 12) != 0x0800 || f->bytes[23] != NET_PROTO_TCP || tcp[13] != 0x02)
            continue;
        assert_int_equal(get16(tcp + 2), 8080);
        *p = (struct wire_peer){.port = 8080, .to_port = get16(tcp), .seq = 70, .wnd = 60000};
        p->ack = get32(tcp + 4) + 1;
        wire_forget(w);
        wire_tcp(w, p, 0x12, NULL, 0);
        (void)wire_tcp_take(w, p, &s); /* the bare acknowledgement, or already the request */
        w->sent_first = 0;
        (void)wire_hear(w, p, ret, cap);
        if (answer != NULL)
            wire_say(w, p, answer);
        return true;
    }
    return false;
}

static void announced(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    char text[2048];

    wire_restart(w, WIRE_STATIC " name=h token=t%22 announce=http://10.0.2.2:8080/v1/up port=81");
    assert_true(accept_announcement(w, &p, "HTTP/1.1 204 No Content\r\n\r\n", text, sizeof(text)));
    assert_memory_equal(text, "POST /v1/up HTTP/1.1\r\nHost: 10.0.2.2:8080\r\n", 43);
    assert_non_null(strstr(text, "\r\n\r\n{\"name\":\"h\",\"url\":\"http://10.0.2.15:81/\","
                                 "\"token\":\"t\\\"\",\"kernel\":\"hello\"}\n"));
    assert_true(wire_said(w, "hello: announced\n"));
    wire_forget(w);
    wire_pass(w, 300000);
    assert_null(wire_take(w));
}

static void announced_url(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    char text[2048];

    wire_restart(w, WIRE_STATIC " announce=http://10.0.2.2:8080/ url=http://example.org:1/x");
    assert_true(accept_announcement(w, &p, "HTTP/1.1 200 OK\r\n\r\n", text, sizeof(text)));
    assert_non_null(strstr(text, "\"url\":\"http://example.org:1/x\""));
}

/* Refused, garbled, silent: tried again after growing pauses, and given up in the end. */
static void announced_in_vain(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 503 Nope\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n",
                                          NULL};
    struct wire *w = *state;
    struct wire_peer p;
    char text[2048];
    unsigned tries = 0;

    wire_restart(w, WIRE_STATIC " announce=http://10.0.2.2:8080/");
    for (int i = 0; i < 600; i++) {
        if (accept_announcement(w, &p, answers[tries % 3], text, sizeof(text)))
            tries++;
        wire_forget(w);
        wire_pass(w, 500);
    }
    assert_int_equal(tries, ANNOUNCE_TRIES);
    assert_true(wire_said(w, "hello: announce: status 503; trying again\n"));
    assert_true(wire_said(w, "hello: announce: answer is not HTTP; trying again\n"));
    assert_true(wire_said(w, "hello: announce: no answer in time; trying again\n"));
    assert_true(wire_said(w, "; giving up\n"));
}

static void announced_to_nobody(void **state)
{
    struct wire *w = *state;
    unsigned asked = 0;

    wire_restart(w, WIRE_STATIC " announce=http://10.0.2.2:8080/");
    wire_pass(w, 400000);
    while (wire_take(w) != NULL)
        asked++;
    assert_in_range(asked, 8, 100);
    assert_true(wire_said(w, "hello: announce: no way there (ARP is not answered); giving up\n"));
}

static void announced_to_a_closed_port(void **state)
{
    struct wire *w = *state;
    const struct wire_frame *f;

    wire_restart(w, WIRE_STATIC " announce=http://10.0.2.2:8080/");
    wire_give_arp(w, 2, WIRE_PEER, WIRE_US);
    wire_forget(w);
    wire_pass(w, 20);
    f = wire_take(w);
    assert_non_null(f);
    {
        struct wire_peer p = {
            .port = 8080, .to_port = get16(f->bytes + 34), .ack = get32(f->bytes + 38) + 1};

        wire_tcp(w, &p, 0x14, NULL, 0);
    }
    assert_true(wire_said(w, "hello: announce: no connection; trying again\n"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(banner),
        T(no_network),
        T(power_off_after_grace),
        T(console_moves_deadline),
        T(console_nonsense),
        T(announced),
        T(announced_url),
        T(announced_in_vain),
        T(announced_to_nobody),
        T(announced_to_a_closed_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
