/* SPDX-License-Identifier: ISC */
/* What the daemon does around its parts: options, the lock, saying that it is ready, and the times
 * of the console log. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "daemon/engine.h"
#include "daemon/kernel_store.h"
#include "lock.h"
#include "log_times.h"
#include "notify.h"
#include "settings.h"
#include "start.h"

static char dir[64];

static int setup(void **state)
{
    mir_copy(dir, sizeof dir, "/tmp/mird-start-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    return mir_dir_remove_at(AT_FDCWD, dir, NULL);
}

/* --- options --- */

static int read_words(const char *const *words, struct mird_options *ret, struct mir_error *err)
{
    char *argv[16] = {NULL};
    int argc = 0;
    argv[argc++] = (char *)(uintptr_t) "mirage-deployd";
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return mird_options_read(argc, argv, ret, err);
}

#define READ(ret, err, ...) read_words((const char *const[]){__VA_ARGS__, NULL}, ret, err)

static void test_options(void **state)
{
    struct mird_options o;
    struct mir_error err = {0};
    assert_int_equal(READ(&o, &err, "run", "--state", "/s", "--public=none", "--ready-fd", "7"), 0);
    assert_string_equal(o.state, "/s");
    assert_string_equal(o.public_at, "none");
    assert_int_equal(o.ready_fd, 7);
    assert_int_equal(o.public_fd, -1);
    assert_null(o.socket);
    assert_false(o.help || o.version || o.standby || o.shut_out);
    assert_int_equal(READ(&o, &err, "--state", "/s", "--shut-out"), 0);
    assert_true(o.shut_out);
    assert_int_equal(READ(&o, &err, "--version"), 0);
    assert_true(o.version);
    assert_int_equal(READ(&o, &err, "--sate", "x"), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_non_null(strstr(err.hint, "--state"));
    assert_int_equal(READ(&o, &err, "--state"), -1);
    assert_non_null(strstr(err.text, "needs a value"));
    assert_int_equal(READ(&o, &err, "--version=1"), -1);
    assert_int_equal(READ(&o, &err, "--ready-fd", "x"), -1);
    assert_int_equal(READ(&o, &err, "--ready-fd", "-1"), -1);
    assert_int_equal(READ(&o, &err, "--stat", "x"), -1);
    assert_int_equal(READ(&o, &err, "walk"), -1);
}

/* --- where a standby answers --- */

static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", dir, name);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void assert_socket(const struct mird_options *options, const char *name)
{
    mir_auto_free char *path = *name == '/' ? mir_strdup(name) : mir_format("%s/%s", dir, name);
    mir_auto_free char *given = mir_format("%s/api.sock", dir);
    mir_auto_free char *got = NULL, *usual = NULL;
    assert_int_equal(mird_socket_paths(options, dir, &got, &usual, NULL), 0);
    assert_string_equal(got, path);
    assert_string_equal(usual, options->socket ? options->socket : given);
}

/* Not where another one answers; a place that nobody answers at, or that leads elsewhere, is free.
 * One that was shut out leaves the place that it was given to the one that acts. */
static void test_socket_path(void **state)
{
    struct mird_options given = {.state = dir, .socket = "/given"};
    struct mird_options standby = {.state = dir, .standby = true};
    mir_auto_free char *link_path = mir_format("%s/standby.sock", dir);
    unsetenv("MIRAGE_DEPLOY_SOCKET");
    assert_socket(&given, "/given");
    assert_socket(&standby, "standby.sock");
    int first = listen_at("standby.sock"), second = listen_at("standby-2.sock");
    assert_socket(&standby, "standby-3.sock");
    given.standby = true;
    assert_socket(&given, "/given");
    given.shut_out = true;
    assert_socket(&given, "standby-3.sock");
    close(second);
    assert_socket(&standby, "standby-2.sock");
    close(first);
    assert_socket(&standby, "standby.sock");
    assert_int_equal(unlink(link_path), 0);
    assert_int_equal(symlink("api.sock", link_path), 0);
    first = listen_at("api.sock");
    assert_socket(&standby, "standby.sock");
    assert_socket(&(struct mird_options){.state = dir}, "api.sock");
    close(first);
}

/* --- lock --- */

static void test_lock(void **state)
{
    struct mir_error err = {0};
    int first = -1, second = -1;
    char holder[32];
    assert_int_equal(mird_lock_take(dir, 1795000000, &first, &err), 0);
    assert_int_equal(mird_lock_take(dir, 1795000001, &second, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    snprintf(holder, sizeof holder, "pid %d since 2026-", (int)getpid());
    assert_non_null(strstr(err.text, holder));
    assert_int_equal(second, -1);
    close(first);
    assert_int_equal(mird_lock_take(dir, 1795000002, &second, &err), 0);
    close(second);
    assert_int_equal(mird_lock_take("/proc/nowhere", 0, &second, &err), -1);
    assert_non_null(strstr(err.hint, "MIRAGE_DEPLOY_STATE"));
}

/* --- ready --- */

static void test_ready_fd(void **state)
{
    int ends[2];
    char line[1024] = "";
    struct mir_error err;
    assert_int_equal(pipe(ends), 0);
    mird_ready_fd(ends[1], NULL);
    assert_int_equal(read(ends[0], line, sizeof line), 6);
    assert_memory_equal(line, "ready\n", 6);
    close(ends[0]);
    assert_int_equal(pipe(ends), 0);
    mir_fail(&err, MIR_CONFLICT, "two\nlines");
    mird_ready_fd(ends[1], &err);
    ssize_t n = read(ends[0], line, sizeof line - 1);
    assert_true(n > 20);
    line[n] = '\0';
    assert_ptr_equal(strchr(line, '\n'), line + n - 1);
    json_t *doc = json_loads(line, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(doc, "code")), "conflict");
    json_decref(doc);
    close(ends[0]);
    mird_ready_fd(-1, NULL);
}

static void test_notify(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char text[64] = "";
    snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", dir);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    mird_notify("READY=1\n");
    unsetenv("NOTIFY_SOCKET");
    mird_notify("STOPPING=1\n");
    assert_int_equal(recv(fd, text, sizeof text, 0), 8);
    assert_string_equal(text, "READY=1\n");
    assert_int_equal(recv(fd, text, sizeof text, 0), -1);
    close(fd);
}

/* --- times of the log --- */

char *mird_engine_log_path(const struct mird_core *core, const char *deployment)
{
    return mir_format("%s/logs/%s.log", core->state_dir, deployment);
}

static void test_log_times(void **state)
{
    const struct mird_core core = {.state_dir = dir};
    const char *id = "0123456789abcdef0123456789abcdef";
    char path[160];
    snprintf(path, sizeof path, "%s/logs", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(mird_engine_log_since(&core, id, 0), 0);
    static const int64_t rows[][2] = {{100, 0}, {100, 5}, {101, 10}, {99, 20}, {110, 30}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        mird_log_times_note(&core, id, rows[i][0], rows[i][1]);
    snprintf(path, sizeof path, "%s/logs/%s.times", dir, id);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 3 * 16); /* the same second, and a clock set back, add none */
    snprintf(path, sizeof path, "%s/logs/%s.log", dir, id);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(mir_write_all(fd, "0123456789012345678901234567890123456789", 40), 0);
    close(fd);
    static const int64_t wanted[][2] = {{0, 0},    {100, 0},  {101, 10},
                                        {102, 30}, {110, 30}, {111, 40}};
    for (size_t i = 0; i < MIR_NELEMS(wanted); i++)
        assert_int_equal(mird_engine_log_since(&core, id, wanted[i][0]), wanted[i][1]);
}

/* --- kernel files --- */

static void test_kernel_files(void **state)
{
    struct mir_error err = {0};
    struct mird_upload *upload = NULL;
    const char *sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    char path[160];
    assert_int_equal(mird_depot_prepare(&mird_depot_kernels, dir, &err), 0);
    assert_int_equal(mird_upload_begin(&mird_depot_kernels, dir, sha, 4, &upload, &err), 0);
    assert_int_equal(mird_upload_write(upload, "ab", 2, &err), 0);
    assert_int_equal(mird_upload_write(upload, "cde", 3, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    mird_upload_free(upload);
    snprintf(path, sizeof path, "%s/kernels", dir);
    assert_int_equal(rmdir(path), 0); /* nothing was left in it */
    assert_int_equal(mird_depot_prepare(&mird_depot_kernels, dir, &err), 0);
    /* A crash's leftover goes at the next start; what is not ours to judge stays. */
    static const char *const tails[] = {"", ".part-00", ".other"};
    for (size_t i = 0; i < MIR_NELEMS(tails); i++) {
        snprintf(path, sizeof path, "%s/kernels/%s%s", dir, sha, tails[i]);
        close(open(path, O_WRONLY | O_CREAT, 0600));
    }
    assert_int_equal(mird_depot_prepare(&mird_depot_kernels, dir, &err), 0);
    snprintf(path, sizeof path, "%s/kernels/%s.part-00", dir, sha);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof path, "%s/kernels/%s", dir, sha);
    assert_int_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/kernels/%s.other", dir, sha);
    assert_int_equal(access(path, F_OK), 0);
    struct mir_kernel kernel = {.bytes = 0};
    mir_copy(kernel.sha256, sizeof kernel.sha256, sha);
    assert_true(mird_kernel_stored(dir, &kernel));
    kernel.bytes = 1;
    assert_false(mird_kernel_stored(dir, &kernel));
    assert_int_equal(mird_depot_room(&mird_depot_kernels, dir, UINT64_MAX / 2, &err), -1);
    assert_int_equal(err.kind, MIR_NO_SPACE);
    assert_int_equal(mird_depot_room(&mird_depot_kernels, dir, 1, &err), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_options), TEST(test_socket_path), TEST(test_lock),         TEST(test_ready_fd),
        TEST(test_notify),  TEST(test_log_times),   TEST(test_kernel_files),
    };
    return cmocka_run_group_tests_name("start", tests, NULL, NULL);
}
