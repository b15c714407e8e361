/* SPDX-License-Identifier: ISC */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_MS 120000

struct calls calls;

static struct ec2_credentials keys = {.access_key_id = "AKID"};

void calls_open(const char *url, const char *region)
{
    struct ec2_session_settings settings = {.region = region,
                                            .credentials = ec2_credentials_fixed(&keys)};
    for (int i = 0; i < EC2_SERVICE_COUNT; i++)
        settings.endpoints[i] = url;
    if (!mir_secret_set(&keys.secret, "s", 1, &calls.err))
        calls.session = ec2_session_new(&settings, &calls.err);
    if (!calls.session) {
        printf("%s\n", calls.err.text);
        exit(2);
    }
    calls.until_ms = ec2_until(calls.session, LIMIT_MS);
}

void calls_close(void)
{
    ec2_session_free(calls.session);
    ec2_credentials_clear(&keys);
}

void expect(bool met, const char *what)
{
    if (!met) {
        calls.failed++;
        printf("# %s: %s\n", what, calls.err.text);
    }
    calls.err = (struct mir_error){0};
}

void expect_same(const char *text, const char *want, const char *what)
{
    if (text && !strcmp(text, want))
        return;
    calls.failed++;
    printf("# %s is '%s', not '%s'\n", what, text ? text : "(none)", want);
}
