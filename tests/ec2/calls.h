/* SPDX-License-Identifier: ISC */
/* What programs of this folder share that make calls and check what is read of the answers: one
 * session whose services are all at one address, and expectations that are told when not met. */
#ifndef CALLS_H
#define CALLS_H

#include <stdbool.h>

#include "ec2/session.h"

struct calls {
    struct ec2_session *session;
    int64_t until_ms; /* of all of them */
    struct mir_error err;
    unsigned failed; /* expectations */
};

extern struct calls calls;

/* Ends the program where there can be no session. */
void calls_open(const char *url, const char *region);
void calls_close(void);

void expect(bool met, const char *what);
void expect_same(const char *text, const char *want, const char *what);

#define EXPECT(condition) expect(condition, #condition)
#define SAME(text, want) expect_same(text, want, #text)

#endif
