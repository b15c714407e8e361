/* SPDX-License-Identifier: ISC */
/* The client of Xen's store: its messages byte for byte, and a store that answers, is silent, says
 * something else first, or dies in the middle of a word. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "xs.h"

static void put_head(uint8_t *to, uint32_t type, uint32_t request, uint32_t len)
{
    uint32_t head[4] = {type, request, 0, len};

    memcpy(to, head, sizeof(head));
}

static void bytes_of_a_write(void **state)
{
    uint8_t bytes[64];
    uint8_t expected[16];
    size_t len = car_xs_encode(bytes, sizeof(bytes), CAR_XS_WRITE, 7, "/a/b", "vw", 2);

    (void)state;
    put_head(expected, 11, 7, 7);
    assert_int_equal(len, 16 + 5 + 2);
    assert_memory_equal(bytes, expected, 16);
    assert_memory_equal(bytes + 16, "/a/b\0vw", 7);
    assert_int_equal(car_xs_encode(bytes, sizeof(bytes), CAR_XS_READ, 8, "/a/b", NULL, 0), 21);
    assert_int_equal(car_xs_encode(bytes, 22, CAR_XS_WRITE, 7, "/a/b", "vw", 2), 0);
    assert_int_equal(car_xs_encode(bytes, 23, CAR_XS_WRITE, 7, "/a/b", "vw", 2), 23);
}

static void no_more_than_a_payload(void **state)
{
    static uint8_t bytes[2 * CAR_XS_MESSAGE_MAX];
    static char value[CAR_XS_PAYLOAD_MAX];

    (void)state;
    assert_int_equal(
        car_xs_encode(bytes, sizeof(bytes), CAR_XS_WRITE, 1, "/a", value, CAR_XS_PAYLOAD_MAX - 3),
        CAR_XS_MESSAGE_MAX);
    assert_int_equal(
        car_xs_encode(bytes, sizeof(bytes), CAR_XS_WRITE, 1, "/a", value, CAR_XS_PAYLOAD_MAX - 2),
        0);
}

static void a_message_in_pieces(void **state)
{
    uint8_t bytes[32];
    struct car_xs_message message;

    (void)state;
    put_head(bytes, 2, 9, 3);
    memcpy(bytes + 16, "abcX", 4);
    for (size_t len = 0; len < 19; len++)
        assert_int_equal(car_xs_decode(bytes, len, &message), 0);
    assert_int_equal(car_xs_decode(bytes, 20, &message), 19);
    assert_int_equal(message.type, CAR_XS_READ);
    assert_int_equal(message.request, 9);
    assert_int_equal(message.payload_len, 3);
    assert_memory_equal(message.payload, "abc", 3);
    put_head(bytes, 2, 9, 4097);
    assert_int_equal(car_xs_decode(bytes, 16, &message), -1);
    put_head(bytes, 2, 9, UINT32_MAX);
    assert_int_equal(car_xs_decode(bytes, 16, &message), -1);
}

/* A store of another process: what it says to each request, by request. */
struct say {
    uint32_t type;
    int request; /* added to the one that was asked with */
    const char *payload;
    size_t cut; /* so many bytes are sent, then it ends; 0: all */
};

struct store {
    char folder[32];
    char path[64];
    pid_t pid;
};

static void answer(int fd, uint32_t request, const struct say *say)
{
    uint8_t bytes[256];
    size_t len = strlen(say->payload);

    put_head(bytes, say->type, request + (uint32_t)say->request, (uint32_t)len);
    memcpy(bytes + 16, say->payload, len);
    len += 16;
    if (say->cut > 0)
        len = say->cut;
    if (write(fd, bytes, len) != (ssize_t)len || say->cut > 0)
        _exit(0);
}

/* Each request is answered by the says up to the next one of type 0; then it ends. */
static _Noreturn void be_store(int listener, const struct say *says)
{
    int fd = accept(listener, NULL, NULL);
    uint8_t bytes[4200];

    for (; says->type != UINT32_MAX; says++) {
        struct car_xs_message message;

        if (read(fd, bytes, sizeof(bytes)) < 16)
            _exit(1);
        (void)car_xs_decode(bytes, sizeof(bytes), &message);
        for (; says->type != 0; says++)
            answer(fd, message.request, says);
    }
    pause();
    _exit(0);
}

static void start(struct store *store, const struct say *says, unsigned late_s)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(store->folder, sizeof(store->folder), "/tmp/car-xs-XXXXXX");
    assert_non_null(mkdtemp(store->folder));
    (void)snprintf(store->path, sizeof(store->path), "%s/socket", store->folder);
    (void)snprintf(where.sun_path, sizeof(where.sun_path), "%s", store->path);
    if (late_s == 0) {
        assert_int_equal(bind(listener, (const struct sockaddr *)&where, sizeof(where)), 0);
        assert_int_equal(listen(listener, 1), 0);
    }
    store->pid = fork();
    if (store->pid == 0) {
        if (late_s > 0) {
            usleep(late_s * 1000);
            if (bind(listener, (const struct sockaddr *)&where, sizeof(where)) != 0 ||
                listen(listener, 1) != 0)
                _exit(1);
        }
        be_store(listener, says);
    }
    close(listener);
}

static void stop(struct store *store)
{
    assert_int_equal(kill(store->pid, SIGKILL), 0);
    assert_int_equal(waitpid(store->pid, NULL, 0), store->pid);
    assert_int_equal(unlink(store->path), 0);
    assert_int_equal(rmdir(store->folder), 0);
}

#define NEXT                                                                                       \
    {                                                                                              \
        0, 0, "", 0                                                                                \
    }
#define END                                                                                        \
    {                                                                                              \
        UINT32_MAX, 0, "", 0                                                                       \
    }

static void reads_and_writes(void **state)
{
    static const struct say says[] = {{CAR_XS_READ, 0, "value", 0},
                                      NEXT,
                                      {CAR_XS_WRITE, 0, "OK", 0},
                                      NEXT,
                                      {CAR_XS_ERROR, 0, "ENOENT", 0},
                                      NEXT,
                                      {CAR_XS_ERROR, 0, "EACCES", 0},
                                      NEXT,
                                      {CAR_XS_READ, -1, "old", 0},
                                      {CAR_XS_WATCH_EVENT, 0, "/a", 0},
                                      {CAR_XS_READ, 0, "late", 0},
                                      NEXT,
                                      {CAR_XS_READ, 0, "too long!", 0},
                                      NEXT,
                                      {CAR_XS_READ, 0, "cut", 10},
                                      NEXT,
                                      END};
    struct store store;
    struct car_xs xs;
    char value[9];

    (void)state;
    start(&store, says, 0);
    assert_int_equal(car_xs_open(&xs, store.path, 1000), 0);
    assert_int_equal(car_xs_read(&xs, "/a", value, sizeof(value)), 0);
    assert_string_equal(value, "value");
    assert_int_equal(car_xs_write(&xs, "/a", "b"), 0);
    assert_int_equal(car_xs_read(&xs, "/a", value, sizeof(value)), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(car_xs_write(&xs, "/a", "b"), -1);
    assert_int_equal(errno, EIO);
    assert_int_equal(car_xs_read(&xs, "/a", value, sizeof(value)), 0);
    assert_string_equal(value, "late");
    assert_int_equal(car_xs_read(&xs, "/a", value, sizeof(value)), -1);
    assert_int_equal(errno, EMSGSIZE);
    assert_int_equal(car_xs_read(&xs, "/a", value, sizeof(value)), -1);
    assert_int_equal(errno, EPIPE);
    /* And from then on no signal, and no wait. */
    assert_int_equal(car_xs_write(&xs, "/a", "b"), -1);
    assert_int_equal(errno, EPIPE);
    car_xs_close(&xs);
    stop(&store);
}

static void nonsense(void **state)
{
    static const struct say says[] = {{0x41414141, 0, "AAAA", 0}, NEXT, END};
    struct store store;
    struct car_xs xs;
    char value[9];

    (void)state;
    start(&store, says, 0);
    assert_int_equal(car_xs_open(&xs, store.path, 1000), 0);
    /* An answer to the right request, of a type that nobody knows, is that answer. */
    assert_int_equal(car_xs_read(&xs, "/a", value, sizeof(value)), 0);
    assert_string_equal(value, "AAAA");
    car_xs_close(&xs);
    stop(&store);
}

static void waits_for_a_value(void **state)
{
    static const struct say says[] = {
        /* The watch tells once at once: not there yet; then empty; then there. */
        {CAR_XS_WATCH_EVENT, 0, "/tty", 0},
        {CAR_XS_WATCH, 0, "OK", 0},
        NEXT,
        {CAR_XS_ERROR, 0, "ENOENT", 0},
        {CAR_XS_WATCH_EVENT, 0, "/tty", 0},
        NEXT,
        {CAR_XS_READ, 0, "", 0},
        {CAR_XS_WATCH_EVENT, 0, "/tty", 0},
        NEXT,
        {CAR_XS_READ, 0, "/dev/pts/0", 0},
        NEXT,
        {CAR_XS_UNWATCH, 0, "OK", 0},
        NEXT,
        END};
    struct store store;
    struct car_xs xs;
    char value[32];

    (void)state;
    start(&store, says, 0);
    assert_int_equal(car_xs_open(&xs, store.path, 1000), 0);
    assert_int_equal(car_xs_await(&xs, "/tty", 5000, value, sizeof(value)), 0);
    assert_string_equal(value, "/dev/pts/0");
    car_xs_close(&xs);
    stop(&store);
}

static void waits_no_longer_than_told(void **state)
{
    static const struct say says[] = {
        {CAR_XS_WATCH, 0, "OK", 0}, NEXT, {CAR_XS_UNWATCH, 0, "OK", 0}, NEXT, END};
    struct store store;
    struct car_xs xs;
    char value[32];

    (void)state;
    start(&store, says, 0);
    assert_int_equal(car_xs_open(&xs, store.path, 1000), 0);
    assert_int_equal(car_xs_await(&xs, "/tty", 50, value, sizeof(value)), -1);
    assert_int_equal(errno, ETIMEDOUT);
    car_xs_close(&xs);
    stop(&store);
}

static void a_store_that_comes_late(void **state)
{
    static const struct say says[] = {{CAR_XS_READ, 0, "value", 0}, NEXT, END};
    struct store store;
    struct car_xs xs;
    char value[9];

    (void)state;
    start(&store, says, 100);
    assert_int_equal(car_xs_open(&xs, store.path, 10000), 0);
    assert_int_equal(car_xs_read(&xs, "/a", value, sizeof(value)), 0);
    car_xs_close(&xs);
    stop(&store);
    assert_int_equal(car_xs_open(&xs, store.path, 20), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(xs.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_of_a_write),
        cmocka_unit_test(no_more_than_a_payload),
        cmocka_unit_test(a_message_in_pieces),
        cmocka_unit_test(reads_and_writes),
        cmocka_unit_test(nonsense),
        cmocka_unit_test(waits_for_a_value),
        cmocka_unit_test(waits_no_longer_than_told),
        cmocka_unit_test(a_store_that_comes_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
