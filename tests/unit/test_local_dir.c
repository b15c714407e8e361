/* SPDX-License-Identifier: ISC */
#include "dir.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "ctx.h"
#include "local_help.h"

static int make_instance(void **state)
{
    int fd = -1;
    assert_int_equal(mkdirat(local_place_fd(state), LOCAL_TOKEN, 0700), 0);
    assert_int_equal(local_dir_open(local_place_fd(state), LOCAL_TOKEN, &fd, NULL), 0);
    return fd;
}

static void opening(void **state)
{
    int root = local_place_fd(state), fd = -1;
    struct mir_error err = {0};
    assert_int_equal(local_dir_open(root, LOCAL_TOKEN, &fd, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    static const char *const bad[] = {"", "..", "gone-x", "/etc", LOCAL_TOKEN "0"};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        assert_int_equal(local_dir_open(root, bad[i], &fd, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
    }
    assert_int_equal(symlinkat("/etc", root, LOCAL_TOKEN), 0);
    assert_int_equal(local_dir_open(root, LOCAL_TOKEN, &fd, &err), -1);
    assert_int_equal(fd, -1);
}

/* The heart of "what is listed is what really runs": held exactly as long as anybody with the open
 * file lives, whoever took it. */
static void the_lock_is_inherited(void **state)
{
    int dir = make_instance(state), ours = -1, other = -1, hold[2];
    assert_int_equal(local_lock_held(dir), 0);
    assert_int_equal(local_lock_open(dir, &ours, NULL), 0);
    assert_int_equal(local_lock_held(dir), 0);
    assert_int_equal(local_lock_try(ours), 1);
    assert_int_equal(local_lock_try(ours), 1);
    assert_int_equal(local_lock_held(dir), 1);
    assert_int_equal(local_lock_open(dir, &other, NULL), 0);
    assert_int_equal(local_lock_try(other), 0);
    assert_int_equal(pipe(hold), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char c;
        close(hold[1]);
        (void)!read(hold[0], &c, 1);
        _exit(0);
    }
    close(hold[0]);
    close(ours); /* the child still has it */
    assert_int_equal(local_lock_held(dir), 1);
    struct mir_error err = {0};
    assert_int_equal(local_lock_wait(dir, other, 60, &err), -1);
    assert_int_equal(err.kind, MIR_TIMEOUT);
    close(hold[1]);
    assert_int_equal(local_lock_wait(dir, other, 5000, &err), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(local_lock_held(dir), 1); /* by us now */
    close(other);
    assert_int_equal(local_lock_held(dir), 0);
    close(dir);
}

static void a_removed_lock_is_noticed(void **state)
{
    int dir = make_instance(state), lock = -1;
    assert_int_equal(local_lock_open(dir, &lock, NULL), 0);
    assert_int_equal(local_lock_current(dir, lock), 1);
    assert_int_equal(unlinkat(dir, LOCAL_LOCK_FILE, 0), 0);
    assert_int_equal(local_lock_current(dir, lock), 0);
    close(lock);
    assert_int_equal(local_lock_open(dir, &lock, NULL), 0);
    assert_int_equal(local_lock_current(dir, lock), 1);
    close(lock);
    close(dir);
}

/* A delete that failed half-way is gone on with, though the name is away already. */
static void discarding_the_rest(void **state)
{
    int root = local_place_fd(state);
    struct local_ctx local = {.root_fd = root};
    assert_int_equal(mkdirat(root, "gone-" LOCAL_TOKEN, 0700), 0);
    assert_int_equal(mkdirat(root, "gone-" LOCAL_TOKEN "/x", 0700), 0);
    assert_int_equal(local_instance_delete(&local, LOCAL_TOKEN, NULL), 0);
    assert_int_equal(local_dir_has(root, "gone-" LOCAL_TOKEN), 0);
    assert_int_equal(local_instance_delete(&local, LOCAL_TOKEN, NULL), 0);
}

static void discarding(void **state)
{
    int root = local_place_fd(state), dir = make_instance(state);
    local_put(dir, "spec.json", "x", 1);
    close(dir);
    assert_int_equal(local_dir_discard(root, LOCAL_TOKEN, NULL), 0);
    assert_int_equal(local_dir_has(root, LOCAL_TOKEN), 0);
    assert_int_equal(local_dir_has(root, "gone-" LOCAL_TOKEN), 0);
    assert_int_equal(local_dir_discard(root, LOCAL_TOKEN, NULL), 0);
    /* A crash between renaming and removing: cleaned at the next start, others left alone. */
    dir = make_instance(state);
    close(dir);
    assert_int_equal(mkdirat(root, "gone-x", 0700), 0);
    local_dir_clean(root);
    assert_int_equal(local_dir_has(root, "gone-x"), 0);
    assert_int_equal(local_dir_has(root, LOCAL_TOKEN), 1);
}

static int64_t ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void waiting_for_a_file(void **state)
{
    int dir = make_instance(state), lock = -1;
    assert_int_equal(local_lock_open(dir, &lock, NULL), 0);
    int64_t began = ms();
    local_dir_wait_file(dir, "f", 3000); /* nobody is at work: no use in waiting */
    assert_true(ms() - began < 2000);
    assert_int_equal(local_lock_try(lock), 1);
    began = ms();
    local_dir_wait_file(dir, "f", 50);
    assert_true(ms() - began >= 50);
    pid_t pid = fork();
    if (pid == 0) {
        usleep(50000);
        _exit(mir_file_write_at(dir, "f", "", 0, 0600, NULL) ? 1 : 0);
    }
    local_dir_wait_file(dir, "f", 10000);
    assert_int_equal(local_dir_has(dir, "f"), 1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(lock);
    close(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_IN_PLACE(opening),
        LOCAL_IN_PLACE(the_lock_is_inherited),
        LOCAL_IN_PLACE(a_removed_lock_is_noticed),
        LOCAL_IN_PLACE(discarding),
        LOCAL_IN_PLACE(discarding_the_rest),
        LOCAL_IN_PLACE(waiting_for_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
