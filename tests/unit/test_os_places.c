/* SPDX-License-Identifier: ISC */
/* What is written down of where a lease's things are: what the next daemon knows by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/clock.h"
#include "api/file.h"
#include "api/memory.h"
#include "stack.h"

#define ONE "0123456789abcdef0123456789abcdef"
#define TWO "fedcba9876543210fedcba9876543210"

static char folder[64];

/* As a daemon that begins here. */
static void begin(struct stack *stack)
{
    *stack = (struct stack){.clock = mir_clock_system(), .folder = folder};
    pthread_mutex_init(&stack->lock, NULL);
    stack_places_load(stack);
}

static void end(struct stack *stack)
{
    pthread_mutex_destroy(&stack->lock);
    free(stack->seen);
}

static void again(struct stack *stack)
{
    end(stack);
    begin(stack);
}

static int setup(void **state)
{
    mir_copy(folder, sizeof folder, "/tmp/mirage-places-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    static const char *const names[] = {ONE, TWO};
    for (size_t i = 0; i < MIR_NELEMS(names); i++) {
        mir_auto_free char *path = mir_format("%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static const struct stack_site site = {.cloud = "home", .region = "RegionTwo"};

static void place_and_trigger(void **state)
{
    struct stack stack;
    struct stack_seen seen;
    begin(&stack);
    assert_false(stack_recall(&stack, ONE, &seen));
    assert_int_equal(stack_intend(&stack, ONE, &site, NULL), 0);
    again(&stack);
    assert_true(stack_recall(&stack, ONE, &seen));
    assert_string_equal(seen.cloud, "home");
    assert_string_equal(seen.region, "RegionTwo");
    assert_int_equal(seen.trigger, STACK_TRIGGER_UNKNOWN);
    assert_int_equal(stack_intend_trigger(&stack, ONE, &site, NULL), 0);
    again(&stack);
    assert_true(stack_recall(&stack, ONE, &seen));
    assert_int_equal(seen.trigger, STACK_TRIGGER_MADE);
    assert_string_equal(seen.region, "RegionTwo");
    end(&stack);
}

/* A launch that is repeated, a listing and another place: none of them forgets the trigger. */
static void trigger_stays_known(void **state)
{
    static const struct stack_site other = {.cloud = "home", .region = ""};
    struct stack stack;
    struct stack_seen seen;
    begin(&stack);
    assert_int_equal(stack_intend_trigger(&stack, ONE, &site, NULL), 0);
    assert_int_equal(stack_intend(&stack, ONE, &site, NULL), 0);
    stack_remember(&stack, ONE, &site);
    assert_true(stack_recall(&stack, ONE, &seen) && seen.trigger == STACK_TRIGGER_MADE);
    assert_int_equal(stack_intend(&stack, ONE, &other, NULL), 0);
    again(&stack);
    assert_true(stack_recall(&stack, ONE, &seen) && seen.trigger == STACK_TRIGGER_MADE);
    assert_string_equal(seen.region, "");
    /* That it may not be taken away is found out anew by each daemon. */
    stack_remember_trigger(&stack, ONE, STACK_TRIGGER_STAYS);
    again(&stack);
    assert_true(stack_recall(&stack, ONE, &seen) && seen.trigger == STACK_TRIGGER_MADE);
    end(&stack);
}

/* Both are known again, in whichever order they came. */
static void server_and_trigger(void **state)
{
    static const struct stack_site other = {.cloud = "home", .region = ""};
    struct stack stack;
    struct stack_seen seen;
    begin(&stack);
    assert_int_equal(stack_intend(&stack, ONE, &site, NULL), 0);
    stack_remember_server(&stack, ONE, "5e17");
    assert_int_equal(stack_intend_trigger(&stack, ONE, &site, NULL), 0);
    again(&stack);
    assert_true(stack_recall(&stack, ONE, &seen) && seen.trigger == STACK_TRIGGER_MADE);
    assert_string_equal(seen.server, "5e17");
    stack_remember_server(&stack, ONE, "6e17");
    again(&stack);
    assert_true(stack_recall(&stack, ONE, &seen) && seen.trigger == STACK_TRIGGER_MADE);
    assert_string_equal(seen.server, "6e17");
    /* The usual region by its name, or by none: it is the same server. */
    assert_int_equal(stack_intend(&stack, ONE, &other, NULL), 0);
    again(&stack);
    assert_true(stack_recall(&stack, ONE, &seen) && seen.trigger == STACK_TRIGGER_MADE);
    assert_string_equal(seen.server, "6e17");
    end(&stack);
}

static void unwritable(void **state)
{
    struct stack stack;
    struct stack_seen seen;
    struct mir_error err = {0};
    char file[128];
    begin(&stack);
    snprintf(file, sizeof file, "%s/%s/below", folder, ONE);
    assert_int_equal(stack_intend(&stack, ONE, &site, NULL), 0);
    stack.folder = file; /* below a file there is no room for a folder */
    assert_int_equal(stack_intend_trigger(&stack, ONE, &site, &err), -1);
    assert_int_not_equal(err.kind, MIR_OK);
    assert_true(stack_recall(&stack, ONE, &seen));
    assert_int_equal(seen.trigger, STACK_TRIGGER_UNKNOWN);
    end(&stack);
}

static void damaged(void **state)
{
    static const struct {
        const char *text;
        bool known;
        enum stack_trigger trigger;
    } rows[] = {
        {"home\nRegionTwo\n", true, STACK_TRIGGER_UNKNOWN},
        {"home\n\n", true, STACK_TRIGGER_UNKNOWN},
        {"home\n\ntrigger\n", true, STACK_TRIGGER_MADE},
        {"home\n\nserver 5e17\ntrigger\n", true, STACK_TRIGGER_MADE},
        {"home\n\nof tomorrow\ntrigger\n", true, STACK_TRIGGER_MADE},
        {"home\n\ntrigg", true, STACK_TRIGGER_UNKNOWN},
        {"home\n\nsomething of tomorrow\n", true, STACK_TRIGGER_UNKNOWN},
        {"home\nRegionTwo", false, 0},
        {"home", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct stack stack;
        struct stack_seen seen;
        mir_auto_free char *path = mir_format("%s/%s", folder, TWO);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(rows[i].text, f);
        fclose(f);
        begin(&stack);
        assert_int_equal(stack_recall(&stack, TWO, &seen), rows[i].known);
        if (rows[i].known)
            assert_int_equal(seen.trigger, rows[i].trigger);
        end(&stack);
    }
}

static void forgotten_when_old(void **state)
{
    struct stack stack;
    struct stack_seen seen;
    mir_auto_free char *path = mir_format("%s/%s", folder, ONE);
    const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    begin(&stack);
    assert_false(stack_is_old(&stack, ONE));
    assert_int_equal(stack_intend(&stack, ONE, &site, NULL), 0);
    assert_false(stack_is_old(&stack, ONE));
    assert_int_equal(utimensat(-1, path, times, 0), 0);
    assert_true(stack_is_old(&stack, ONE));
    stack_forget(&stack, ONE);
    assert_false(stack_recall(&stack, ONE, &seen));
    again(&stack);
    assert_false(stack_recall(&stack, ONE, &seen));
    end(&stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(place_and_trigger, setup, teardown),
        cmocka_unit_test_setup_teardown(trigger_stays_known, setup, teardown),
        cmocka_unit_test_setup_teardown(server_and_trigger, setup, teardown),
        cmocka_unit_test_setup_teardown(unwritable, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(forgotten_when_old, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
