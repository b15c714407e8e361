/* SPDX-License-Identifier: ISC */
/*
 * The thread that keeps machines like the fake's instances: what becomes of both when one of them
 * changes. In the place of QEMU is a script, found by PATH as QEMU is.
 */
#include "scratch.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <time.h>

#include "ec2_life.h"
#include "fc_scratch.h"
#include "guest_disk.h"
#include "guests.h"

#define REGION "us-east-1"
#define INSTANCE "i-0123456789abcdef0"
#define VOLUME "vol-0123456789abcdef0"
#define PATIENCE_MS 30000

enum { RUNNING = 16, TERMINATED = 48, STOPPED = 80 };

static const struct fc_cause cause = {"test", "-", 1000};

struct house {
    struct fc_world *world;
    struct fc_object *instance;
    char *dir, *path;
};

static int house_make(void **state)
{
    struct house *house = mir_calloc(1, sizeof *house);
    *state = house;
    house->path = mir_strdup(getenv("PATH"));
    return fc_scratch_make(&house->dir, &house->world);
}

static int house_remove(void **state)
{
    struct house *house = *state;
    fc_guests_stop(house->world);
    setenv("PATH", house->path, 1);
    free(house->path);
    int rc = fc_scratch_remove(house->dir, house->world);
    free(house);
    return rc;
}

/* A running instance with a volume. */
static void add_instance(struct house *house, const char *type, const char *shutdown)
{
    fc_store_add(house->world->store, "volume", REGION, VOLUME,
                 json_pack("{s:i,s:s}", "size", 1, "snapshotId", ""), &cause);
    json_t *doc =
        json_pack("{s:s,s:{s:i,s:s},s:s,s:s,s:s,s:s,s:[{s:s,s:{s:s,s:b}}]}", "instanceType", type,
                  "instanceState", "code", RUNNING, "name", "running", "virtualizationType", "hvm",
                  "currentInstanceBootMode", "legacy-bios", "rootDeviceName", "/dev/xvda",
                  "_shutdown", shutdown, "blockDeviceMapping", "deviceName", "/dev/xvda", "ebs",
                  "volumeId", VOLUME, "deleteOnTermination", 1);
    assert_non_null(doc);
    house->instance = fc_store_add(house->world->store, "instance", REGION, INSTANCE, doc, &cause);
}

/* The script adds a line with its pid to `runs` in the state directory, where it works. */
static void start(struct house *house, const char *text)
{
    mir_auto_free char *whole = mir_format("#!/bin/sh\necho $$ >> runs\n%s\n", text);
    mir_auto_free char *path = mir_format("%s:%s", house->dir, house->path);
    assert_int_equal(mir_file_write_at(house->world->dir_fd, "qemu-system-x86_64", whole,
                                       strlen(whole), 0700, NULL),
                     0);
    setenv("PATH", path, 1);
    assert_int_equal(fc_guests_start(house->world, NULL), 0);
}

/* --- waiting for what another thread does --- */

static void nap(void)
{
    const struct timespec ten_ms = {.tv_nsec = 10000000};
    nanosleep(&ten_ms, NULL);
}

typedef bool check_fn(struct house *house, int number);

static void wait_until(struct house *house, check_fn *check, int number)
{
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += 10) {
        pthread_mutex_lock(&house->world->lock);
        bool done = check(house, number);
        pthread_mutex_unlock(&house->world->lock);
        if (done)
            return;
        nap();
    }
    fail_msg("not within %d ms", PATIENCE_MS);
}

static bool has_state(struct house *house, int code)
{
    return fc_instance_code(house->instance->doc) == code;
}

static bool has_said_hello(struct house *house, int number)
{
    (void)number;
    return !strcmp(fc_text_at(house->instance->doc, "_console"), "hello\n");
}

/* Which runs there were; their number, and the pid of the last. */
static int runs(struct house *house, pid_t *ret_last)
{
    mir_auto_free char *path = mir_format("%s/runs", house->dir);
    mir_auto_fclose FILE *file = fopen(path, "re");
    int count = 0, pid;
    while (file && fscanf(file, "%d", &pid) == 1) {
        *ret_last = pid;
        count++;
    }
    return count;
}

static bool has_run(struct house *house, int times)
{
    pid_t last;
    return runs(house, &last) == times;
}

static bool is_off(struct house *house, int number)
{
    pid_t last = 0;
    (void)number;
    return runs(house, &last) && kill(last, 0) && errno == ESRCH;
}

static bool disk_exists(struct house *house, int wanted)
{
    return fc_guest_disk_exists(house->world->dir_fd, VOLUME) == (wanted != 0);
}

static bool folder_is_away(struct house *house, int number)
{
    (void)number;
    return faccessat(house->world->dir_fd, "guests/" INSTANCE, F_OK, 0) != 0;
}

static const char *reason(struct house *house)
{
    return fc_text_at(house->instance->doc, "stateReason.code");
}

/* --- cases --- */

static void what_it_says_is_the_instances_console(void **state)
{
    struct house *house = *state;
    add_instance(house, "t3.micro", "stop");
    start(house, "echo hello; exec sleep 600");
    wait_until(house, has_said_hello, 0);
    assert_true(has_state(house, RUNNING));
}

static void power_off_stops_and_its_disk_stays(void **state)
{
    struct house *house = *state;
    add_instance(house, "t3.micro", "stop");
    start(house, "echo hello");
    wait_until(house, has_state, STOPPED);
    assert_true(has_said_hello(house, 0)); /* its last words */
    assert_string_equal(reason(house), "Client.InstanceInitiatedShutdown");
    assert_true(disk_exists(house, 1));
    assert_true(has_run(house, 1));
    pthread_mutex_lock(&house->world->lock);
    fc_life_start(house->world, house->instance, &cause);
    fc_world_commit(house->world, &cause);
    pthread_mutex_unlock(&house->world->lock);
    wait_until(house, has_run, 2);
}

static void power_off_terminates_where_that_was_asked_for(void **state)
{
    struct house *house = *state;
    add_instance(house, "t3.micro", "terminate");
    start(house, "exit 0");
    wait_until(house, has_state, TERMINATED);
    assert_string_equal(reason(house), "Client.InstanceInitiatedShutdown");
    wait_until(house, disk_exists, 0);
    wait_until(house, folder_is_away, 0);
    assert_true(has_run(house, 1));
}

static void a_machine_that_fails_is_the_clouds_fault(void **state)
{
    struct house *house = *state;
    add_instance(house, "t3.micro", "stop");
    start(house, "exit 1");
    wait_until(house, has_state, TERMINATED);
    assert_string_equal(reason(house), "Server.InternalError");
    assert_true(has_run(house, 1));
}

static void terminating_cuts_its_power(void **state)
{
    struct house *house = *state;
    add_instance(house, "t3.micro", "stop");
    start(house, "echo hello; exec sleep 600");
    wait_until(house, has_said_hello, 0);
    pthread_mutex_lock(&house->world->lock);
    fc_life_terminate(house->world, house->instance, "Client.UserInitiatedShutdown", &cause);
    fc_world_commit(house->world, &cause);
    pthread_mutex_unlock(&house->world->lock);
    wait_until(house, is_off, 0);
    wait_until(house, disk_exists, 0);
    wait_until(house, folder_is_away, 0);
    assert_string_equal(reason(house), "Client.UserInitiatedShutdown");
}

static void none_is_left_when_it_stops(void **state)
{
    struct house *house = *state;
    add_instance(house, "t3.micro", "stop");
    start(house, "echo hello; exec sleep 600");
    wait_until(house, has_said_hello, 0);
    fc_guests_stop(house->world);
    assert_true(is_off(house, 0));
    assert_true(has_state(house, RUNNING) && disk_exists(house, 1));
}

/* Looked at before the other one, which is one. */
static void what_can_be_no_machine_is_left_alone(void **state)
{
    struct house *house = *state;
    add_instance(house, "t4g.nano", "stop");
    json_t *doc = json_deep_copy(house->instance->doc);
    json_object_set_new(doc, "instanceType", json_string("t3.micro"));
    json_object_del(doc, "blockDeviceMapping");
    fc_store_add(house->world->store, "instance", REGION, "i-11111111111111111", doc, &cause);
    start(house, "exec sleep 600");
    wait_until(house, has_run, 1);
    fc_guests_stop(house->world);
    assert_true(has_state(house, RUNNING) && has_run(house, 1));
}

static void without_qemu_it_is_refused(void **state)
{
    struct house *house = *state;
    struct mir_error err = {0};
    setenv("PATH", house->dir, 1);
    assert_int_equal(fc_guests_start(house->world, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    assert_non_null(strstr(err.hint, "qemu-system-x86"));
    assert_null(house->world->guests);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, house_make, house_remove)
    const struct CMUnitTest tests[] = {
        CASE(what_it_says_is_the_instances_console),
        CASE(power_off_stops_and_its_disk_stays),
        CASE(power_off_terminates_where_that_was_asked_for),
        CASE(a_machine_that_fails_is_the_clouds_fault),
        CASE(terminating_cuts_its_power),
        CASE(none_is_left_when_it_stops),
        CASE(what_can_be_no_machine_is_left_alone),
        CASE(without_qemu_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
