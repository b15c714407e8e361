/* SPDX-License-Identifier: ISC */
/*
 * Mistral v2: workflows of one task, std.http, and cron triggers that really fire. A trigger acts
 * by a trust of whoever made it; with its last execution the trust ends, and the token with which
 * it has just asked for something as well.
 */
#ifndef FAKECLOUD_MISTRAL_H
#define FAKECLOUD_MISTRAL_H

#include "os.h"

void fos_tick_trigger(struct fc_world *world, struct fc_object *trigger,
                      const struct fc_cause *cause);

/* Nova: somebody who is not here deletes that server; false: there is none. */
bool fos_server_delete_by(struct fc_world *world, const char *region, const char *id,
                          const char *project, const char *token, const struct fc_cause *cause);

#endif
