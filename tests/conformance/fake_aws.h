/* SPDX-License-Identifier: ISC */
/*
 * A mirage-fakecloud of a test's own, on a free port and with a state directory of its own, and its
 * unsigned side (tests/fakecloud/README.md). A call that fails aborts the test. One thread.
 */
#ifndef FAKE_AWS_H
#define FAKE_AWS_H

#include <jansson.h>
#include <stdint.h>

#include "api/clock.h"

struct fake_aws; /* a running one */

/* Started, and the environment that it prints is this process's; NULL: it did not come up. Owned.
 */
struct fake_aws *fake_aws_start(const char *program, const char *state_dir);
void fake_aws_stop(struct fake_aws *fake); /* by its pid, and waited for */

void fake_aws_advance(const struct fake_aws *fake, int64_t ms); /* its clock */
void fake_aws_set(const struct fake_aws *fake, const char *setting, int64_t value);
/* What the machine of that instance writes on its console, and whether it powers itself off. */
void fake_aws_guest(const struct fake_aws *fake, const char *instance, const char *console,
                    int power_off);
/* The account signs bundles by this certificate; EC2's, as PEM text, owned. */
char *fake_aws_certificate(const struct fake_aws *fake, const char *pem);
json_t *fake_aws_ledger(const struct fake_aws *fake); /* GET /_ledger; new reference */

/* The machine's time, and what a test has let pass: for us and for the cloud. */
const struct mir_clock *fake_aws_clock(void);
void fake_aws_passes(struct fake_aws *fake, int64_t ms);

/* A member of a row of the ledger; "" when it has none. */
const char *fake_aws_text(const json_t *row, const char *name);

#endif
