/* SPDX-License-Identifier: ISC */
#include "fake_aws.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/http.h"
#include "api/json.h"
#include "api/memory.h"

#define START_MS 30000
#define REPLY_MAX ((size_t)16 << 20)

struct fake_aws {
    pid_t pid;
    char url[128];
};

static void control(const struct fake_aws *fake, const char *path, json_t *body, json_t **ret)
{
    mir_auto_free char *url = mir_format("%s%s", fake->url, path);
    mir_auto_free char *text = body ? mir_json_text(body) : NULL;
    mir_auto_http_response struct mir_http_response response = {.status = 0};
    struct mir_error err = {0};
    const struct mir_http_request request = {.url = url,
                                             .body = text,
                                             .body_len = text ? strlen(text) : 0,
                                             .response_max = REPLY_MAX,
                                             .fresh = true};
    json_t *reply = NULL;
    json_decref(body);
    if (!mir_http_do(&request, &response, &err) && response.status == 200)
        reply = mir_json_parse(mir_buf_text(&response.body), response.body.len, REPLY_MAX, &err);
    if (!reply) {
        fprintf(stderr, "mirage-fakecloud %s: %d %s\n", path, response.status, err.text);
        abort();
    }
    if (ret)
        *ret = reply;
    else
        json_decref(reply);
}

void fake_aws_advance(const struct fake_aws *fake, int64_t ms)
{
    control(fake, "/_clock", json_pack("{s:I}", "advance_ms", (json_int_t)ms), NULL);
}

void fake_aws_set(const struct fake_aws *fake, const char *setting, int64_t value)
{
    control(fake, "/_settings", json_pack("{s:I}", setting, (json_int_t)value), NULL);
}

void fake_aws_guest(const struct fake_aws *fake, const char *instance, const char *console,
                    int power_off)
{
    control(fake, "/_guest",
            json_pack("{s:s,s:s,s:b}", "instance", instance, "console", console, "power_off",
                      power_off),
            NULL);
}

char *fake_aws_certificate(const struct fake_aws *fake, const char *pem)
{
    json_t *reply = NULL;
    control(fake, "/_certificates", json_pack("{s:s}", "certificate", pem), &reply);
    char *ec2 = mir_strdup(json_string_value(json_object_get(reply, "ec2")));
    json_decref(reply);
    return ec2;
}

json_t *fake_aws_ledger(const struct fake_aws *fake)
{
    json_t *ledger = NULL;
    control(fake, "/_ledger", NULL, &ledger);
    return ledger;
}

/* --- its process --- */

static void run(const char *program, const char *state_dir, int out)
{
    if (dup2(out, STDOUT_FILENO) >= 0)
        execl(program, program, "--listen", "127.0.0.1:0", "--state", state_dir, (char *)NULL);
    fprintf(stderr, "cannot start %s: %s\n", program, strerror(errno));
    _exit(127);
}

/* All that it prints until the last line that it prints. */
static int read_words(int fd, char *text, size_t size)
{
    size_t len = 0;
    while (len + 1 < size) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, START_MS) <= 0)
            return -1;
        ssize_t n = read(fd, text + len, size - 1 - len);
        if (n <= 0)
            return -1;
        len += (size_t)n;
        text[len] = '\0';
        const char *last = strstr(text, "AWS_DEFAULT_REGION=");
        if (last && strchr(last, '\n'))
            return 0;
    }
    return -1;
}

/* "NAME=value" lines. */
static void take_words(struct fake_aws *fake, char *text)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *mark = strchr(line, '=');
        if (!mark)
            continue;
        *mark = '\0';
        setenv(line, mark + 1, 1);
        if (!strcmp(line, "AWS_ENDPOINT_URL"))
            mir_copy(fake->url, sizeof fake->url, mark + 1);
    }
}

struct fake_aws *fake_aws_start(const char *program, const char *state_dir)
{
    char text[4096] = "";
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return NULL;
    mir_auto_close int from = ends[0], to = ends[1];
    pid_t pid = fork();
    if (pid == 0)
        run(program, state_dir, to);
    struct fake_aws *fake = mir_calloc(1, sizeof *fake);
    fake->pid = pid;
    close(to);
    to = -1;
    if (pid > 0 && !read_words(from, text, sizeof text))
        take_words(fake, text);
    if (*fake->url)
        return fake;
    fake_aws_stop(fake);
    return NULL;
}

void fake_aws_stop(struct fake_aws *fake)
{
    if (fake->pid > 0) {
        kill(fake->pid, SIGTERM);
        waitpid(fake->pid, NULL, 0);
    }
    free(fake);
}

/* --- time --- */

static int64_t ahead_ms;

static int64_t utc_ms(void *ctx)
{
    const struct mir_clock *system = mir_clock_system();
    (void)ctx;
    return system->utc_ms(system->ctx) + ahead_ms;
}

static int64_t boot_ms(void *ctx)
{
    const struct mir_clock *system = mir_clock_system();
    (void)ctx;
    return system->boot_ms(system->ctx) + ahead_ms;
}

const struct mir_clock *fake_aws_clock(void)
{
    static const struct mir_clock moved = {.utc_ms = utc_ms, .boot_ms = boot_ms};
    return &moved;
}

void fake_aws_passes(struct fake_aws *fake, int64_t ms)
{
    fake_aws_advance(fake, ms);
    ahead_ms += ms;
}

const char *fake_aws_text(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text ? text : "";
}
