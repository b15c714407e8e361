/* SPDX-License-Identifier: ISC */
/* A commit whose answer is lost: it failed for all that the engine hears, and was done all the
 * same. The fault is planned for a whole process (api/fault.h), so each case runs in one of its
 * own: first without a fault, to count the commits before the one in question, then with it. */
#include <sys/wait.h>

#include "mird_house.h"

#define KEY "a-key"
#define BODY "0000"

/* In the child without a fault: where the counted points and the number found go. */
#define COUNT_FILE "MIRAGE_DEPLOY_FAULT_COUNT"
#define NUMBER_FILE "ENTRY_NUMBER"

static unsigned long commits_so_far(const char *path)
{
    static const char name[] = " store.commit ";
    mir_auto_free char *text = NULL;
    unsigned long count = 0;
    if (mir_file_read(path, 1 << 20, &text, NULL, NULL))
        return 0;
    for (const char *p = text; (p = strstr(p, name)); p += sizeof name - 1)
        count++;
    return count;
}

/* The next commit is the one: its second point is behind it. */
static void mark(void)
{
    if (!getenv(NUMBER_FILE))
        return;
    mir_auto_free char *text = mir_format("%lu", commits_so_far(getenv(COUNT_FILE)) + 2);
    write_text(getenv(NUMBER_FILE), text);
}

static struct mird_deployment deploy_with_key(struct house *h, struct mird_operation *ret_op)
{
    struct mird_deployment d;
    struct mir_error err = {0};
    struct mird_request r = request(h, "kept", 600);
    if (mird_engine_deploy(h->core.engine, &r, KEY, BODY, &d, ret_op, &err))
        fail_msg("deploy: %s", err.text);
    return d;
}

/* It was written, so it is acknowledged, runs once, and a repeated request finds it. */
static void child_deploy(void **state)
{
    struct house *h = *state;
    struct mird_operation op, again;
    mark();
    struct mird_deployment d = deploy_with_key(h, &op);
    assert_false(wait_operation(h, op.id).failed);
    wait_state(h, d.id, MIRD_RUNNING);
    assert_string_equal(deploy_with_key(h, &again).id, d.id);
    assert_int_equal(creates(), 1);
}

/* What is shown is what is kept, and the next extension is none that came too late. */
static void child_extend(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_operation op;
    struct mir_error err = {0};
    d = deploy_with_key(h, &op);
    assert_false(wait_operation(h, op.id).failed);
    usleep(300000); /* what the launch still has to write */
    int64_t later_s = d.deadline_s + 60;
    mark();
    if (mird_engine_extend(h->core.engine, d.id, "tester", later_s, 0, &d, &op, &err))
        fail_msg("extend: %s", err.text);
    assert_int_equal(d.deadline_s, later_s);
    assert_int_equal(read_it(h, d.id).deadline_s, later_s);
    assert_false(wait_operation(h, op.id).failed);
    assert_int_equal(cloud.rows[0].hook_s, later_s);
    if (mird_engine_extend(h->core.engine, d.id, "tester", later_s + 60, 0, &d, &op, &err))
        fail_msg("extend again: %s", err.text);
    assert_int_equal(read_it(h, d.id).deadline_s, later_s + 60);
}

static const struct child {
    const char *name;
    CMUnitTestFunction fn;
} children[] = {{"deploy", child_deploy}, {"extend", child_extend}};

static int be(const char *name)
{
    for (size_t i = 0; i < MIR_NELEMS(children); i++)
        if (!strcmp(children[i].name, name)) {
            const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(children[i].fn, setup, teardown)};
            return cmocka_run_group_tests(tests, NULL, NULL);
        }
    return 99;
}

/* Its exit status; its words go nowhere unless it fails. */
static int run_child(const char *name, const char *variable, const char *value, const char *number)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        mir_auto_close int null_fd = open("/dev/null", O_WRONLY);
        dup2(null_fd, STDOUT_FILENO);
        setenv(variable, value, 1);
        if (number)
            setenv(NUMBER_FILE, number, 1);
        execl("/proc/self/exe", "test_mird_entry", name, (char *)NULL);
        _exit(98);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void lose_the_answer(const char *name)
{
    char dir[] = "/tmp/mird-entry-XXXXXX";
    assert_non_null(mkdtemp(dir));
    mir_auto_free char *count = mir_format("%s/count", dir);
    mir_auto_free char *number = mir_format("%s/number", dir);
    mir_auto_free char *at = NULL;
    assert_int_equal(run_child(name, COUNT_FILE, count, number), 0);
    assert_int_equal(mir_file_read(number, 20, &at, NULL, NULL), 0);
    mir_auto_free char *fault = mir_format("fail-after:store.commit#%s", at);
    int failed = run_child(name, "MIRAGE_DEPLOY_FAULT", fault, NULL);
    assert_int_equal(mir_dir_remove_at(AT_FDCWD, dir, NULL), 0);
    assert_int_equal(failed, 0);
}

static void a_deployment_that_was_written_is_one(void **state)
{
    lose_the_answer("deploy");
}

static void an_extension_that_was_written_is_one(void **state)
{
    lose_the_answer("extend");
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return be(argv[1]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_deployment_that_was_written_is_one),
                                       cmocka_unit_test(an_extension_that_was_written_is_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
