/* SPDX-License-Identifier: ISC */
/*
 * The REST edge on a real socket and a real store, with an engine that only keeps the books: what
 * is asked of the engine, and how its answers and refusals reach the client.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/file.h"
#include "api/memory.h"
#include "mird_talk.h"
#include "rest.h"

struct fixture {
    char dir[64];
    char path[96];
    struct mird_core core;
    struct mird_rest *rest;
};

/* --- an engine that keeps the books --- */

static struct mird_core *books;
static atomic_int interferences; /* writes by others before the next extends */
static atomic_int reaper_late_ms;

static void new_operation(const struct mird_deployment *d, const char *kind,
                          struct mird_operation *op)
{
    memset(op, 0, sizeof *op);
    mir_id_new(mir_random_system(), op->id);
    mir_copy(op->kind, sizeof op->kind, kind);
    mir_copy(op->deployment, sizeof op->deployment, d->id);
    mir_copy(op->name, sizeof op->name, d->name);
    op->created_s = mir_now_s(books->clock);
}

int mird_engine_start(struct mird_core *core, struct mird_engine **ret, struct mir_error *err)
{
    return mir_fail(err, MIR_INTERNAL, "not in this test");
}

void mird_engine_stop(struct mird_engine *engine)
{
}

int mird_engine_plan(struct mird_engine *engine, const struct mird_request *request, json_t **ret,
                     struct mir_error *err)
{
    *ret = json_pack("{s:s}", "provider", request->provider);
    return 0;
}

int mird_engine_deploy(struct mird_engine *engine, const struct mird_request *request,
                       const char *idempotency_key, const char *body_sha,
                       struct mird_deployment *ret_d, struct mird_operation *ret_op,
                       struct mir_error *err)
{
    struct mird_deployment d = {.created_s = mir_now_s(books->clock)};
    struct mird_operation op;
    bool replayed = false;
    if (strcmp(request->provider, "local") != 0)
        return mir_fail(err, MIR_NOT_FOUND, "no provider '%s'", request->provider);
    d.deadline_s = d.created_s + request->ttl_s;
    mir_id_new(mir_random_system(), d.id);
    mir_copy(d.name, sizeof d.name, request->name);
    mir_copy(d.provider, sizeof d.provider, request->provider);
    mir_copy(d.kernel, sizeof d.kernel, request->kernel);
    mir_copy(d.owner, sizeof d.owner, request->owner);
    new_operation(&d, "deploy", &op);
    if (mird_store_deployment_add(books->store, &d, &op, NULL, idempotency_key, body_sha, &replayed,
                                  err))
        return -1;
    *ret_d = d;
    *ret_op = op;
    return 0;
}

int mird_engine_forget_kernel(struct mird_engine *engine, const char *sha256, struct mir_error *err)
{
    return mird_store_kernel_delete(books->store, sha256, err);
}

int mird_engine_extend(struct mird_engine *engine, const char *name, const char *who,
                       int64_t deadline_s, uint64_t expect_version, struct mird_deployment *ret_d,
                       struct mird_operation *ret_op, struct mir_error *err)
{
    struct mird_deployment d;
    if (mird_store_deployment_get(books->store, name, &d, err))
        return -1;
    if (atomic_load(&interferences) > 0) {
        atomic_fetch_sub(&interferences, 1);
        d.deadline_s += 1; /* somebody else extends it by a second */
        mird_store_deployment_update(books->store, &d, NULL);
    }
    if (d.version != expect_version)
        return mir_fail(err, MIR_CONFLICT, "changed meanwhile");
    d.deadline_s = deadline_s;
    new_operation(&d, "extend", ret_op);
    if (mird_store_deployment_update(books->store, &d, err) ||
        mird_store_operation_add(books->store, ret_op, err))
        return -1;
    *ret_d = d;
    return 0;
}

int mird_engine_remove(struct mird_engine *engine, const char *name, const char *who,
                       struct mird_deployment *ret_d, struct mird_operation *ret_op,
                       struct mir_error *err)
{
    struct mird_deployment d;
    if (mird_store_deployment_get(books->store, name, &d, err))
        return -1;
    d.end_reason = MIRD_END_REMOVED;
    d.ending_since_s = d.finished_s = mir_now_s(books->clock);
    new_operation(&d, "remove", ret_op);
    if (mird_store_deployment_update(books->store, &d, err) ||
        mird_store_audit_add(books->store, d.finished_s, who, "remove", d.name, err) ||
        mird_store_operation_add(books->store, ret_op, err))
        return -1;
    *ret_d = d;
    return 0;
}

void mird_engine_probed(struct mird_engine *engine, const char *deployment,
                        const struct mird_probe *probe)
{
}

char *mird_engine_log_path(const struct mird_core *core, const char *deployment)
{
    return mir_format("%s/%s.log", core->state_dir, deployment);
}

int64_t mird_engine_log_since(const struct mird_core *core, const char *deployment, int64_t since_s)
{
    return since_s > 2000000000 ? 6 : 0;
}

void mird_engine_follow(struct mird_engine *engine, const char *id)
{
}

bool mird_engine_reaper_hook(struct mird_engine *engine, struct mir_prov *prov, const char *place,
                             int64_t deadline_s, struct mir_hook *ret)
{
    return false;
}

void mird_engine_figures(struct mird_engine *engine, struct mird_engine_figures *ret)
{
    *ret = (struct mird_engine_figures){.reaper_late_ms = atomic_load(&reaper_late_ms),
                                        .teardowns_failed = 3};
}

/* --- fixture --- */

static int setup(void **state)
{
    struct fixture *f = mir_calloc(1, sizeof *f);
    struct mir_error err;
    mir_copy(f->dir, sizeof f->dir, "/tmp/mird-rest-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/api.sock", f->dir);
    f->core.clock = mir_clock_system();
    f->core.random = mir_random_system();
    f->core.config = mir_config_new();
    f->core.state_dir = f->dir;
    f->core.helper_path = "/nonexistent/mirage-image";
    f->core.hub = mird_hub_new();
    mir_copy(f->core.identity.installation, MIR_ID_TEXT, "0123456789abcdef0123456789abcdef");
    if (mird_store_open(f->dir, &f->core.store, &err))
        fail_msg("%s", err.text);
    const struct mird_rest_config config = {
        .socket_path = f->path, .socket_mode = 0600, .kernel_max_bytes = 1 << 20};
    if (mird_rest_start(&f->core, &config, &f->rest, &err))
        fail_msg("%s", err.text);
    books = &f->core;
    atomic_store(&reaper_late_ms, 40);
    atomic_store(&interferences, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mird_rest_stop(f->rest);
    mird_hub_free(f->core.hub);
    mird_rest_free(f->rest);
    mird_store_close(f->core.store);
    mir_config_free((struct mir_config *)(uintptr_t)f->core.config);
    mir_dir_remove_at(AT_FDCWD, f->dir, NULL);
    free(f);
    return 0;
}

#define EXPECT(f, request, ...)                                                                    \
    talk_expect((f)->path, request, (const char *const[]){__VA_ARGS__, NULL})

#define SHA "00000000000000000000000000000000000000000000000000000000000000ab"
#define DEPLOY "{\"provider\":\"local\",\"kernel\":\"" SHA "\",\"name\":\"hello\",\"ttl\":\"1h\"}"

/* A request with a body, Content-Length counted. Static: one at a time. */
static const char *with_body(const char *line, const char *headers, const char *body)
{
    static char text[8192];
    snprintf(text, sizeof text, "%s HTTP/1.1\r\n%sContent-Length: %zu\r\n" END "%s", line, headers,
             strlen(body), body);
    return text;
}

/* One field of the JSON body of an answer, as text; owned. */
static char *field_of(const struct fixture *f, const char *request, const char *outer,
                      const char *field)
{
    char *answer = talk_ask(f->path, request);
    char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    json_t *json = json_loads(body + 4, 0, NULL);
    const json_t *in = outer ? json_object_get(json, outer) : json;
    const json_t *value = json_object_get(in, field);
    if (!value)
        fail_msg("no %s in %s", field, answer);
    char *text = json_is_string(value) ? mir_strdup(json_string_value(value))
                                       : mir_format("%lld", (long long)json_integer_value(value));
    json_decref(json);
    free(answer);
    return text;
}

static char *deploy(const struct fixture *f)
{
    return field_of(f, with_body("POST /v1/deployments", "", DEPLOY), "deployment", "id");
}

/* --- tests --- */

static void test_service(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, "GET /v1/version HTTP/1.1\r\n" END, "200 ", "\"installation\":\"0123456789abcdef",
           "\"public_url\":null", "\"pid\":", "ETag: ");
    EXPECT(f, "GET /healthz HTTP/1.1\r\n" END, "200 ", "\"ok\":true");
    EXPECT(f, "GET /readyz HTTP/1.1\r\n" END, "200 ", "\"reaper_late_ms\":40");
    atomic_store(&reaper_late_ms, 60000);
    EXPECT(f, "GET /readyz HTTP/1.1\r\n" END, "503 ", "60000 ms late", "unavailable");
    EXPECT(f, "GET /v1/openapi.json HTTP/1.1\r\n" END, "200 ", "\"openapi\":\"3.1.0\"");
    EXPECT(f, "GET /v1/audit HTTP/1.1\r\n" END, "200 ", "{\"audit\":[");
    EXPECT(f, "GET /v1/audit?after=x HTTP/1.1\r\n" END, "422 ", "?after=x");
    EXPECT(f, "GET /v1/providers HTTP/1.1\r\n" END, "200 ", "{\"providers\":[]}");
    EXPECT(f, "GET /v1/providers/ec3/check HTTP/1.1\r\n" END, "404 ", "'ec3'");
    free(deploy(f));
    EXPECT(f, "GET /metrics HTTP/1.1\r\n" END, "200 ", "text/plain; version=0.0.4",
           "mirage_deploy_deployments{state=\"pending\"} 1", "teardown_failures_total 3",
           "mirage_deploy_nearest_deadline_seconds 3");
}

static void test_authority(void **state)
{
    struct fixture *f = *state;
    struct mird_http_request request = {.peer = {.local = true, .uid = geteuid()}};
    struct mir_error err = {0};
    char who[32];
    assert_int_equal(mird_auth(f->rest, &request, &err), 0);
    mird_auth_who(f->rest, &request, who);
    assert_string_equal(who, f->rest->own_name);
    request.peer.uid = 0;
    assert_int_equal(mird_auth(f->rest, &request, &err), 0);
    request.peer.uid = geteuid() + 1;
    assert_int_equal(mird_auth(f->rest, &request, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_non_null(strstr(err.hint, "socket_mode"));
    mird_auth_who(f->rest, &request, who);
    assert_non_null(strstr(who, "uid "));
    f->rest->group_allowed = true;
    assert_int_equal(mird_auth(f->rest, &request, &err), 0);
    request.peer.local = false;
    assert_int_equal(mird_auth(f->rest, &request, &err), -1);
    assert_int_equal(err.kind, MIR_CREDENTIALS);
}

static void test_deployments(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, "GET /v1/deployments HTTP/1.1\r\n" END, "200 ", "{\"deployments\":[]}");
    EXPECT(f, with_body("POST /v1/deployments", "", DEPLOY), "202 ", "Location: /v1/operations/",
           "\"kind\":\"deploy\"", "\"state\":\"running\"", "\"state\":\"pending\"");
    EXPECT(f, with_body("POST /v1/deployments", "", DEPLOY), "409 ", "conflict", "hello");
    EXPECT(f, "GET /v1/deployments HTTP/1.1\r\n" END, "\"name\":\"hello\"");
    EXPECT(f, "GET /v1/deployments/hello HTTP/1.1\r\n" END, "200 ", "ETag: \"", "-1\"");
    EXPECT(f, "GET /v1/deployments/helo HTTP/1.1\r\n" END, "404 ", "did you mean 'hello'?");
    EXPECT(f, "GET /v1/deployments/%2e%2e HTTP/1.1\r\n" END, "404 ");
    EXPECT(f, with_body("DELETE /v1/deployments/hello", "", "{\"force\":true}"), "422 ");
    EXPECT(f, "DELETE /v1/deployments/hello HTTP/1.1\r\n" END, "202 ", "\"kind\":\"remove\"",
           "\"state\":\"gone\"");
    EXPECT(f, "GET /v1/deployments HTTP/1.1\r\n" END, "{\"deployments\":[]}");
    EXPECT(f, "GET /v1/deployments?all=1 HTTP/1.1\r\n" END, "\"name\":\"hello\"");
    EXPECT(f, "GET /v1/deployments?all=maybe HTTP/1.1\r\n" END, "422 ", "not a yes or no");
    EXPECT(f, "GET /v1/audit HTTP/1.1\r\n" END, "\"remove\"");
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    const char *line = "POST /v1/deployments";
    EXPECT(f, with_body(line, "", "{\"provider\":\"local\",\"kernel\":\"" SHA "\",\"tll\":\"1h\"}"),
           "422 ", "unknown field 'tll'", "did you mean 'ttl'?");
    EXPECT(f, with_body(line, "", "{\"provider\":"), "422 ", "not JSON: line 1");
    EXPECT(f, with_body(line, "", "[]"), "422 ", "JSON object");
    EXPECT(f,
           with_body(line, "", "{\"provider\":\"local\",\"kernel\":\"" SHA "\",\"ttl\":\"soon\"}"),
           "422 ", "soon");
    EXPECT(f, with_body(line, "Idempotency-Key: a b\r\n", DEPLOY), "422 ", "Idempotency-Key");
    EXPECT(f, with_body("PATCH /v1/deployments/none/lease", "", "{\"extend\":\"1h\"}"), "404 ");
    EXPECT(f, "GET /v1/operations/zz HTTP/1.1\r\n" END, "404 ");
    EXPECT(f, "GET /v1/deployments/x/lease/y HTTP/1.1\r\n" END, "404 ");
    EXPECT(f, "POST /v1/version HTTP/1.1\r\n" END, "405 ", "Allow: GET, HEAD");
    EXPECT(f, with_body("POST /v1/announce", "", "{\"name\":\"x\"}"), "422 ");
    EXPECT(f, with_body("POST /v1/sites", "", "{\"nam\":\"x\"}"), "422 ", "'nam'");
    EXPECT(f, with_body("POST /v1/sites", "", "{}"), "422 ", "'url' is needed");
    EXPECT(f, with_body("PATCH /v1/sites/none", "", "{}"), "422 ", "nothing to change");
    EXPECT(f, with_body("PATCH /v1/sites/none", "", "{\"verify\":true}"), "404 ");
    EXPECT(f, "DELETE /v1/sites/none HTTP/1.1\r\n" END, "404 ");
}

static void test_idempotency(void **state)
{
    struct fixture *f = *state;
    const char *key = "Idempotency-Key: \"k1\"\r\n";
    char *first = field_of(f, with_body("POST /v1/deployments", key, DEPLOY), "operation", "id");
    char *second = field_of(f, with_body("POST /v1/deployments", key, DEPLOY), "operation", "id");
    assert_string_equal(first, second);
    EXPECT(f, with_body("POST /v1/deployments", key, DEPLOY " "), "422 ");
    free(first);
    free(second);
}

static void test_lease(void **state)
{
    struct fixture *f = *state;
    char *id = deploy(f);
    const char *line = "PATCH /v1/deployments/hello/lease";
    EXPECT(f, "GET /v1/deployments/hello/lease HTTP/1.1\r\n" END, "200 ", "\"left_s\":3",
           "\"hooks\":[]");
    struct mird_deployment before, after;
    assert_int_equal(mird_store_deployment_get(f->core.store, id, &before, NULL), 0);
    EXPECT(f, with_body(line, "", "{\"extend\":\"1h\"}"), "202 ", "\"lease\":{",
           "\"kind\":\"extend\"");
    assert_int_equal(mird_store_deployment_get(f->core.store, id, &after, NULL), 0);
    assert_int_equal(after.deadline_s, before.deadline_s + 3600);
    /* Three others come between; each second of theirs counts as well. */
    atomic_store(&interferences, 3);
    EXPECT(f, with_body(line, "", "{\"extend\":\"10s\"}"), "202 ");
    assert_int_equal(mird_store_deployment_get(f->core.store, id, &after, NULL), 0);
    assert_int_equal(after.deadline_s, before.deadline_s + 3613);
    char match[128];
    snprintf(match, sizeof match, "If-Match: \"%s-1\"\r\n", id);
    EXPECT(f, with_body(line, match, "{\"extend\":\"1h\"}"), "412 ", "has changed");
    snprintf(match, sizeof match, "If-Match: \"%s-%lld-1\"\r\n", id, (long long)before.deadline_s);
    EXPECT(f, with_body(line, match, "{\"extend\":\"1h\"}"), "412 ", "its deadline is 20");
    /* The engine may have written the row since; the deadline is what counts. */
    snprintf(match, sizeof match, "If-Match: \"%s-%lld-1\"\r\n", id, (long long)after.deadline_s);
    EXPECT(f, with_body(line, match, "{\"expires_at\":\"2099-01-01T00:00:00Z\"}"), "202 ",
           "\"expires_at\":\"2099-01-01T00:00:00Z\"");
    EXPECT(f, with_body(line, "", "{}"), "422 ", "one of");
    EXPECT(f, with_body(line, "", "{\"extend\":\"1h\",\"expires_at\":\"x\"}"), "422 ", "one of");
    EXPECT(f, with_body(line, "", "{\"extend\":\"0\"}"), "422 ");
    EXPECT(f, with_body("DELETE /v1/deployments/hello", "If-Match: \"x\"\r\n", ""), "412 ");
    free(id);
}

static void *finish_later(void *arg)
{
    const char *id = arg;
    usleep(80 * 1000);
    mird_store_operations_finish(books->store, id, "", mir_now_s(books->clock), NULL, NULL);
    mird_hub_changed(books->hub, id);
    return NULL;
}

static void test_operation_wait(void **state)
{
    struct fixture *f = *state;
    char *op = field_of(f, with_body("POST /v1/deployments", "", DEPLOY), "operation", "id");
    char request[200];
    snprintf(request, sizeof request, "GET /v1/operations/%s?wait=1s HTTP/1.1\r\n" END, op);
    EXPECT(f, request, "200 ", "\"state\":\"running\"", "\"finished_at\":null");
    snprintf(request, sizeof request, "GET /v1/operations/%s?wait=20s HTTP/1.1\r\n" END, op);
    struct mird_deployment d;
    assert_int_equal(mird_store_deployment_by_name(f->core.store, "hello", &d, NULL), 0);
    pthread_t thread;
    pthread_create(&thread, NULL, finish_later, d.id);
    EXPECT(f, request, "200 ", "\"state\":\"done\"");
    pthread_join(thread, NULL);
    snprintf(request, sizeof request, "GET /v1/operations/%s?wait=long HTTP/1.1\r\n" END, op);
    EXPECT(f, request, "422 ");
    free(op);
}

static void write_log(const struct fixture *f, const char *id, const char *text, size_t len)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s.log", f->dir, id);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fwrite(text, 1, len, file);
    fclose(file);
}

static void finish(const struct fixture *f, const char *id)
{
    struct mird_deployment d;
    assert_int_equal(mird_store_deployment_get(f->core.store, id, &d, NULL), 0);
    d.finished_s = mir_now_s(f->core.clock);
    assert_int_equal(mird_store_deployment_update(f->core.store, &d, NULL), 0);
    mird_hub_changed(f->core.hub, id);
}

static void test_logs(void **state)
{
    struct fixture *f = *state;
    char *id = deploy(f);
    EXPECT(f, "GET /v1/deployments/hello/logs HTTP/1.1\r\n" END, "200 ", "\r\n0\r\n");
    static const char text[] = "hello\nw\xc3\xb6rld \xff\x00 \xe2\x82";
    write_log(f, id, text, sizeof text - 1);
    EXPECT(f, "GET /v1/deployments/hello/logs HTTP/1.1\r\n" END, "hello\n");
    EXPECT(f, "GET /v1/deployments/hello/logs?offset=2 HTTP/1.1\r\n" END, "\nllo\n");
    EXPECT(f, "GET /v1/deployments/hello/logs?since=2040-01-01T00:00:00Z HTTP/1.1\r\n" END,
           "\nw\xc3\xb6rld");
    EXPECT(f, "GET /v1/deployments/hello/logs?offset=-1 HTTP/1.1\r\n" END, "422 ");
    EXPECT(f, "GET /v1/deployments/hello/logs?since=now HTTP/1.1\r\n" END, "422 ", "since");
    int fd = talk_dial(f->path);
    talk_say(fd, "GET /v1/deployments/hello/logs?follow=1 HTTP/1.1\r\n" END);
    usleep(100 * 1000);
    write_log(f, id, "\xac!", 2); /* the rest of a euro sign */
    mird_hub_changed(f->core.hub, id);
    usleep(100 * 1000);
    write_log(f, id, "bye \xc3", 5);
    finish(f, id);
    char *answer = talk_hear(fd);
    assert_non_null(strstr(answer, "text/event-stream"));
    assert_non_null(strstr(answer, "id: 16\ndata: {\"text\":\"hello\\nw\xc3\xb6rld "
                                   "\xef\xbf\xbd\xef\xbf\xbd \"}\n\n"));
    assert_non_null(strstr(answer, "\"text\":\"\xe2\x82\xac!\""));
    assert_non_null(strstr(answer, "\"text\":\"bye \xef\xbf\xbd\""));
    assert_non_null(strstr(answer, "id: 25\nevent: end\ndata: {}\n\n"));
    free(answer);
    EXPECT(f, "GET /v1/deployments/hello/logs?follow=1 HTTP/1.1\r\nLast-Event-ID: 19\r\n" END,
           "id: 25\ndata: {\"text\":\"!bye", "event: end");
    free(id);
}

static void test_events(void **state)
{
    struct fixture *f = *state;
    char *id = deploy(f);
    struct mird_event event = {.at_ms = 1795000000123, .kind = "note", .text = "one"};
    mir_copy(event.deployment, sizeof event.deployment, id);
    assert_int_equal(mird_store_event_add(f->core.store, &event, NULL), 0);
    EXPECT(f, "GET /v1/deployments/hello/events HTTP/1.1\r\n" END, "200 ", "\"text\":\"one\"",
           ".123Z");
    char request[200];
    snprintf(request, sizeof request,
             "GET /v1/deployments/hello/events?after=%lld HTTP/1.1\r\n" END, (long long)event.id);
    EXPECT(f, request, "{\"events\":[]}");
    int fd = talk_dial(f->path);
    snprintf(request, sizeof request,
             "GET /v1/deployments/hello/events HTTP/1.1\r\nAccept: text/event-stream\r\n"
             "Last-Event-ID: %lld\r\n" END,
             (long long)event.id);
    talk_say(fd, request);
    usleep(50 * 1000);
    mir_copy(event.text, sizeof event.text, "two");
    assert_int_equal(mird_store_event_add(f->core.store, &event, NULL), 0);
    finish(f, id);
    char *answer = talk_hear(fd);
    assert_non_null(strstr(answer, "\"text\":\"two\""));
    assert_null(strstr(answer, "\"text\":\"one\""));
    assert_non_null(strstr(answer, "\ndata: {\"id\":"));
    free(answer);
    free(id);
}

static int parts_left(const struct fixture *f)
{
    char command[160];
    snprintf(command, sizeof command, "%s/kernels", f->dir);
    return rmdir(command) ? -1 : 0; /* only an empty directory goes */
}

static void test_kernel_refusals(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, "GET /v1/kernels/" SHA " HTTP/1.1\r\n" END, "404 ", "store it with PUT");
    EXPECT(f, "GET /v1/kernels/..%2f..%2fetc%2fpasswd HTTP/1.1\r\n" END, "404 ");
    EXPECT(f, "GET /v1/kernels/ABC HTTP/1.1\r\n" END, "422 ", "SHA-256");
    EXPECT(f, "DELETE /v1/kernels/" SHA " HTTP/1.1\r\n" END, "404 ", "not stored here");
    EXPECT(f, "DELETE /v1/kernels/ABC HTTP/1.1\r\n" END, "422 ", "SHA-256");
    EXPECT(f, with_body("PUT /v1/kernels/" SHA, "", "abc"), "422 ", "corrupt", "what came has");
    EXPECT(f, with_body("PUT /v1/kernels/" SHA, "", ""), "422 ", "empty");
    EXPECT(f,
           "PUT /v1/kernels/" SHA " HTTP/1.1\r\nExpect: 100-continue\r\n"
           "Content-Length: 1048577\r\n" END,
           "413 ", "kernel_max");
    /* The right digest, but nobody there to inspect it. */
    EXPECT(f,
           with_body("PUT /v1/kernels/"
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                     "", "abc"),
           "500 ", "internal", "inspector");
    assert_int_equal(parts_left(f), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_service),         TEST(test_authority),   TEST(test_deployments),
        TEST(test_refusals),        TEST(test_idempotency), TEST(test_lease),
        TEST(test_operation_wait),  TEST(test_logs),        TEST(test_events),
        TEST(test_kernel_refusals),
    };
    return cmocka_run_group_tests_name("rest", tests, NULL, NULL);
}
