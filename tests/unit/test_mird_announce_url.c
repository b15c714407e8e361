/* SPDX-License-Identifier: ISC */
/* Where guests announce themselves, as each of them reaches it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/memory.h"
#include "daemon/announce_url.h"

static void where(void **state)
{
    static const struct {
        const char *public_url, *guest_host, *expected;
    } rows[] = {
        {"", NULL, NULL},
        {"", "10.0.2.2", NULL},
        {"http://127.0.0.1:8420", "10.0.2.2", "http://10.0.2.2:8420/v1/announce"},
        {"http://localhost:8420", "10.0.2.2", "http://10.0.2.2:8420/v1/announce"},
        {"http://[::1]:8420", "10.0.2.2", "http://10.0.2.2:8420/v1/announce"},
        {"http://localhost", "10.0.2.2", "http://10.0.2.2/v1/announce"},
        {"http://127.0.0.1:8420", NULL, NULL},
        {"http://localhost", NULL, NULL},
        {"http://localhost.example.org", NULL, "http://localhost.example.org/v1/announce"},
        {"http://127.0.0.10:80", "10.0.2.2", "http://127.0.0.10:80/v1/announce"},
        {"http://status.example.org", "10.0.2.2", "http://status.example.org/v1/announce"},
        {"https://status.example.org:444", NULL, "https://status.example.org:444/v1/announce"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        char *url = mird_announce_url(rows[i].public_url, rows[i].guest_host);
        if (rows[i].expected)
            assert_string_equal(url, rows[i].expected);
        else
            assert_null(url);
        free(url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(where)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
