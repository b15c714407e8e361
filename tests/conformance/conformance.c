/* SPDX-License-Identifier: ISC */
/* The list, and its checks one after the other. */
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/memory.h"
#include "conformance_case.h"

static const struct conformance_target *target_of(void **state)
{
    return *state;
}

static void check_table(void **state)
{
    const struct mir_provider *p = target_of(state)->provider;
    assert_true(mir_name_valid(p->name));
    assert_non_null(p->title);
    assert_true(p->poll_ms > 0);
    assert_non_null(p->config_keys);
    assert_true(p->open && p->close && p->check && p->admit && p->instance_create &&
                p->instance_get && p->instance_delete && p->instance_console && p->hooks_arm &&
                p->sweep);
    assert_int_equal(!p->image_put, !p->image_delete);
    assert_int_equal(!p->image_put, !p->image_get);
}

static void check_doctor(void **state)
{
    struct mir_prov *prov = conf_open(target_of(state));
    struct mir_check checks[16] = {0};
    size_t count = 0;
    mir_prov_check(prov, checks, MIR_NELEMS(checks), &count);
    assert_true(count > 0 && count <= MIR_NELEMS(checks));
    for (size_t i = 0; i < count; i++) {
        print_message("  %s %s: %s%s%s\n", mir_check_level_name(checks[i].level), checks[i].name,
                      checks[i].detail, *checks[i].fix ? " -> " : "", checks[i].fix);
        assert_true(*checks[i].name && *checks[i].detail);
        assert_int_equal(checks[i].level != MIR_CHECK_PASS, *checks[i].fix != '\0');
        assert_int_not_equal(checks[i].level, MIR_CHECK_FAIL);
    }
    mir_prov_check(prov, checks, 1, &count);
    assert_int_equal(count, 1);
    mir_prov_close(prov);
}

static void check_no_lease_no_launch(void **state)
{
    const struct conformance_target *target = target_of(state);
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    c->lease.durable = false;
    assert_int_equal(mir_prov_instance_create(c->prov, &c->spec, &c->instance, &c->err), -1);
    c->lease.durable = true;
    c->lease.deadline_s = conf_now_s(target) - 1;
    assert_int_equal(mir_prov_instance_create(c->prov, &c->spec, &c->instance, &c->err), -1);
    conf_look(c);
    assert_int_equal(c->instance.state, MIR_INSTANCE_ABSENT);
    assert_int_equal(target->running(c->spec.name), 0);
    conformance_case_end(c);
}

static void check_absent(void **state)
{
    struct conformance_case *c = conformance_case_new(target_of(state), GUEST_IDLE, 60);
    struct mir_buf text;
    uint64_t next;
    conf_look(c);
    assert_int_equal(c->instance.state, MIR_INSTANCE_ABSENT);
    mir_buf_init(&text, 100);
    assert_int_equal(mir_prov_instance_console(c->prov, c->lease.id, 0, &text, &next, &c->err), -1);
    assert_int_equal(c->err.kind, MIR_NOT_FOUND);
    conformance_case_end(c); /* deleting what is not there is a success */
}

static void check_create_twice(void **state)
{
    const struct conformance_target *target = target_of(state);
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    struct mir_instance second;
    conformance_create(c);
    assert_true(c->instance.state == MIR_INSTANCE_STARTING ||
                c->instance.state == MIR_INSTANCE_RUNNING);
    assert_int_equal(mir_prov_instance_create(c->prov, &c->spec, &second, &c->err), 0);
    assert_string_equal(second.id, c->instance.id);
    conf_must_reach(c, MIR_INSTANCE_RUNNING, 10000);
    assert_true(c->instance.started_ms > 0);
    assert_int_equal(target->running(c->spec.name), 1);
    conformance_case_end(c);
}

static void check_end_is_final(void **state)
{
    const struct conformance_target *target = target_of(state);
    struct conformance_case *c = conformance_case_new(target, GUEST_EXIT, 60);
    conformance_create(c);
    conf_must_reach(c, MIR_INSTANCE_ENDED, 10000);
    assert_true(*c->instance.end_reason);
    conformance_create(c); /* the same token: the ended one, never a second */
    assert_int_equal(c->instance.state, MIR_INSTANCE_ENDED);
    assert_int_equal(target->running(c->spec.name), 0);
    conformance_case_end(c);
}

static void check_tags(void **state)
{
    struct conformance_case *c = conformance_case_new(target_of(state), GUEST_IDLE, 60);
    conformance_create(c);
    conf_must_reach(c, MIR_INSTANCE_RUNNING, 10000);
    assert_memory_equal(&c->instance.tags, &c->spec.tags, sizeof c->spec.tags);
    assert_int_equal(mir_tags_verify(&c->instance.tags, conformance_key), 1);
    conformance_case_end(c);
}

/* The runner takes the line before as the reason. */
static void skip_because(const char *why)
{
    print_message("%s\n", why);
    skip();
}

static void check_console(void **state)
{
    const struct conformance_target *target = target_of(state);
    if (!target->console)
        skip_because("this provider's guests say nothing on a console here");
    enum conformance_guest guest = target->console_live ? GUEST_IDLE : GUEST_EXIT;
    struct conformance_case *c = conformance_case_new(target, guest, 60);
    conformance_create(c);
    free(conf_console_until(c, CONFORMANCE_BANNER, 10000));
    if (target->console_live && target->play)
        target->play(GUEST_EXIT, c->spec.name);
    conf_must_reach(c, MIR_INSTANCE_ENDED, 10000);
    if (target->first_output)
        assert_true(c->instance.first_output_ms >= c->instance.started_ms);
    /* After the end as well, and from an offset. */
    struct mir_buf text;
    uint64_t next = 0;
    mir_buf_init(&text, 4096);
    assert_int_equal(mir_prov_instance_console(c->prov, c->lease.id, 12, &text, &next, &c->err), 0);
    assert_string_equal(mir_buf_text(&text), &CONFORMANCE_BANNER[12]);
    assert_int_equal(next, strlen(CONFORMANCE_BANNER));
    mir_buf_clear(&text);
    /* Bounded by the buffer's max. */
    mir_buf_init(&text, 5);
    assert_int_equal(mir_prov_instance_console(c->prov, c->lease.id, 0, &text, &next, &c->err), 0);
    assert_int_equal(text.len, 5);
    assert_int_equal(next, 5);
    mir_buf_clear(&text);
    conformance_case_end(c);
}

static void check_hooks(void **state)
{
    const struct conformance_target *target = target_of(state);
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    struct mir_hook hooks[MIR_HOOKS_MAX];
    size_t count = 0;
    conformance_create(c);
    for (int i = 0; i < 2; i++) { /* armed, then moved */
        conf_arm(c, hooks, &count);
        assert_true(count > 0);
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(hooks[k].state, MIR_HOOK_ARMED);
            assert_int_equal(hooks[k].deadline_s, c->lease.deadline_s);
        }
        c->lease.deadline_s += 3600;
    }
    conf_must_go(c);
    conf_arm(c, hooks, &count); /* nothing there to arm: rows that say so */
    for (size_t k = 0; k < count; k++) {
        assert_int_equal(hooks[k].state, MIR_HOOK_FAILED);
        assert_true(*hooks[k].detail);
    }
    conformance_case_end(c);
}

static void must_say(const struct conformance_case *c, const char *reason)
{
    assert_true(*c->instance.end_reason);
    if (!strstr(c->instance.end_reason, reason ? reason : ""))
        fail_msg("'%s' is not '%s'", c->instance.end_reason, reason);
}

static void check_deadline(void **state)
{
    const struct conformance_target *target = target_of(state);
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, target->lease_s);
    int lease_ms = (int)target->lease_s * 1000;
    conf_launch(c);
    conf_must_reach(c, MIR_INSTANCE_RUNNING, lease_ms - 500);
    c->vanishes = target->vanishes;
    conf_must_reach(c, MIR_INSTANCE_ENDED, lease_ms + conf_gone_ms(target));
    assert_true(conf_now_s(target) >= c->lease.deadline_s);
    must_say(c, target->deadline_reason);
    conf_must_not_run(target, c, 0);
    conformance_case_end(c);
}

static void check_extension(void **state)
{
    const struct conformance_target *target = target_of(state);
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, target->lease_s);
    struct mir_hook hooks[MIR_HOOKS_MAX];
    size_t count;
    conf_launch(c);
    c->lease.deadline_s += target->lease_s;
    conf_arm(c, hooks, &count);
    assert_int_equal(hooks[0].state, MIR_HOOK_ARMED);
    for (int64_t left_ms; (left_ms = (c->lease.deadline_s - 1 - conf_now_s(target)) * 1000) > 0;)
        conf_pause_ms(target, left_ms < target->look_ms ? (long)left_ms : (long)target->look_ms);
    conf_look(c); /* past the first deadline */
    assert_int_equal(c->instance.state, MIR_INSTANCE_RUNNING);
    c->vanishes = target->vanishes;
    conf_must_reach(c, MIR_INSTANCE_ENDED, 2000 + conf_gone_ms(target));
    conformance_case_end(c);
}

struct found {
    const char *token;
    enum mir_object_kind kind;
    unsigned count;
    enum mir_instance_state state;
    int verified;
    int64_t expires_s;
    char name[MIR_NAME_TEXT];
};

static int find(void *ctx, const struct mir_instance *instance)
{
    struct found *found = ctx;
    if (strcmp(instance->tags.deployment, found->token) || instance->kind != found->kind)
        return 0;
    found->count++;
    found->state = instance->state;
    found->expires_s = instance->tags.expires_s;
    memcpy(found->name, instance->name, sizeof found->name);
    found->verified = mir_tags_verify(&instance->tags, conformance_key);
    return 0;
}

/* Whoever goes by the tags alone must find the deadline in force, and the name. */
static void check_tags_follow(void **state)
{
    const struct conformance_target *target = target_of(state);
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    struct mir_hook hooks[MIR_HOOKS_MAX];
    size_t count;
    conformance_create(c);
    conf_must_reach(c, MIR_INSTANCE_RUNNING, 10000);
    for (int i = 0; i < 3; i++) { /* extended, once more, and shortened */
        c->lease.deadline_s += i < 2 ? 3600 : -1800;
        c->spec.tags.expires_s = c->lease.deadline_s;
        conf_sign(c);
        memcpy(c->lease.signature, c->spec.tags.signature, sizeof c->lease.signature);
        conf_arm(c, hooks, &count);
        assert_int_equal(hooks[0].state, MIR_HOOK_ARMED);
        struct found found = {.token = c->lease.id};
        assert_int_equal(mir_prov_sweep(c->prov, find, &found, &c->err), 0);
        assert_int_equal(found.count, 1);
        assert_int_equal(found.verified, 1);
        assert_int_equal(found.expires_s, c->lease.deadline_s);
        assert_string_equal(found.name, c->spec.name);
        conf_look(c);
        assert_int_equal(c->instance.tags.expires_s, c->lease.deadline_s);
        assert_int_equal(mir_tags_verify(&c->instance.tags, conformance_key), 1);
    }
    /* Without a signature the tags stay what they are, and verify. */
    c->lease.signature[0] = '\0';
    c->lease.deadline_s += 60;
    conf_arm(c, hooks, &count);
    conf_look(c);
    assert_int_equal(c->instance.tags.expires_s, c->lease.deadline_s - 60);
    assert_int_equal(mir_tags_verify(&c->instance.tags, conformance_key), 1);
    conformance_case_end(c);
}

static void check_delete(void **state)
{
    const struct conformance_target *target = target_of(state);
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    conformance_create(c);
    conf_must_reach(c, MIR_INSTANCE_RUNNING, 10000);
    /* What else there is has a kind and an id, and is gone when the instance is. */
    for (unsigned i = 0; i < c->instance.object_count; i++)
        assert_true(*c->instance.objects[i].kind && *c->instance.objects[i].id);
    for (int i = 0; i < 2; i++)
        assert_int_equal(mir_prov_instance_delete(c->prov, c->lease.id, &c->err), 0);
    conf_must_go(c);
    assert_int_equal(c->instance.object_count, 0);
    conf_must_not_run(target, c, 0);
    conformance_case_end(c);
}

/* What is uploaded is one thing however often it is put, is listed, and goes when it is asked. */
static void check_image(void **state)
{
    const struct conformance_target *target = target_of(state);
    if (!target->provider->image_put)
        skip_because("kernels are not uploaded to this provider");
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    struct found found = {.token = c->lease.id, .kind = MIR_OBJECT_IMAGE};
    char first[MIR_INSTANCE_ID];
    conf_look_at_image(c);
    assert_int_equal(c->instance.state, MIR_INSTANCE_ABSENT);
    assert_int_equal(mir_prov_image_put(c->prov, &c->spec, first, &c->err), 0);
    assert_int_equal(mir_prov_image_put(c->prov, &c->spec, c->spec.image_id, &c->err), 0);
    assert_string_equal(first, c->spec.image_id);
    conf_look_at_image(c);
    assert_int_not_equal(c->instance.state, MIR_INSTANCE_ABSENT);
    assert_int_equal(c->instance.kind, MIR_OBJECT_IMAGE);
    assert_int_equal(mir_tags_verify(&c->instance.tags, conformance_key), 1);
    assert_int_equal(mir_prov_sweep(c->prov, find, &found, &c->err), 0);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.verified, 1);
    conf_go(c, conf_delete_image, conf_look_at_image);
    assert_int_equal(mir_prov_image_delete(c->prov, c->lease.id, "", &c->err), 0); /* gone */
    found.count = 0;
    assert_int_equal(mir_prov_sweep(c->prov, find, &found, &c->err), 0);
    assert_int_equal(found.count, 0);
    conformance_case_end(c);
}

static int stop_at_first(void *ctx, const struct mir_instance *instance)
{
    (void)instance;
    (*(unsigned *)ctx)++;
    return 1;
}

static void check_sweep(void **state)
{
    const struct conformance_target *target = target_of(state);
    struct conformance_case *a = conformance_case_new(target, GUEST_IDLE, 60);
    struct conformance_case *b = conformance_case_new(target, GUEST_IDLE, 60);
    conformance_create(a);
    conformance_create(b);
    struct conformance_case *both[] = {a, b};
    for (size_t i = 0; i < MIR_NELEMS(both); i++) {
        struct found found = {.token = both[i]->lease.id};
        conf_must_reach(both[i], MIR_INSTANCE_RUNNING, 10000);
        assert_int_equal(mir_prov_sweep(a->prov, find, &found, &a->err), 0);
        assert_int_equal(found.count, 1);
        assert_int_equal(found.state, MIR_INSTANCE_RUNNING);
        assert_int_equal(found.verified, 1);
    }
    struct found there = {.token = a->lease.id};
    if (target->provider->sweep_place) {
        assert_int_equal(mir_prov_sweep_place(a->prov, &a->spec.place, find, &there, &a->err), 0);
        assert_int_equal(there.count, 1);
    }
    unsigned calls = 0;
    assert_int_equal(mir_prov_sweep(a->prov, stop_at_first, &calls, &a->err), 0);
    assert_int_equal(calls, 1);
    char token[MIR_ID_TEXT];
    memcpy(token, b->lease.id, sizeof token);
    conformance_case_end(b);
    struct found gone = {.token = token};
    assert_int_equal(mir_prov_sweep(a->prov, find, &gone, &a->err), 0);
    assert_int_equal(gone.count, 0);
    if (target->provider->sweep_place)
        assert_int_equal(mir_prov_sweep_place(a->prov, &a->spec.place, find, &gone, &a->err), 0);
    assert_int_equal(gone.count, 0);
    conformance_case_end(a);
}

static void check_ends_by_itself(void **state)
{
    const struct conformance_target *target = target_of(state);
    for (int guest = 0; guest < GUEST_COUNT; guest++) {
        if (!target->reasons[guest])
            continue;
        struct conformance_case *c =
            conformance_case_new(target, (enum conformance_guest)guest, 60);
        conformance_create(c);
        conf_must_reach(c, MIR_INSTANCE_ENDED, 10000);
        must_say(c, target->reasons[guest]);
        conformance_case_end(c);
    }
}

/* A listening socket on a free port of 127.0.0.1. */
static int occupy(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && !bind(fd, (struct sockaddr *)&address, size) && !listen(fd, 1) &&
                !getsockname(fd, (struct sockaddr *)&address, &size));
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void check_ports(void **state)
{
    const struct conformance_target *target = target_of(state);
    if (!target->ports)
        skip_because("this provider publishes no ports");
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    c->spec.port_count = 2;
    c->spec.ports[0].guest_port = 80;
    c->spec.ports[1].guest_port = 443;
    conformance_create(c);
    assert_int_equal(c->instance.port_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_string_equal(c->instance.ports[i].address, "127.0.0.1");
        assert_true(c->instance.ports[i].host_port >= 1024);
        assert_int_equal(c->instance.ports[i].guest_port, c->spec.ports[i].guest_port);
    }
    assert_int_not_equal(c->instance.ports[0].host_port, c->instance.ports[1].host_port);
    conformance_case_end(c);
}

static void check_port_in_use(void **state)
{
    const struct conformance_target *target = target_of(state);
    if (!target->ports)
        skip_because("this provider publishes no ports");
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    char named[32];
    int fd = occupy(&c->spec.ports[0].host_port);
    c->spec.port_count = 1;
    c->spec.ports[0].guest_port = 80;
    assert_int_equal(mir_prov_instance_create(c->prov, &c->spec, &c->instance, &c->err), -1);
    close(fd);
    assert_int_equal(c->err.kind, MIR_CONFLICT);
    assert_int_equal(c->err.outcome, MIR_DID_NOT_HAPPEN);
    snprintf(named, sizeof named, "port %u", c->spec.ports[0].host_port);
    assert_non_null(strstr(c->err.text, named));
    assert_true(*c->err.hint);
    conf_look(c);
    assert_int_equal(c->instance.state, MIR_INSTANCE_ABSENT);
    conformance_case_end(c);
}

/* It boots nowhere, and nothing would help. */
static void spoil(struct mir_kernel *kernel)
{
    static const char why[] = "it is made of cheese";
    kernel->boots[0].verdict = MIR_VERDICT_CANNOT;
    kernel->boots[0].how[0] = '\0';
    mir_copy(kernel->boots[0].why, sizeof kernel->boots[0].why, why);
    for (unsigned i = 0; i < kernel->family_count; i++) {
        struct mir_family *family = &kernel->families[i];
        family->verdict = MIR_VERDICT_CANNOT;
        family->needs = (struct mir_needs){.image = MIR_IMAGE_NONE};
        mir_copy(family->why, sizeof family->why, why);
    }
}

static void check_refusals(void **state)
{
    const struct conformance_target *target = target_of(state);
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    struct mir_kernel good = c->kernel;
    assert_int_equal(mir_prov_admit(c->prov, &c->spec, &c->err), 0);
    spoil(&c->kernel);
    assert_int_equal(mir_prov_admit(c->prov, &c->spec, &c->err), -1);
    assert_int_equal(c->err.kind, MIR_POLICY);
    assert_non_null(strstr(c->err.text, "cheese"));
    c->kernel = good;
    c->kernel.arch = MIR_ARCH_AARCH64;
    assert_int_equal(mir_prov_admit(c->prov, &c->spec, &c->err), -1);
    assert_int_equal(c->err.kind, MIR_POLICY);
    c->kernel = good;
    c->kernel.min_memory_bytes = c->spec.memory_bytes + 1;
    assert_int_equal(mir_prov_admit(c->prov, &c->spec, &c->err), -1);
    assert_int_equal(c->err.kind, MIR_POLICY);
    c->kernel = good;
    c->kernel_path[0] = '\0';
    assert_int_equal(conf_make(c, &c->instance), -1);
    conf_look(c);
    assert_int_equal(c->instance.state, MIR_INSTANCE_ABSENT);
    conformance_case_end(c);
}

static void check_flood(void **state)
{
    const struct conformance_target *target = target_of(state);
    if (!target->console)
        skip_because("this provider's guests say nothing on a console here");
    struct conformance_case *c = conformance_case_new(target, GUEST_FLOOD, 60);
    conformance_create(c);
    free(conf_console_until(c, CONFORMANCE_BANNER CONFORMANCE_BANNER, 10000));
    conf_must_go(c);
    conf_must_not_run(target, c, 0);
    conformance_case_end(c);
}

static void check_guard_killed(void **state)
{
    const struct conformance_target *target = target_of(state);
    if (!target->kill_guard)
        skip_because("nothing beside the daemon guards an instance that a test could kill");
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    conformance_create(c);
    conf_must_reach(c, MIR_INSTANCE_RUNNING, 10000);
    target->kill_guard(c->lease.id);
    conf_must_reach(c, MIR_INSTANCE_ENDED, conf_gone_ms(target));
    conf_must_not_run(target, c, 1000);
    assert_true(*c->instance.end_reason);
    conformance_case_end(c);
}

/* Another process launches it as a daemon does, and is killed then. */
static void launch_and_die(struct conformance_case *c)
{
    const struct conformance_target *target = c->target;
    struct mir_prov *prov = NULL;
    struct mir_instance instance;
    struct mir_hook hooks[MIR_HOOKS_MAX];
    size_t count;
    if (!mir_prov_open(target->provider, &target->env, &prov, NULL) &&
        !mir_prov_image_put(prov, &c->spec, c->spec.image_id, NULL) &&
        !mir_prov_instance_create(prov, &c->spec, &instance, NULL) &&
        (target->armed_by_create ||
         !mir_prov_hooks_arm(prov, &c->lease, hooks, MIR_HOOKS_MAX, &count, NULL)))
        raise(SIGKILL);
    _exit(1);
}

/* The daemon is gone for good right after the launch: the instance still ends at its deadline. */
static void check_creator_gone(void **state)
{
    const struct conformance_target *target = target_of(state);
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, target->lease_s + 1);
    pid_t pid = fork();
    if (pid == 0)
        launch_and_die(c);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    conf_must_reach(c, MIR_INSTANCE_RUNNING, 10000); /* another process finds it */
    assert_int_equal(target->running(c->spec.name), 1);
    c->vanishes = target->vanishes;
    conf_must_reach(c, MIR_INSTANCE_ENDED,
                    (int)target->lease_s * 1000 + 1000 + conf_gone_ms(target));
    assert_true(conf_now_s(target) <= c->lease.deadline_s + (int64_t)target->gone_s);
    conf_must_not_run(target, c, 0);
    conformance_case_end(c);
}

static void check_console_deadline(void **state)
{
    const struct conformance_target *target = target_of(state);
    if (!target->console || !target->kill_guard)
        skip_because("no console, or no guard, that carries a new deadline to the guest");
    struct conformance_case *c = conformance_case_new(target, GUEST_ECHO, 60);
    struct mir_hook hooks[MIR_HOOKS_MAX];
    size_t count;
    char line[40];
    conformance_create(c);
    free(conf_console_until(c, CONFORMANCE_BANNER, 10000));
    c->lease.deadline_s += 100;
    conf_arm(c, hooks, &count);
    snprintf(line, sizeof line, "deadline %lld\n", (long long)c->lease.deadline_s);
    free(conf_console_until(c, line, 5000));
    conformance_case_end(c);
}

#define CHECK(name, fn)                                                                            \
    {                                                                                              \
        name, fn, NULL, NULL, (void *)(uintptr_t)target                                            \
    }

int conformance_run(const struct conformance_target *target)
{
    const struct CMUnitTest checks[] = {
        CHECK("the table is complete", check_table),
        CHECK("doctor's lines", check_doctor),
        CHECK("no lease, no launch", check_no_lease_no_launch),
        CHECK("absent is an answer", check_absent),
        CHECK("create twice is one instance", check_create_twice),
        CHECK("an ended instance is never started again", check_end_is_final),
        CHECK("tags come back as given", check_tags),
        CHECK("console, from an offset, after the end", check_console),
        CHECK("hooks are armed and read back", check_hooks),
        CHECK("the deadline ends it", check_deadline),
        CHECK("an extension moves the deadline", check_extension),
        CHECK("the tags follow an extension", check_tags_follow),
        CHECK("an upload is one image", check_image),
        CHECK("delete, twice", check_delete),
        CHECK("sweep shows what runs", check_sweep),
        CHECK("guests that end by themselves", check_ends_by_itself),
        CHECK("free ports are chosen", check_ports),
        CHECK("a port in use", check_port_in_use),
        CHECK("refusals", check_refusals),
        CHECK("a guest that never stops talking", check_flood),
        CHECK("the guard is killed", check_guard_killed),
        CHECK("the creator is gone for good", check_creator_gone),
        CHECK("the guest hears of an extension", check_console_deadline),
    };
    return cmocka_run_group_tests_name(target->provider->name, checks, NULL, NULL);
}
