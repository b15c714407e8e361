/* SPDX-License-Identifier: ISC */
#include "ctl.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/fault.h"
#include "api/json.h"
#include "api/memory.h"
#include "dir.h"

static const char *const op_names[LOCAL_CTL_OP_COUNT] = {"status", "deadline", "stop"};

/* What only DEADLINE takes. */
static int read_deadline(const json_t *json, const char *op, struct local_ctl_request *request,
                         struct mir_error *err)
{
    const char *signature = "";
    long long deadline_s = 0;
    if (mir_json_get_int(json, "deadline_s", &deadline_s, err) ||
        mir_json_get_text(json, "signature", &signature, err))
        return -1;
    bool wanted = request->op == LOCAL_CTL_DEADLINE;
    if (wanted != (json_object_get(json, "deadline_s") != NULL))
        return mir_fail(err, MIR_USAGE, "'%s' %s the field 'deadline_s'", op,
                        wanted ? "needs" : "does not take");
    if (wanted && deadline_s <= 0)
        return mir_fail(err, MIR_USAGE, "'deadline_s' has to be a time after 1970");
    if (!wanted && *signature)
        return mir_fail(err, MIR_USAGE, "'%s' does not take the field 'signature'", op);
    if (*signature && (strlen(signature) != MIR_SIGNATURE_TEXT - 1 ||
                       strspn(signature, "0123456789abcdef") != MIR_SIGNATURE_TEXT - 1))
        return mir_fail(err, MIR_USAGE, "'signature' has to be 64 hex digits");
    request->deadline_s = deadline_s;
    return mir_copy(request->signature, sizeof request->signature, signature);
}

static int read_request(json_t *json, struct local_ctl_request *request, struct mir_error *err)
{
    static const char *const fields[] = {"op", "deadline_s", "signature"};
    const char *op = NULL;
    if (mir_json_only(json, fields, MIR_NELEMS(fields), err) ||
        mir_json_get_text(json, "op", &op, err))
        return -1;
    int index = -1;
    for (int i = 0; op && i < LOCAL_CTL_OP_COUNT; i++)
        if (!strcmp(op_names[i], op))
            index = i;
    if (index < 0)
        return mir_fail(err, MIR_USAGE, "no operation '%.32s'", op ? op : "");
    request->op = (enum local_ctl_op)index;
    return read_deadline(json, op, request, err);
}

int local_ctl_parse_request(const char *line, size_t len, struct local_ctl_request *ret,
                            struct mir_error *err)
{
    json_t *json = mir_json_parse(line, len, LOCAL_CTL_REQUEST_MAX, err);
    if (!json)
        return -1;
    struct local_ctl_request request = {0};
    int rc = read_request(json, &request, err);
    if (!rc)
        *ret = request;
    json_decref(json);
    return rc;
}

static int read_refusal(const json_t *json, struct local_ctl_reply *reply, struct mir_error *err)
{
    const char *code = "", *text = "", *hint = "";
    if (mir_json_get_text(json, "code", &code, err) ||
        mir_json_get_text(json, "error", &text, err) || mir_json_get_text(json, "hint", &hint, err))
        return -1;
    reply->error.kind = mir_kind_by_name(code);
    mir_copy(reply->error.text, sizeof reply->error.text, text);
    mir_copy(reply->error.hint, sizeof reply->error.hint, hint);
    return 0;
}

static int read_reply(json_t *json, struct local_ctl_reply *reply, struct mir_error *err)
{
    static const char *const fields[] = {"ok", "state", "deadline_s", "code", "error", "hint"};
    int ok = -1;
    const char *state = "";
    long long deadline_s = 0;
    if (mir_json_only(json, fields, MIR_NELEMS(fields), err) ||
        mir_json_get_bool(json, "ok", &ok, err) || mir_json_get_text(json, "state", &state, err) ||
        mir_json_get_int(json, "deadline_s", &deadline_s, err))
        return -1;
    if (ok < 0)
        return mir_fail(err, MIR_CORRUPT, "the keeper's answer does not say 'ok'");
    reply->ok = ok;
    reply->deadline_s = deadline_s;
    if (!ok)
        return read_refusal(json, reply, err);
    for (int i = MIR_INSTANCE_STARTING; i <= MIR_INSTANCE_ENDED; i++)
        if (!strcmp(mir_instance_state_name((enum mir_instance_state)i), state))
            reply->state = (enum mir_instance_state)i;
    if (reply->state == MIR_INSTANCE_ABSENT)
        return mir_fail(err, MIR_CORRUPT, "the keeper answers with the state '%.32s'", state);
    return 0;
}

int local_ctl_parse_reply(const char *line, size_t len, struct local_ctl_reply *ret,
                          struct mir_error *err)
{
    json_t *json = mir_json_parse(line, len, LOCAL_CTL_REPLY_MAX, err);
    if (!json)
        return -1;
    struct local_ctl_reply reply = {0};
    int rc = read_reply(json, &reply, err);
    if (!rc)
        *ret = reply;
    json_decref(json);
    return rc;
}

static char *line_of(json_t *json)
{
    mir_auto_free char *text = mir_json_text(json);
    json_decref(json);
    return mir_format("%s\n", text);
}

char *local_ctl_request_text(const struct local_ctl_request *request)
{
    json_t *json = json_pack("{s:s}", "op", op_names[request->op]);
    if (request->op == LOCAL_CTL_DEADLINE)
        json_object_set_new(json, "deadline_s", json_integer(request->deadline_s));
    if (*request->signature)
        json_object_set_new(json, "signature", json_string(request->signature));
    return line_of(json);
}

char *local_ctl_reply_text(const struct local_ctl_reply *reply)
{
    if (reply->ok)
        return line_of(json_pack("{s:b,s:s,s:I}", "ok", 1, "state",
                                 mir_instance_state_name(reply->state), "deadline_s",
                                 (json_int_t)reply->deadline_s));
    return line_of(json_pack("{s:b,s:s,s:s,s:s}", "ok", 0, "code",
                             mir_kind_info(reply->error.kind)->name, "error", reply->error.text,
                             "hint", reply->error.hint));
}

int local_ctl_read_line(int fd, char *line, size_t max, size_t *ret_len, int timeout_ms,
                        struct mir_error *err)
{
    const struct mir_clock *clock = mir_clock_system();
    int64_t until_ms = clock->boot_ms(clock->ctx) + timeout_ms;
    size_t len = 0;
    for (;;) {
        int64_t left = until_ms - clock->boot_ms(clock->ctx);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return mir_fail(err, MIR_TIMEOUT, "the keeper did not answer within %d ms", timeout_ms);
        ssize_t n = read(fd, line + len, max - len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return mir_fail(err, MIR_UNAVAILABLE, "the keeper ended without an answer");
        len += (size_t)n;
        char *newline = memchr(line, '\n', len);
        if (newline) {
            *newline = '\0';
            *ret_len = (size_t)(newline - line);
            return 0;
        }
        if (len == max)
            return mir_fail(err, MIR_CORRUPT, "the keeper's answer is too long");
    }
}

static void socket_address(int dir_fd, struct sockaddr_un *address)
{
    char path[LOCAL_FD_PATH];
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    local_fd_path(dir_fd, LOCAL_SOCKET_FILE, path);
    mir_copy(address->sun_path, sizeof address->sun_path, path);
}

static int ctl_connect(int dir_fd, int timeout_ms, int *ret_fd, struct mir_error *err)
{
    struct sockaddr_un address;
    socket_address(dir_fd, &address);
    mir_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot make a socket");
    /* Bounds connect (a full backlog) and send alike. */
    struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
        int saved = errno;
        mir_fail_errno(err, saved, "cannot reach the keeper of the instance");
        if (err)
            err->kind = MIR_UNAVAILABLE;
        return -1;
    }
    *ret_fd = mir_steal_fd(&fd);
    return 0;
}

static int exchange(int fd, const char *request, int timeout_ms, struct local_ctl_reply *reply,
                    struct mir_error *err)
{
    char line[LOCAL_CTL_REPLY_MAX];
    size_t len = 0;
    if (mir_fault_before("local.ctl.send", err))
        return -1;
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
        return mir_fail(err, MIR_UNAVAILABLE, "the keeper of the instance does not listen");
    int rc = mir_fault_after("local.ctl.send", err);
    if (!rc)
        rc = local_ctl_read_line(fd, line, sizeof line, &len, timeout_ms, err);
    if (!rc)
        rc = local_ctl_parse_reply(line, len, reply, err);
    if (rc && err)
        err->outcome = MIR_OUTCOME_UNKNOWN;
    return rc;
}

int local_ctl_call(int dir_fd, const struct local_ctl_request *request, int timeout_ms,
                   struct local_ctl_reply *ret, struct mir_error *err)
{
    mir_auto_free char *text = local_ctl_request_text(request);
    mir_auto_close int fd = -1;
    struct local_ctl_reply reply;
    if (ctl_connect(dir_fd, timeout_ms, &fd, err) || exchange(fd, text, timeout_ms, &reply, err))
        return -1;
    if (!reply.ok) {
        if (err)
            *err = reply.error;
        return -1;
    }
    *ret = reply;
    return 0;
}

int local_ctl_listen(int dir_fd, int *ret_fd, struct mir_error *err)
{
    struct sockaddr_un address;
    socket_address(dir_fd, &address);
    mir_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot make the control socket");
    unlinkat(dir_fd, LOCAL_SOCKET_FILE, 0);
    mode_t old = umask(0177);
    int rc = bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(old);
    if (rc || listen(fd, 8))
        return mir_fail_errno(err, errno, "cannot listen on the control socket");
    *ret_fd = mir_steal_fd(&fd);
    return 0;
}
