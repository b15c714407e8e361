/* SPDX-License-Identifier: ISC */
/*
 * Every call that changes something, half done: before it leaves, after it was carried out, with
 * its answer lost on the way, and with an answer that says nothing. What creates may have been
 * carried out once, never twice.
 */
#include "os_server.h"
#include "wire_files.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "openstack/image.h"
#include "openstack/object_store.h"
#include "operations.h"

static const char *const parts[] = {"one", "two", "three"};

/* One call to be hurt: of a table, or one that has none. */
struct victim {
    const char *name;
    enum os_service service;
    bool once; /* a second time would make a second thing */
    const struct os_operation *operation;
    int (*call)(struct os_session *session, int64_t until_ms, struct mir_error *err);
};

static int call_victim(const struct victim *v, struct os_session *session, struct mir_error *err)
{
    int64_t until_ms = os_until(session, 60000);
    if (!v->operation)
        return v->call(session, until_ms, err);
    const struct mir_table *reply = v->operation->reply;
    void *ret = reply ? mir_calloc(1, reply->size) : NULL;
    json_t *body = json_object();
    int rc = os_operate_json(session, v->operation, parts, body, until_ms, ret, err);
    for (size_t i = 0; rc && reply && i < reply->size; i++)
        assert_int_equal(((char *)ret)[i], 0); /* of what failed nothing is given */
    if (reply)
        mir_record_clear(reply, ret);
    json_decref(body);
    free(ret);
    return rc;
}

/* --- calls that no table describes --- */

static int give(void *ctx, void *out, size_t size, size_t *ret_len, struct mir_error *err)
{
    size_t *left = ctx;
    *ret_len = *left < size ? *left : size;
    memset(out, 'x', *ret_len);
    *left -= *ret_len;
    return 0;
}

static int upload(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    size_t left = 9;
    return os_image_upload(session, "i", &(struct mir_http_stream){give, &left, 9}, until_ms, err);
}

static int stage(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    size_t left = 9;
    return os_image_stage(session, "i", &(struct mir_http_stream){give, &left, 9}, until_ms, err);
}

static const struct os_object_at at = {"c", "o"};

static int create_container(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_container_create(session, "c", until_ms, err);
}

static int put(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_put_object args = {.data = "x", .len = 1};
    return os_object_put(session, &at, &args, until_ms, NULL, err);
}

static int put_manifest(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_put_object args = {.data = NULL};
    return os_object_put_segments(session, &at, NULL, 0, &args, until_ms, err);
}

static int delete_object(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_object_delete(session, &at, true, until_ms, err);
}

static int set_key(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    const struct mir_secret key = {.text = NULL};
    return os_object_set_temp_key(session, &key, until_ms, err);
}

static int revoke_token(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_token_revoke(session, until_ms, err);
}

static const struct victim bare[] = {
    {"UploadImage", OS_IMAGE, true, NULL, upload},
    {"StageImage", OS_IMAGE, true, NULL, stage},
    {"CreateContainer", OS_OBJECT_STORE, false, NULL, create_container},
    {"PutObject", OS_OBJECT_STORE, false, NULL, put},
    {"PutManifest", OS_OBJECT_STORE, false, NULL, put_manifest},
    {"DeleteObject", OS_OBJECT_STORE, false, NULL, delete_object},
    {"UpdateAccount", OS_OBJECT_STORE, false, NULL, set_key},
    {"RevokeToken", OS_IDENTITY, false, NULL, revoke_token},
};

/* A good answer to it, owned: one that the wire tests have. */
static char *good_answer(const char *name)
{
    mir_auto_free char *folder = mir_format("%s/%s", wire_folder, name);
    DIR *dir = opendir(folder);
    char *found = NULL;
    for (const struct dirent *e; dir && !found && (e = readdir(dir));) {
        mir_auto_free char *where = mir_format("%s/%s", name, e->d_name);
        char *text = *e->d_name == '.' ? NULL : wire_read(where, "reply", 0);
        if (text && !strncmp(text, "HTTP/1.1 2", 10))
            found = text;
        else
            free(text);
    }
    if (dir)
        closedir(dir);
    return found ? found : mir_strdup("HTTP/1.1 204 No Content\n\n");
}

typedef void each_fn(const struct victim *victim, const char *answer);

static size_t for_each(each_fn *each)
{
    size_t count = 0;
    for (size_t i = 0; os_operation_lists[i]; i++)
        for (const struct os_operation *o = os_operation_lists[i]; o->name; o++) {
            struct victim v = {o->name, o->service, o->once, o, NULL};
            mir_auto_free char *answer = good_answer(o->name);
            if (!o->reads && ++count)
                each(&v, answer);
        }
    for (size_t i = 0; i < MIR_NELEMS(bare); i++, count++) {
        mir_auto_free char *answer = good_answer(bare[i].name);
        each(&bare[i], answer);
    }
    return count;
}

/* --- hurt from outside --- */

/* First this answer, then a good one: how often it was asked, and what is known then. */
static void hurt_by(const struct victim *v, const char *bad, const char *good)
{
    const char *answers[] = {bad, good, NULL};
    struct test_world w;
    struct mir_error err = {0};
    world_open(&w, answers);
    int rc = call_victim(v, w.session, &err);
    world_close(&w);
    size_t asked = v->once ? 1 : 2;
    if (world_requests(&w) != asked || !rc != !v->once ||
        (rc && err.outcome != MIR_OUTCOME_UNKNOWN))
        fail_msg("%s after %.20s: %zu requests, %d, outcome %d: %s", v->name, bad,
                 world_requests(&w), rc, (int)err.outcome, err.text);
    world_free(&w);
}

static void hurt(const struct victim *v, const char *answer)
{
    hurt_by(v, SCRIPT_CLOSE, answer);
    hurt_by(v, OS_JSON("503 X") "{\"x\":{\"code\":503,\"message\":\"sick\"}}", answer);
    hurt_by(v, "HTTP/1.1 502 X\nContent-Type: text/html\n\n<html><h1>502</h1></html>", answer);
}

static void test_answers_lost(void **state)
{
    assert_true(for_each(hurt) > 45);
}

/* --- hurt from inside; each in a process of its own, which reads its plan once --- */

static int planted(const struct victim *v, const char *mode, const char *answer)
{
    const char *answers[] = {answer, NULL};
    bool after = !strcmp(mode, "fail-after"); /* the second point of its name */
    mir_auto_free char *plan =
        mir_format("%s:%s.%s#%d", mode, os_service_name(v->service), v->name, after ? 2 : 1);
    setenv("MIRAGE_DEPLOY_FAULT", plan, 1);
    struct test_world w;
    struct mir_error err = {0};
    world_open(&w, answers);
    int rc = call_victim(v, w.session, &err);
    world_close(&w);
    size_t asked = world_requests(&w);
    world_free(&w);
    if (rc == -1 && asked == (after ? 1 : 0) &&
        err.outcome == (after ? MIR_OUTCOME_UNKNOWN : MIR_DID_NOT_HAPPEN))
        return 0;
    printf("%s: %d, %zu requests, outcome %d: %s\n", plan, rc, asked, (int)err.outcome, err.text);
    return 1;
}

static void plant(const struct victim *v, const char *answer)
{
    static const char *const modes[] = {"fail-before", "fail-after"};
    for (size_t i = 0; i < 2; i++) {
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            int rc = planted(v, modes[i], answer);
            fflush(NULL);
            _exit(rc);
        }
        int status = -1;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (status)
            fail_msg("%s: %s", v->name, modes[i]);
    }
}

static void test_planted(void **state)
{
    assert_true(for_each(plant) > 45);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted), /* first: nothing has read the plan yet */
        cmocka_unit_test(test_answers_lost),
    };
    if (argc != 2)
        return 2;
    wire_folder = argv[1];
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
