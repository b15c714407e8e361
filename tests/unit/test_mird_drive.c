/* SPDX-License-Identifier: ISC */
/* One action after the other, and what each answer means: drive.c and answer.c over a provider that
 * says what it is told to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "api/memory.h"
#include "daemon/answer.h"

#define T0 INT64_C(1800000000000)

static struct {
    struct mird_deployment d;
    struct mird_rules rules;
    struct mird_drive drive;
    int64_t now_ms;
    int unwritten; /* how many writes more fail */
    bool dirty;
    /* What the provider says. */
    bool make_fails, get_fails, list_fails, end_fails, keeps_images;
    enum mir_instance_state state, listed;
    char asked[32]; /* m(ake) l(ook) w(atch) u(ndo) c(onfirm), in their order */
    char calls[32]; /* m, g(et), s(weep), e(nd) */
} world;

static void note(char *log, char what)
{
    size_t len = strlen(log);
    assert_true(len + 1 < sizeof world.asked);
    log[len] = what;
    log[len + 1] = '\0';
}

static int64_t now_ms(void *ctx)
{
    return world.now_ms;
}

/* --- the provider --- */

static bool keeps(void *ctx, enum mird_step_kind step)
{
    return step == MIRD_STEP_INSTANCE || (step == MIRD_STEP_IMAGE && world.keeps_images);
}

static int make(void *ctx, enum mird_step_kind step, struct mird_answer *ret)
{
    note(world.calls, 'm');
    if (world.make_fails) {
        mir_fail(&ret->error, MIR_UNAVAILABLE, "lost");
        ret->error.outcome = MIR_OUTCOME_UNKNOWN;
        return -1;
    }
    ret->instance.state = MIR_INSTANCE_RUNNING;
    mir_copy(ret->instance.id, sizeof ret->instance.id, "i-1");
    ret->input.deadline_s = world.d.deadline_s;
    if (step == MIRD_STEP_HOOKS)
        mird_hooks_add(&world.d, true, ret);
    return 0;
}

static int end(void *ctx, enum mird_step_kind step, struct mir_error *err)
{
    note(world.calls, 'e');
    return world.end_fails ? mir_fail(err, MIR_UNAVAILABLE, "no") : 0;
}

static int get(void *ctx, enum mird_step_kind step, struct mir_instance *ret, struct mir_error *err)
{
    note(world.calls, 'g');
    if (world.get_fails)
        return mir_fail(err, MIR_UNAVAILABLE, "no");
    ret->state = world.state;
    return 0;
}

static int list(void *ctx, enum mird_step_kind step, struct mird_listed *ret,
                struct mir_instance *found, struct mir_error *err)
{
    note(world.calls, 's');
    if (world.list_fails)
        return mir_fail(err, MIR_UNAVAILABLE, "no");
    *ret = (struct mird_listed){
        .seen = world.listed != MIR_INSTANCE_ABSENT, .at_ms = world.now_ms + 1, .count = 7};
    if (ret->seen)
        found->state = world.listed;
    return 0;
}

static const struct mird_transport transport = {
    .now_ms = now_ms, .keeps = keeps, .make = make, .end = end, .get = get, .list = list};

/* --- the engine --- */

static const struct mird_deployment *record(void *ctx)
{
    return &world.d;
}

static int change(void *ctx, const struct mird_input *input)
{
    struct mird_deployment before = world.d;
    struct mird_news news;
    struct mird_turn turn;
    if (mird_turn_apply(&world.d, &before, &world.rules, input, NULL, world.now_ms, &turn, &news,
                        NULL))
        return -1;
    if (!turn.write || world.unwritten <= 0)
        return 0;
    world.unwritten--;
    enum mird_unwritten what = mird_turn_unwritten(&turn, input);
    if (what == MIRD_TAKE_BACK)
        world.d = before;
    else
        world.dirty = true;
    return what == MIRD_GO_ON ? 0 : -1;
}

static enum mird_went change_later(void *ctx, const struct mird_input *input)
{
    change(ctx, input);
    return MIRD_WENT_ON;
}

static int flush(void *ctx)
{
    if (world.dirty && world.unwritten > 0) {
        world.unwritten--;
        return -1;
    }
    world.dirty = false;
    return 0;
}

static enum mird_went ask(void *ctx, const struct mird_ask *ask);

static const struct mird_drive_ops ops = {.record = record,
                                          .now_ms = now_ms,
                                          .boot_ms = now_ms,
                                          .change = change,
                                          .change_later = change_later,
                                          .ask = ask,
                                          .flush = flush};

static enum mird_went ask(void *ctx, const struct mird_ask *ask)
{
    struct mird_answer answer = {0};
    note(world.asked, "mlwuc"[ask->kind]);
    mird_ask(&transport, &world.d, ask, &answer);
    mird_drive_heard(&world.drive, ask, &answer.input, 2000, &ops, ctx);
    return MIRD_WENT_ON;
}

static int64_t drive_on(enum mird_went expected)
{
    int64_t wake_ms = -1;
    world.asked[0] = world.calls[0] = '\0';
    assert_int_equal(mird_drive_on(&world.drive, &world.rules, &ops, NULL, &wake_ms), expected);
    return wake_ms;
}

static int setup(void **state)
{
    memset(&world, 0, sizeof world);
    world.now_ms = T0;
    world.d.created_s = T0 / 1000;
    world.d.deadline_s = T0 / 1000 + 600;
    memcpy(world.d.name, "hello", sizeof "hello");
    world.rules = mird_rules_make(0, false, false, 60000);
    return 0;
}

/* --- the way up and down --- */

static void test_up_and_down(void **state)
{
    int64_t wake_ms = drive_on(MIRD_WENT_REST);
    assert_string_equal(world.asked, "mm"); /* instance, hooks; there is no URL */
    assert_int_equal(wake_ms, T0 + MIRD_WATCH_FIRST_MS);
    world.now_ms = wake_ms;
    world.state = MIR_INSTANCE_RUNNING;
    wake_ms = drive_on(MIRD_WENT_REST);
    assert_string_equal(world.asked, "w");
    assert_int_equal(wake_ms, world.now_ms + 2 * MIRD_WATCH_FIRST_MS);
    /* The deadline: asked to end, and over when get and listing say so. */
    world.now_ms = T0 + 600000;
    world.state = world.listed = MIR_INSTANCE_STOPPING;
    drive_on(MIRD_WENT_REST);
    assert_string_equal(world.asked, "uc");
    world.state = MIR_INSTANCE_ABSENT;
    world.now_ms += 3000;
    drive_on(MIRD_WENT_REST);
    assert_string_equal(world.asked, "c");
    assert_int_equal(world.d.finished_s, 0); /* the listing still shows it */
    world.listed = MIR_INSTANCE_ABSENT;
    world.now_ms += 3000;
    assert_int_equal(drive_on(MIRD_WENT_REST), MIRD_NEVER);
    assert_true(world.d.finished_s > 0);
}

/* An intent that cannot be written did not happen, and nothing is sent. */
static void test_unwritten_intent(void **state)
{
    world.unwritten = 1;
    assert_int_equal(drive_on(MIRD_WENT_REST), T0 + MIRD_HOLD_MS);
    assert_string_equal(world.calls, "");
    world.now_ms += MIRD_HOLD_MS;
    drive_on(MIRD_WENT_REST);
    assert_string_equal(world.asked, "mm");
}

/* What the disk does not take keeps nothing from being ended, and is not forgotten. */
static void test_dirty(void **state)
{
    drive_on(MIRD_WENT_REST);
    world.now_ms = T0 + 600000;
    world.dirty = true;
    world.unwritten = 9;
    assert_int_equal(drive_on(MIRD_WENT_REST), world.now_ms + MIRD_HOLD_MS);
    assert_true(strchr(world.calls, 'e') != NULL);
    assert_true(world.d.finished_s > 0);
    world.unwritten = 0;
    assert_int_equal(drive_on(MIRD_WENT_REST), MIRD_NEVER);
}

/* An intent is a "maybe" for everybody but who has just written it. */
static void test_intended(void **state)
{
    struct mird_news news;
    assert_true(mird_turn_intend_first(&world.d, &world.rules, T0, &news));
    assert_true(news.event_count > 0);
    struct mird_deployment d = world.d;
    world.state = MIR_INSTANCE_RUNNING;
    drive_on(MIRD_WENT_REST);
    assert_int_equal(world.asked[0], 'l');
    world.d = d;
    world.drive = (struct mird_drive){.intended = true};
    drive_on(MIRD_WENT_REST);
    assert_int_equal(world.asked[0], 'm');
    assert_false(world.drive.intended);
    /* Where an image comes first, there is no such intent. */
    world.d = d;
    world.d.steps[MIRD_STEP_IMAGE] = MIRD_TODO;
    world.rules.image_needed = true;
    assert_false(mird_turn_intend_first(&world.d, &world.rules, T0, &news));
}

/* --- what the answers mean --- */

static struct mird_answer answer;

static enum mird_input_kind ask_for(enum mird_ask_kind kind, enum mird_step_kind step)
{
    const struct mird_ask it = {kind, step};
    world.calls[0] = '\0';
    memset(&answer, 0, sizeof answer);
    mird_ask(&transport, &world.d, &it, &answer);
    assert_int_equal(answer.input.step, step);
    return answer.input.kind;
}

static void test_confirmation(void **state)
{
    assert_int_equal(ask_for(MIRD_ASK_CONFIRM, MIRD_STEP_INSTANCE), MIRD_IN_ABSENT);
    assert_string_equal(world.calls, "gs");
    assert_int_equal(answer.input.asked_ms, T0);
    assert_int_equal(answer.input.listed_ms, T0 + 1);
    assert_int_equal(answer.input.listed, 7);
    world.listed = MIR_INSTANCE_RUNNING;
    assert_int_equal(ask_for(MIRD_ASK_CONFIRM, MIRD_STEP_INSTANCE), MIRD_IN_STILL_THERE);
    assert_int_equal(answer.input.instance->state, MIR_INSTANCE_RUNNING);
    world.state = MIR_INSTANCE_STOPPING; /* and then the listing is not asked */
    assert_int_equal(ask_for(MIRD_ASK_CONFIRM, MIRD_STEP_INSTANCE), MIRD_IN_STILL_THERE);
    assert_string_equal(world.calls, "g");
    world.state = MIR_INSTANCE_ABSENT;
    world.list_fails = true;
    assert_int_equal(ask_for(MIRD_ASK_CONFIRM, MIRD_STEP_INSTANCE), MIRD_IN_CONFIRM_FAILED);
    world.get_fails = true;
    assert_int_equal(ask_for(MIRD_ASK_CONFIRM, MIRD_STEP_INSTANCE), MIRD_IN_CONFIRM_FAILED);
    assert_string_equal(world.calls, "g");
    /* Of images that nobody keeps, nobody is asked. */
    assert_int_equal(ask_for(MIRD_ASK_CONFIRM, MIRD_STEP_IMAGE), MIRD_IN_ABSENT);
    assert_string_equal(world.calls, "");
    assert_int_equal(answer.input.listed_ms, 0);
}

static void test_other_answers(void **state)
{
    assert_int_equal(ask_for(MIRD_ASK_MAKE, MIRD_STEP_INSTANCE), MIRD_IN_DONE);
    world.make_fails = true;
    assert_int_equal(ask_for(MIRD_ASK_MAKE, MIRD_STEP_INSTANCE), MIRD_IN_UNKNOWN);
    assert_int_equal(ask_for(MIRD_ASK_UNDO, MIRD_STEP_INSTANCE), MIRD_IN_UNDONE);
    assert_int_equal(answer.input.asked_ms, T0);
    assert_int_equal(ask_for(MIRD_ASK_UNDO, MIRD_STEP_SITE), MIRD_IN_UNDONE);
    assert_int_equal(answer.input.asked_ms, 0); /* no provider was asked */
    world.end_fails = true;
    assert_int_equal(ask_for(MIRD_ASK_UNDO, MIRD_STEP_INSTANCE), MIRD_IN_UNDO_FAILED);
    assert_int_equal(ask_for(MIRD_ASK_LOOK, MIRD_STEP_INSTANCE), MIRD_IN_LOOKED);
    world.get_fails = true;
    assert_int_equal(ask_for(MIRD_ASK_WATCH, MIRD_STEP_INSTANCE), MIRD_IN_LOOK_FAILED);
}

static void test_hooks(void **state)
{
    world.d.takes_part = MIR_PART_DEADLINE | MIR_PART_WELL_KNOWN;
    memset(&answer, 0, sizeof answer);
    answer.input.deadline_s = 99;
    mird_hooks_add(&world.d, true, &answer);
    assert_int_equal(answer.input.hook_count, 2);
    assert_string_equal(answer.hooks[0].name, "daemon");
    assert_int_equal(answer.hooks[0].state, MIR_HOOK_ARMED);
    assert_int_equal(answer.hooks[0].deadline_s, 99);
    assert_int_equal(answer.hooks[1].state, MIR_HOOK_OFF); /* it has not said so itself */
    answer.input.hook_count = 0;
    mird_hooks_add(&world.d, false, &answer);
    assert_int_equal(answer.hooks[0].state, MIR_HOOK_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_up_and_down, setup),
        cmocka_unit_test_setup(test_unwritten_intent, setup),
        cmocka_unit_test_setup(test_dirty, setup),
        cmocka_unit_test_setup(test_intended, setup),
        cmocka_unit_test_setup(test_confirmation, setup),
        cmocka_unit_test_setup(test_other_answers, setup),
        cmocka_unit_test_setup(test_hooks, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
