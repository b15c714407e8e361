/* SPDX-License-Identifier: ISC */
#include "ctl.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "dir.h"
#include "local_help.h"

static int parse(const char *line, struct local_ctl_request *ret, struct mir_error *err)
{
    return local_ctl_parse_request(line, strlen(line), ret, err);
}

static void requests(void **state)
{
    (void)state;
    struct local_ctl_request r;
    assert_int_equal(parse("{\"op\":\"status\"}", &r, NULL), 0);
    assert_int_equal(r.op, LOCAL_CTL_STATUS);
    assert_int_equal(parse(" {\"deadline_s\":1800000000, \"op\":\"deadline\"}", &r, NULL), 0);
    assert_int_equal(r.op, LOCAL_CTL_DEADLINE);
    assert_int_equal(r.deadline_s, 1800000000);
    for (int op = 0; op < LOCAL_CTL_OP_COUNT; op++) {
        struct local_ctl_request back,
            given = {.op = (enum local_ctl_op)op, .deadline_s = op == LOCAL_CTL_DEADLINE};
        char *text = local_ctl_request_text(&given);
        assert_int_equal(text[strlen(text) - 1], '\n');
        assert_int_equal(local_ctl_parse_request(text, strlen(text) - 1, &back, NULL), 0);
        assert_int_equal(back.op, given.op);
        assert_int_equal(back.deadline_s, given.deadline_s);
        assert_string_equal(back.signature, "");
        free(text);
    }
    struct local_ctl_request back, given = {.op = LOCAL_CTL_DEADLINE, .deadline_s = 7};
    memset(given.signature, 'a', sizeof given.signature - 1);
    char *text = local_ctl_request_text(&given);
    assert_in_range(strlen(text), 65, LOCAL_CTL_REQUEST_MAX - 1);
    assert_int_equal(local_ctl_parse_request(text, strlen(text) - 1, &back, NULL), 0);
    assert_string_equal(back.signature, given.signature);
    free(text);
}

static void requests_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *names;
    } bad[] = {
        {"", "JSON"},
        {"stop", "JSON"},
        {"[]", "object"},
        {"{}", "no operation"},
        {"{\"op\":1}", "'op'"},
        {"{\"op\":\"stopp\"}", "'stopp'"},
        {"{\"op\":\"stop\",\"now\":true}", "'now'"},
        {"{\"op\":\"stop\",\"deadline_s\":5}", "does not take"},
        {"{\"op\":\"deadline\"}", "needs"},
        {"{\"op\":\"deadline\",\"deadline_s\":null}", "after 1970"},
        {"{\"op\":\"deadline\",\"deadline_s\":-5}", "after 1970"},
        {"{\"op\":\"deadline\",\"deadline_s\":\"5\"}", "whole number"},
        {"{\"op\":\"deadline\",\"deadline_s\":5.5}", "whole number"},
        {"{\"op\":\"deadline\",\"deadline_s\":5,\"signature\":\"ab\"}", "64 hex"},
        {"{\"op\":\"stop\",\"signature\":\"ab\"}", "does not take"},
        {"{\"op\":\"stop\",\"op\":\"status\"}", "duplicate"},
    };
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct local_ctl_request r = {.deadline_s = 42};
        struct mir_error err = {0};
        if (!parse(bad[i].line, &r, &err) || !strstr(err.text, bad[i].names))
            fail_msg("%s: %s", bad[i].line, err.text);
        assert_int_equal(err.kind, MIR_USAGE);
        assert_int_equal(r.deadline_s, 42);
    }
}

static void replies(void **state)
{
    (void)state;
    struct local_ctl_reply back, given = {true, MIR_INSTANCE_RUNNING, 1800000000, {0}};
    char *text = local_ctl_reply_text(&given);
    assert_int_equal(local_ctl_parse_reply(text, strlen(text) - 1, &back, NULL), 0);
    assert_true(back.ok);
    assert_int_equal(back.state, MIR_INSTANCE_RUNNING);
    assert_int_equal(back.deadline_s, 1800000000);
    free(text);
    given.ok = false;
    mir_fail(&given.error, MIR_CONFLICT, "port 80 is \"used\"");
    mir_error_hint(&given.error, "take another");
    text = local_ctl_reply_text(&given);
    assert_int_equal(local_ctl_parse_reply(text, strlen(text) - 1, &back, NULL), 0);
    assert_false(back.ok);
    assert_int_equal(back.error.kind, MIR_CONFLICT);
    assert_string_equal(back.error.text, "port 80 is \"used\"");
    assert_string_equal(back.error.hint, "take another");
    free(text);
    static const char *const bad[] = {"{}",
                                      "{\"ok\":1}",
                                      "{\"ok\":true}",
                                      "{\"ok\":true,\"state\":\"absent\"}",
                                      "{\"ok\":true,\"state\":\"running\",\"deadline_s\":\"x\"}",
                                      "{\"ok\":false,\"code\":7}",
                                      "{\"ok\":true,\"state\":\"running\",\"more\":1}"};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++)
        if (!local_ctl_parse_reply(bad[i], strlen(bad[i]), &back, NULL))
            fail_msg("taken: %s", bad[i]);
}

/* A keeper that says one thing to one caller. */
struct fake {
    int listen_fd;
    const char *says;
    char heard[256];
};

static void *fake_keeper(void *arg)
{
    struct fake *fake = arg;
    fcntl(fake->listen_fd, F_SETFL, 0);
    int fd = accept(fake->listen_fd, NULL, NULL);
    ssize_t n = recv(fd, fake->heard, sizeof fake->heard - 1, 0);
    assert_true(n > 0);
    assert_true(send(fd, fake->says, strlen(fake->says), MSG_NOSIGNAL) >= 0);
    if (!*fake->says)
        usleep(200000);
    close(fd);
    return NULL;
}

static int call(int dir_fd, const char *says, struct local_ctl_reply *reply, struct mir_error *err)
{
    struct fake fake = {.says = says};
    struct local_ctl_request request = {.op = LOCAL_CTL_DEADLINE, .deadline_s = 9};
    pthread_t thread;
    assert_int_equal(local_ctl_listen(dir_fd, &fake.listen_fd, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, fake_keeper, &fake), 0);
    int rc = local_ctl_call(dir_fd, &request, 100, reply, err);
    pthread_join(thread, NULL);
    close(fake.listen_fd);
    assert_string_equal(fake.heard, "{\"op\":\"deadline\",\"deadline_s\":9}\n");
    return rc;
}

static void calls(void **state)
{
    int fd = local_place_fd(state);
    struct local_ctl_reply reply = {0};
    struct mir_error err = {0};
    struct stat st;
    assert_int_equal(
        call(fd, "{\"ok\":true,\"state\":\"running\",\"deadline_s\":9}\n", &reply, &err), 0);
    assert_int_equal(reply.deadline_s, 9);
    assert_int_equal(fstatat(fd, LOCAL_SOCKET_FILE, &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(
        call(fd, "{\"ok\":false,\"code\":\"conflict\",\"error\":\"too late\"}\n", &reply, &err),
        -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_string_equal(err.text, "too late");
    static const struct {
        const char *says;
        enum mir_kind kind;
    } lost[] = {{"{\"ok\":tr", MIR_UNAVAILABLE}, {"", MIR_TIMEOUT}, {"hello\n", MIR_USAGE}};
    for (size_t i = 0; i < MIR_NELEMS(lost); i++) {
        err = (struct mir_error){0};
        assert_int_equal(call(fd, lost[i].says, &reply, &err), -1);
        assert_int_equal(err.kind, lost[i].kind);
        assert_int_equal(err.outcome, MIR_OUTCOME_UNKNOWN);
    }
}

static void nobody_listens(void **state)
{
    struct local_ctl_request request = {.op = LOCAL_CTL_STOP};
    struct local_ctl_reply reply;
    struct mir_error err = {0};
    assert_int_equal(local_ctl_call(local_place_fd(state), &request, 100, &reply, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
}

static void long_lines(void **state)
{
    (void)state;
    int fds[2];
    char line[16];
    size_t len;
    struct mir_error err = {0};
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "0123456789012345678\n", 20), 20);
    assert_int_equal(local_ctl_read_line(fds[0], line, sizeof line, &len, 100, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),     cmocka_unit_test(requests_refused),
        cmocka_unit_test(replies),      LOCAL_IN_PLACE(calls),
        LOCAL_IN_PLACE(nobody_listens), cmocka_unit_test(long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
