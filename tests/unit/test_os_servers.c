/* SPDX-License-Identifier: ISC */
/* A server of Nova's as the provider's noun, and a flavor's price. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/memory.h"
#include "stack.h"

static void states(void **state)
{
    static const struct {
        const char *status, *task;
        enum mir_instance_state state;
    } rows[] = {
        {"BUILD", "spawning", MIR_INSTANCE_STARTING},
        {"ACTIVE", "", MIR_INSTANCE_RUNNING},
        /* While it is deleted it is shown as ACTIVE. */
        {"ACTIVE", "deleting", MIR_INSTANCE_STOPPING},
        {"BUILD", "deleting", MIR_INSTANCE_STOPPING},
        {"ACTIVE", "powering-off", MIR_INSTANCE_STOPPING},
        {"ACTIVE", "reboot_pending_hard", MIR_INSTANCE_RUNNING},
        {"HARD_REBOOT", "", MIR_INSTANCE_RUNNING},
        {"SHUTOFF", "", MIR_INSTANCE_ENDED},
        {"ERROR", "", MIR_INSTANCE_ENDED},
        /* A deletion that failed: it has to be asked for again. */
        {"ERROR", "deleting", MIR_INSTANCE_ENDED},
        {"SOFT_DELETED", "", MIR_INSTANCE_ENDED},
        /* It costs, whatever it is. */
        {"UNKNOWN", "", MIR_INSTANCE_RUNNING},
        {"SHELVED_OFFLOADED", "", MIR_INSTANCE_RUNNING},
        {"A_STATE_OF_2031", "", MIR_INSTANCE_RUNNING},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct os_server server = {.created_s = 7};
        struct mir_instance instance;
        mir_copy(server.status, sizeof server.status, rows[i].status);
        mir_copy(server.task_state, sizeof server.task_state, rows[i].task);
        stack_server_read(&server, &instance);
        if (instance.state != rows[i].state)
            fail_msg("%s %s: %s", rows[i].status, rows[i].task,
                     mir_instance_state_name(instance.state));
        assert_int_equal(instance.started_ms, 7000);
    }
}

static void reasons(void **state)
{
    char fault[] = "No valid host was found.";
    struct os_server server = {.status = "ERROR", .fault = fault};
    struct mir_instance instance;
    stack_server_read(&server, &instance);
    assert_string_equal(instance.end_reason, fault);
    server = (struct os_server){.status = "SHUTOFF"};
    stack_server_read(&server, &instance);
    assert_string_equal(instance.end_reason, "powered off");
}

static void things(void **state)
{
    struct mir_instance instance = {.object_count = 0};
    stack_things_read("floating-ip 1-a,port 2-b,security-group 3-c", &instance);
    assert_int_equal(instance.object_count, 3);
    assert_string_equal(instance.objects[0].kind, "floating-ip");
    assert_string_equal(instance.objects[2].id, "3-c");
    stack_things_read("port 2-b", &instance); /* the same once more */
    assert_int_equal(instance.object_count, 3);
    /* What somebody has made of it by hand. */
    stack_things_read(",,port,port ,x y z,a-kind-that-is-longer-than-any id", &instance);
    for (unsigned i = 0; i < instance.object_count; i++)
        assert_true(*instance.objects[i].kind && *instance.objects[i].id);
    stack_things_read(NULL, &instance);
}

/* The floating one counts, else IPv4 before IPv6. */
static void addresses(void **state)
{
    struct os_server_address rows[] = {{.address = "2001:db8::1", .version = 6},
                                       {.address = "10.0.0.5", .version = 4}};
    struct os_server_network network = {.addresses = rows, .address_count = 2};
    struct os_server server = {.status = "ACTIVE", .networks = &network, .network_count = 1};
    char name[] = MARK_ADDRESS, value[] = "203.0.113.7";
    struct os_found_pair mark = {name, value};
    struct mir_instance instance;
    stack_server_read(&server, &instance);
    assert_string_equal(instance.address, "10.0.0.5");
    assert_string_equal(instance.address6, "2001:db8::1");
    server.metadata = &mark;
    server.metadata_count = 1;
    stack_server_read(&server, &instance);
    assert_string_equal(instance.address, "203.0.113.7");
    network.address_count = server.metadata_count = 0;
    stack_server_read(&server, &instance);
    assert_string_equal(instance.address, "");
}

static void blind(void **state)
{
    char name[] = "x";
    struct os_server server = {.status = "UNKNOWN"};
    assert_true(stack_blind(&server));
    server.name = name;
    assert_false(stack_blind(&server));
    server = (struct os_server){.status = "DELETED"};
    assert_false(stack_blind(&server));
}

static void prices(void **state)
{
    static const struct {
        const char *prices, *flavor;
        bool known;
        int64_t micro;
    } rows[] = {
        {NULL, "m1.tiny", false, 0},
        {"m1.tiny=0.005", "m1.tiny", true, 5000},
        {"m1.tiny=0.005", "m1.tin", false, 0},
        {"m1.tiny=0.005, m1.small=1.50", "m1.small", true, 1500000},
        {"General Purpose 1=2", "General Purpose 1", true, 2000000},
        {"a=x,b=1", "a", false, 0},
        {"a,b=1", "b", true, 1000000},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        int64_t micro = 0;
        if (stack_price_of(rows[i].prices, rows[i].flavor, &micro) != rows[i].known)
            fail_msg("%s of %s", rows[i].flavor, rows[i].prices);
        assert_int_equal(micro, rows[i].micro);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(states),    cmocka_unit_test(reasons), cmocka_unit_test(things),
        cmocka_unit_test(addresses), cmocka_unit_test(blind),   cmocka_unit_test(prices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
