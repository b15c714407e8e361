/* SPDX-License-Identifier: ISC */
#include "port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "local_help.h"

static int listen_somewhere(const char *address, uint16_t *port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t size = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, address, &sa.sin_addr);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &size), 0);
    *port = ntohs(sa.sin_port);
    return fd;
}

static void free_ones_are_chosen(void **state)
{
    (void)state;
    struct mir_port ports[MIR_PORTS_MAX] = {{"", 0, 80}};
    int chosen = 0;
    for (unsigned i = 0; i < MIR_PORTS_MAX; i++)
        ports[i].guest_port = (uint16_t)(80 + i);
    assert_int_equal(local_ports_choose(ports, MIR_PORTS_MAX, ports, &chosen, NULL), 0);
    assert_int_equal(chosen, 1);
    for (unsigned i = 0; i < MIR_PORTS_MAX; i++) {
        assert_string_equal(ports[i].address, "127.0.0.1");
        assert_true(ports[i].host_port > 0);
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(ports[i].host_port, ports[k].host_port);
    }
    /* They are free again, and asked for by number nothing is chosen. */
    assert_int_equal(local_ports_choose(ports, MIR_PORTS_MAX, ports, &chosen, NULL), 0);
    assert_int_equal(chosen, 0);
}

static void one_in_use(void **state)
{
    (void)state;
    struct mir_port asked[2] = {{"127.0.0.1", 0, 80}, {"", 0, 81}}, ret[2] = {{"kept", 1, 2}};
    struct mir_error err = {0};
    char named[48];
    int fd = listen_somewhere("127.0.0.1", &asked[1].host_port);
    assert_int_equal(local_ports_choose(asked, 2, ret, NULL, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    snprintf(named, sizeof named, "port %u on 127.0.0.1 is in use", asked[1].host_port);
    assert_string_equal(err.text, named);
    assert_true(*err.hint);
    assert_string_equal(ret[0].address, "kept");
    close(fd);
    assert_int_equal(local_ports_choose(asked, 2, ret, NULL, &err), 0);
}

static void twice_the_same(void **state)
{
    (void)state;
    struct mir_port ports[2] = {{"", 0, 80}, {"", 0, 81}};
    struct mir_error err = {0};
    assert_int_equal(local_ports_choose(ports, 1, ports, NULL, &err), 0);
    ports[1].host_port = ports[0].host_port;
    assert_int_equal(local_ports_choose(ports, 2, ports, NULL, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
}

static void nonsense(void **state)
{
    (void)state;
    static const struct {
        struct mir_port port;
        const char *says;
    } bad[] = {{{"::1", 0, 80}, "IPv4"},
               {{"localhost", 0, 80}, "IPv4"},
               {{"127.0.0.1,hostfwd=", 0, 80}, "IPv4"},
               {{"", 0, 0}, "guest's port"},
               {{"192.0.2.1", 0, 80}, "192.0.2.1"}};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct mir_port ret;
        struct mir_error err = {0};
        assert_int_equal(local_ports_choose(&bad[i].port, 1, &ret, NULL, &err), -1);
        if (!strstr(err.text, bad[i].says))
            fail_msg("%s", err.text);
    }
    struct mir_port many[MIR_PORTS_MAX + 1] = {0};
    assert_int_equal(local_ports_choose(many, MIR_PORTS_MAX + 1, many, NULL, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_ones_are_chosen),
        cmocka_unit_test(one_in_use),
        cmocka_unit_test(twice_the_same),
        cmocka_unit_test(nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
