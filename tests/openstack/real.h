/* SPDX-License-Identifier: ISC */
/* What the parts of real_calls share: one session with the OpenStack that OS_* name, a name that
 * nothing else has, and expectations that are told when they are not met. */
#ifndef TESTS_OPENSTACK_REAL_H
#define TESTS_OPENSTACK_REAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "openstack/session.h"

struct real {
    struct os_cloud cloud; /* borrowed from the environment */
    struct os_session *session;
    int64_t until_ms; /* of each part */
    struct mir_error err;
    char name[64]; /* of all that is made */
    unsigned met, failed;
};

extern struct real real;

bool real_expect(bool met, const char *what, const char *file, int line);
#define EXPECT(condition) real_expect(condition, #condition, __FILE__, __LINE__)
/* The call succeeds, and says why when it does not. */
#define DOES(call) real_expect(!(call), #call, __FILE__, __LINE__)
/* The call fails in that way. */
#define REFUSED(call, of_kind)                                                                     \
    real_expect((call) && real.err.kind == (of_kind), #call " is refused: " #of_kind, __FILE__,    \
                __LINE__)

struct os_session *real_session(const struct os_cloud *cloud);
/* Some tenths of a second; until then whoever calls looks again. */
void real_pause(void);

void real_identity(void);
void real_images(void);
void real_network(void);
void real_compute(void);
void real_objects(void);
void real_workflows(void);

#endif
