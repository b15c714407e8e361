/* SPDX-License-Identifier: ISC */
/* The wrappers' contract, with a provider that only records what it was asked. */
#include "api/provider.h"

#include "scratch.h"

#define LEASE "0123456789abcdef0123456789abcdef"
#define INSTALLATION "fedcba9876543210fedcba9876543210"

struct record {
    int creates, deletes, arms, sweeps;
    int64_t hook_deadline_s;
    unsigned left; /* objects without their instance */
    int refuse_open;
};

static struct record record;
static int64_t now_ms = 1000000;

static int64_t test_now(void *ctx)
{
    return now_ms;
}

static const struct mir_clock test_clock = {test_now, test_now, NULL};

static int r_open(const struct mir_provider_env *env, void **ret_ctx, struct mir_error *err)
{
    if (record.refuse_open)
        return mir_fail(err, MIR_UNAVAILABLE, "no such place");
    *ret_ctx = &record;
    return 0;
}

static void r_close(void *ctx)
{
}

static void r_check(void *ctx, struct mir_check *checks, size_t max, size_t *ret_count)
{
    checks[0] = (struct mir_check){.name = "it", .level = MIR_CHECK_PASS};
    *ret_count = 1;
}

static int r_admit(void *ctx, const struct mir_instance_spec *spec, struct mir_error *err)
{
    return mir_fail(err, MIR_POLICY, "not this kernel");
}

static int r_create(void *ctx, const struct mir_instance_spec *spec, struct mir_instance *ret,
                    struct mir_error *err)
{
    ((struct record *)ctx)->creates++;
    *ret = (struct mir_instance){.id = "i-1", .state = MIR_INSTANCE_STARTING};
    return 0;
}

static int r_get(void *ctx, const char *token, struct mir_instance *ret, struct mir_error *err)
{
    *ret = (struct mir_instance){.state = MIR_INSTANCE_ABSENT, .object_count = record.left};
    return 0;
}

static int r_delete(void *ctx, const char *token, struct mir_error *err)
{
    ((struct record *)ctx)->deletes++;
    return 0;
}

static int r_console(void *ctx, const char *token, uint64_t offset, struct mir_buf *out,
                     uint64_t *ret_next, struct mir_error *err)
{
    *ret_next = offset + 2;
    return mir_buf_adds(out, "hi");
}

static int r_arm(void *ctx, const struct mir_lease *lease, struct mir_hook *hooks, size_t max,
                 size_t *ret_count, struct mir_error *err)
{
    struct record *r = ctx;
    r->arms++;
    hooks[0] = (struct mir_hook){
        .name = "keeper", .state = MIR_HOOK_ARMED, .deadline_s = r->hook_deadline_s};
    *ret_count = 1;
    return 0;
}

static int r_sweep(void *ctx, mir_instance_fn *fn, void *fn_ctx, struct mir_error *err)
{
    struct mir_instance instance = {.id = "i-1"};
    ((struct record *)ctx)->sweeps++;
    fn(fn_ctx, &instance);
    return 0;
}

static int r_quote(void *ctx, const struct mir_kernel *kernel, const struct mir_place *asked,
                   uint64_t memory_bytes, struct mir_quote *ret, struct mir_error *err)
{
    if (!strcmp(asked->type, "none"))
        return mir_fail(err, MIR_USAGE, "there is no type 'none'");
    *ret = (struct mir_quote){.place = *asked, .family = "nitro", .memory_bytes = memory_bytes * 2};
    ret->place.budget_micro = 0; /* not its business */
    ret->price = (struct mir_price){.known = true, .per_hour_micro = 5200};
    return 0;
}

static const struct mir_provider recorder = {
    .name = "recorder",
    .title = "a provider that records",
    .open = r_open,
    .close = r_close,
    .check = r_check,
    .admit = r_admit,
    .instance_create = r_create,
    .instance_get = r_get,
    .instance_delete = r_delete,
    .instance_console = r_console,
    .hooks_arm = r_arm,
    .sweep = r_sweep,
};

static int open_recorder(void **state)
{
    record = (struct record){0};
    const struct mir_provider_env env = {.clock = &test_clock, .state_dir = "/nonexistent"};
    struct mir_prov *prov = NULL;
    int rc = mir_prov_open(&recorder, &env, &prov, NULL);
    *state = prov;
    return rc;
}

static int close_recorder(void **state)
{
    mir_prov_close(*state);
    return 0;
}

static struct mir_lease good_lease(void)
{
    return (struct mir_lease){.id = LEASE, .deadline_s = 2000, .durable = true};
}

static struct mir_instance_spec spec_for(const struct mir_lease *lease)
{
    struct mir_instance_spec spec = {.lease = lease, .name = "hello"};
    strncat(spec.tags.deployment, LEASE, MIR_ID_TEXT - 1);
    strncat(spec.tags.installation, INSTALLATION, MIR_ID_TEXT - 1);
    return spec;
}

static void a_good_lease_launches(void **state)
{
    struct mir_lease lease = good_lease();
    struct mir_instance_spec spec = spec_for(&lease);
    struct mir_instance instance = {0};
    assert_int_equal(mir_prov_instance_create(*state, &spec, &instance, NULL), 0);
    assert_string_equal(instance.id, "i-1");
    assert_int_equal(record.creates, 1);
}

static void refused_launch(void *prov, const struct mir_instance_spec *spec, enum mir_kind kind)
{
    struct mir_instance instance = {.id = "untouched"};
    struct mir_error err = {0};
    assert_int_equal(mir_prov_instance_create(prov, spec, &instance, &err), -1);
    assert_int_equal(err.kind, kind);
    assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
    assert_string_equal(instance.id, "untouched");
    assert_int_equal(record.creates, 0);
}

/* No lease, no launch. */
static void no_launch_without_a_lease(void **state)
{
    struct mir_instance_spec spec = spec_for(NULL);
    refused_launch(*state, &spec, MIR_INTERNAL);

    struct mir_lease lease = good_lease();
    lease.durable = false;
    spec = spec_for(&lease);
    refused_launch(*state, &spec, MIR_INTERNAL);

    lease = good_lease();
    lease.id[0] = '\0';
    spec = spec_for(&lease);
    refused_launch(*state, &spec, MIR_INTERNAL);

    lease = good_lease();
    spec = spec_for(&lease);
    spec.tags.deployment[0] = 'f';
    refused_launch(*state, &spec, MIR_INTERNAL);

    spec = spec_for(&lease);
    spec.tags.installation[0] = '\0';
    refused_launch(*state, &spec, MIR_INTERNAL);

    lease.deadline_s = now_ms / 1000;
    spec = spec_for(&lease);
    refused_launch(*state, &spec, MIR_POLICY);
}

static void a_hook_with_another_deadline_is_not_armed(void **state)
{
    struct mir_lease lease = good_lease();
    struct mir_hook hooks[MIR_HOOKS_MAX];
    size_t count = 0;
    record.hook_deadline_s = lease.deadline_s;
    assert_int_equal(mir_prov_hooks_arm(*state, &lease, hooks, MIR_HOOKS_MAX, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(hooks[0].state, MIR_HOOK_ARMED);
    record.hook_deadline_s = lease.deadline_s + 1;
    assert_int_equal(mir_prov_hooks_arm(*state, &lease, hooks, MIR_HOOKS_MAX, &count, NULL), 0);
    assert_int_equal(hooks[0].state, MIR_HOOK_FAILED);
    assert_string_not_equal(hooks[0].detail, "");

    /* Without a deadline there is nothing to be armed for; with another one something is wrong. */
    lease.deadline_s = record.hook_deadline_s = MIR_FOREVER_S;
    assert_int_equal(mir_prov_hooks_arm(*state, &lease, hooks, MIR_HOOKS_MAX, &count, NULL), 0);
    assert_int_equal(hooks[0].state, MIR_HOOK_OFF);
    assert_string_equal(hooks[0].detail, "no deadline");
    record.hook_deadline_s = 2000;
    assert_int_equal(mir_prov_hooks_arm(*state, &lease, hooks, MIR_HOOKS_MAX, &count, NULL), 0);
    assert_int_equal(hooks[0].state, MIR_HOOK_FAILED);
    assert_string_equal(hooks[0].detail, "read back another deadline");

    lease.durable = false;
    struct mir_error err = {0};
    assert_int_equal(mir_prov_hooks_arm(*state, &lease, hooks, MIR_HOOKS_MAX, &count, &err), -1);
    assert_int_equal(err.kind, MIR_INTERNAL);
    assert_int_equal(record.arms, 4);
}

/* "Absent" while a volume of it is left would be a receipt that lies. */
static void what_is_left_keeps_it_from_being_absent(void **state)
{
    struct mir_instance instance = {0};
    record.left = 1;
    assert_int_equal(mir_prov_instance_get(*state, LEASE, &instance, NULL), 0);
    assert_int_equal(instance.state, MIR_INSTANCE_ENDED);
    record.left = 0;
    assert_int_equal(mir_prov_instance_get(*state, LEASE, &instance, NULL), 0);
    assert_int_equal(instance.state, MIR_INSTANCE_ABSENT);
}

/* A provider without a quote gives no choice, and costs nothing. */
static void nothing_to_quote(void **state)
{
    const struct mir_kernel kernel = {.format = MIR_FORMAT_MULTIBOOT1};
    struct mir_place asked = {.budget_micro = 7};
    struct mir_quote quote;
    struct mir_error err = {0};
    assert_int_equal(mir_prov_quote(*state, &kernel, &asked, 1 << 20, &quote, NULL), 0);
    assert_true(quote.price.known);
    assert_int_equal(quote.price.per_hour_micro, 0);
    assert_int_equal(quote.place.budget_micro, 7);
    assert_int_equal(quote.place.open_count, 0);
    assert_int_equal(quote.memory_bytes, 0);
    asked.keep_address = true;
    assert_int_equal(mir_prov_quote(*state, &kernel, &asked, 1 << 20, &quote, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_string_equal(err.text, "--keep-address is not for recorder");
    assert_string_equal(err.hint, "leave it away: it is for clouds");
    assert_string_equal(err.provider, "recorder");
}

static void a_quote_is_asked_with_its_ports(void **state)
{
    const struct mir_provider_env env = {.clock = &test_clock, .state_dir = "/nonexistent"};
    const struct mir_kernel kernel = {.format = MIR_FORMAT_MULTIBOOT1};
    struct mir_provider seller = recorder;
    struct mir_place asked = {.spot = true, .budget_micro = 7};
    struct mir_quote quote = {.family = "untouched"};
    struct mir_error err = {0};
    seller.quote = r_quote;
    struct mir_prov *prov = mir_prov_new(&seller, &env);
    record.refuse_open = 1;
    assert_int_equal(mir_prov_quote(prov, &kernel, &asked, 1 << 20, &quote, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    record.refuse_open = 0;
    assert_int_equal(mir_prov_quote(prov, &kernel, &asked, 1 << 20, &quote, &err), 0);
    assert_true(mir_place_opens(&quote.place, 80) && mir_place_opens(&quote.place, 443));
    assert_true(quote.place.spot);
    assert_int_equal(quote.place.budget_micro, 7); /* the user's, whatever the provider says */
    assert_int_equal(quote.memory_bytes, 2 << 20);
    asked.open_given = true;
    assert_int_equal(mir_prov_quote(prov, &kernel, &asked, 1 << 20, &quote, &err), 0);
    assert_int_equal(quote.place.open_count, 0);
    mir_copy(asked.type, sizeof asked.type, "none");
    assert_int_equal(mir_prov_quote(prov, &kernel, &asked, 1 << 20, &quote, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_string_equal(err.provider, "recorder");
    assert_string_equal(quote.family, "nitro"); /* as it was */
    mir_prov_close(prov);
}

static int count_one(void *ctx, const struct mir_instance *instance)
{
    ++*(int *)ctx;
    return 0;
}

static void the_rest_is_passed_through(void **state)
{
    struct mir_prov *prov = *state;
    assert_string_equal(mir_prov_info(prov)->name, "recorder");
    struct mir_instance instance = {.state = MIR_INSTANCE_RUNNING};
    assert_int_equal(mir_prov_instance_get(prov, LEASE, &instance, NULL), 0);
    assert_int_equal(instance.state, MIR_INSTANCE_ABSENT);
    assert_int_equal(mir_prov_instance_delete(prov, LEASE, NULL), 0);
    assert_int_equal(record.deletes, 1);
    mir_auto_buf struct mir_buf out;
    mir_buf_init(&out, 100);
    uint64_t next = 0;
    assert_int_equal(mir_prov_instance_console(prov, LEASE, 5, &out, &next, NULL), 0);
    assert_string_equal(mir_buf_text(&out), "hi");
    assert_int_equal(next, 7);
    int seen = 0;
    assert_int_equal(mir_prov_sweep(prov, count_one, &seen, NULL), 0);
    assert_int_equal(seen, 1);
    struct mir_check checks[2];
    size_t count = 9;
    mir_prov_check(prov, checks, 2, &count);
    assert_int_equal(count, 1);
    struct mir_lease lease = good_lease();
    struct mir_instance_spec spec = spec_for(&lease);
    assert_int_equal(mir_prov_admit(prov, &spec, NULL), -1);

    /* This provider boots kernels as they are: there is no image to put or to delete. */
    char image[MIR_INSTANCE_ID] = "x";
    assert_int_equal(mir_prov_image_put(prov, &spec, image, NULL), 0);
    assert_string_equal(image, "");
    assert_int_equal(mir_prov_image_delete(prov, "token", "image", NULL), 0);
}

static int get_note(void *ctx, struct mir_buf *out, struct mir_error *err)
{
    return mir_fail(err, MIR_INTERNAL, "nobody reads one here");
}

static int name_place(void *ctx, const struct mir_place *place, char ret_name[MIR_PLACE_NAME],
                      struct mir_error *err)
{
    ((struct record *)ctx)->deletes++;
    if (!strcmp(place->cloud, "down"))
        return mir_fail(err, MIR_UNAVAILABLE, "it is down");
    snprintf(ret_name, MIR_PLACE_NAME, "project/%s", place->region);
    return 0;
}

static int list_place(void *ctx, const struct mir_place *place, mir_instance_fn *fn, void *fn_ctx,
                      struct mir_error *err)
{
    const struct mir_instance one = {.state = MIR_INSTANCE_RUNNING};
    ((struct record *)ctx)->sweeps++;
    if (!strcmp(place->cloud, "down"))
        return mir_fail(err, MIR_UNAVAILABLE, "it is down");
    fn(fn_ctx, &one);
    return 0;
}

/* A place has its region's name where the provider has no other for it, and where there are no
 * places nobody lists one. */
static void places(void **state)
{
    struct mir_prov *prov = *state;
    struct mir_place place = {.region = "here"}, down = {.region = "here", .cloud = "down"};
    char name[MIR_PLACE_NAME] = "untouched";
    struct mir_error err = {0};
    int seen = 0;
    assert_int_equal(mir_prov_place_name(prov, &place, name, &err), 0);
    assert_string_equal(name, "here");
    assert_int_equal(mir_prov_sweep_place(prov, &place, count_one, &seen, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);

    struct mir_provider with = *mir_prov_info(prov);
    const struct mir_provider_env env = {.clock = &test_clock, .state_dir = "/nonexistent"};
    struct mir_prov *other;
    with.note_get = get_note; /* names of places are for notes */
    with.place_name = name_place;
    with.sweep_place = list_place;
    assert_int_equal(mir_prov_open(&with, &env, &other, &err), 0);
    assert_int_equal(mir_prov_place_name(other, &place, name, &err), 0);
    assert_string_equal(name, "project/here");
    assert_int_equal(mir_prov_place_name(other, &down, name, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    assert_string_equal(name, "project/here");
    assert_int_equal(mir_prov_sweep_place(other, &place, count_one, &seen, &err), 0);
    assert_int_equal(seen, 1);
    assert_int_equal(mir_prov_sweep_place(other, &down, count_one, &seen, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    assert_int_equal(seen, 1);
    mir_prov_close(other);
}

static int taken_over(void *ctx, struct mir_error *err)
{
    return *(int *)ctx ? mir_fail(err, MIR_UNAVAILABLE, "another daemon has taken over") : 0;
}

#define REFUSED(call)                                                                              \
    do {                                                                                           \
        struct mir_error err = {0};                                                                \
        assert_int_equal(call, -1);                                                                \
        assert_int_equal(err.kind, MIR_UNAVAILABLE);                                               \
        assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);                                         \
    } while (0)

/* Looking is still allowed. */
static void nothing_is_done_behind_the_fence(void **state)
{
    struct record seen = {0};
    int lost = 0, found = 0;
    const struct mir_fence fence = {taken_over, &lost};
    const struct mir_provider_env env = {.clock = &test_clock, .fence = &fence};
    struct mir_prov *prov = NULL;
    struct mir_lease lease = good_lease();
    struct mir_instance_spec spec = spec_for(&lease);
    struct mir_instance instance;
    struct mir_hook hooks[MIR_HOOKS_MAX];
    size_t count;
    record = seen;
    assert_int_equal(mir_prov_open(&recorder, &env, &prov, NULL), 0);
    assert_int_equal(mir_prov_instance_create(prov, &spec, &instance, NULL), 0);
    assert_int_equal(record.creates, 1);
    lost = 1;
    record = seen;
    REFUSED(mir_prov_instance_create(prov, &spec, &instance, &err));
    REFUSED(mir_prov_instance_delete(prov, LEASE, &err));
    REFUSED(mir_prov_hooks_arm(prov, &lease, hooks, MIR_HOOKS_MAX, &count, &err));
    assert_memory_equal(&record, &seen, sizeof seen);
    assert_int_equal(mir_prov_instance_get(prov, LEASE, &instance, NULL), 0);
    assert_int_equal(mir_prov_sweep(prov, count_one, &found, NULL), 0);
    assert_int_equal(found, 1);
    mir_prov_close(prov);
}

static void a_provider_that_does_not_open_is_named(void **state)
{
    const struct mir_provider_env env = {.clock = &test_clock};
    struct mir_prov *prov = NULL;
    struct mir_error err = {0};
    record.refuse_open = 1;
    assert_int_equal(mir_prov_open(&recorder, &env, &prov, &err), -1);
    assert_null(prov);
    assert_string_equal(err.text, "provider recorder: no such place");
    mir_prov_close(NULL);
}

/* Not there at the start: every call says so, until one finds it there. */
static void a_provider_is_opened_later(void **state)
{
    const struct mir_provider_env env = {.clock = &test_clock};
    struct mir_error err = {0};
    struct mir_check check = {0};
    struct mir_instance found;
    size_t count = 0;
    int64_t utc_ms, boot_ms;
    record = (struct record){.refuse_open = 1};
    struct mir_prov *prov = mir_prov_new(&recorder, &env);
    assert_string_equal(mir_prov_info(prov)->name, "recorder");
    assert_int_equal(mir_prov_ready(prov, &err), -1);
    assert_non_null(strstr(err.text, "no such place"));
    assert_int_equal(mir_prov_instance_delete(prov, LEASE, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
    assert_false(mir_prov_date(prov, &utc_ms, &boot_ms));
    mir_prov_check(prov, &check, 1, &count);
    assert_int_equal(count, 1);
    assert_int_equal(check.level, MIR_CHECK_FAIL);
    assert_int_equal(mir_prov_instance_get(prov, LEASE, &found, NULL), -1);
    record.refuse_open = 0;
    assert_int_equal(mir_prov_instance_delete(prov, LEASE, &err), 0);
    assert_int_equal(record.deletes, 1);
    record.refuse_open = 1; /* once is enough */
    assert_int_equal(mir_prov_ready(prov, &err), 0);
    mir_prov_close(prov);
}

static void names_of_deployments(void **state)
{
    static const char *const good[] = {"a", "hello", "0", "a-b", "hello-2"};
    static const char *const bad[] = {"",    "-a",  "a-",  "Hello",   "a_b",
                                      "a.b", "a/b", "a b", "\xc3\xa9"};
    for (size_t i = 0; i < MIR_NELEMS(good); i++)
        assert_true(mir_name_valid(good[i]));
    for (size_t i = 0; i < MIR_NELEMS(bad); i++)
        assert_false(mir_name_valid(bad[i]));
    char text[MIR_NAME_TEXT + 1];
    memset(text, 'a', sizeof text);
    text[MIR_NAME_TEXT - 1] = '\0';
    assert_true(mir_name_valid(text));
    text[MIR_NAME_TEXT - 1] = 'a';
    text[MIR_NAME_TEXT] = '\0';
    assert_false(mir_name_valid(text));
}

static void tags_are_signed(void **state)
{
    unsigned char key[32] = {1, 2, 3}, other[32] = {1, 2, 4};
    struct mir_lease lease = good_lease();
    struct mir_tags tags = spec_for(&lease).tags;
    tags.expires_s = 2000;
    assert_int_equal(mir_tags_verify(&tags, key), 0); /* not signed yet */
    mir_tags_sign(&tags, key);
    assert_int_equal(mir_tags_verify(&tags, key), 1);
    assert_int_equal(mir_tags_verify(&tags, other), 0);
    struct mir_tags changed = tags;
    changed.expires_s++;
    assert_int_equal(mir_tags_verify(&changed, key), 0);
    changed = tags;
    changed.deployment[3] = 'f';
    assert_int_equal(mir_tags_verify(&changed, key), 0);
    changed = tags;
    changed.installation[3] = '0';
    assert_int_equal(mir_tags_verify(&changed, key), 0);
    changed = tags;
    changed.signature[63] ^= 1;
    assert_int_equal(mir_tags_verify(&changed, key), 0);
    changed = tags;
    changed.signature[63] = '\0';
    assert_int_equal(mir_tags_verify(&changed, key), 0);
}

static void states_have_names(void **state)
{
    assert_string_equal(mir_instance_state_name(MIR_INSTANCE_ENDED), "ended");
    assert_string_equal(mir_instance_state_name((enum mir_instance_state)99), "absent");
    assert_string_equal(mir_hook_state_name(MIR_HOOK_ARMED), "armed");
    assert_string_equal(mir_hook_state_name((enum mir_hook_state)99), "off");
    assert_string_equal(mir_check_level_name(MIR_CHECK_WARN), "WARN");
    assert_string_equal(mir_check_level_name((enum mir_check_level)99), "FAIL");
}

#define WITH_RECORDER(test) cmocka_unit_test_setup_teardown(test, open_recorder, close_recorder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RECORDER(a_good_lease_launches),
        WITH_RECORDER(no_launch_without_a_lease),
        WITH_RECORDER(a_hook_with_another_deadline_is_not_armed),
        WITH_RECORDER(what_is_left_keeps_it_from_being_absent),
        WITH_RECORDER(the_rest_is_passed_through),
        WITH_RECORDER(places),
        cmocka_unit_test(nothing_is_done_behind_the_fence),
        WITH_RECORDER(nothing_to_quote),
        WITH_RECORDER(a_quote_is_asked_with_its_ports),
        cmocka_unit_test(a_provider_that_does_not_open_is_named),
        cmocka_unit_test(a_provider_is_opened_later),
        cmocka_unit_test(names_of_deployments),
        cmocka_unit_test(tags_are_signed),
        cmocka_unit_test(states_have_names),
    };
    return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
