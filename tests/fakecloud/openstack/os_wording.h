/* SPDX-License-Identifier: ISC */
/*
 * Replies and refusals as each service words them. A refusal's code is Nova's word ("badRequest"),
 * Neutron's type ("NetworkNotFound"), and for Keystone and Glance the title of the status.
 */
#ifndef FAKECLOUD_OS_WORDING_H
#define FAKECLOUD_OS_WORDING_H

#include "os.h"

void fos_write_reply(struct fc_call *call, json_t *reply);
void fos_write_refusal(struct fc_call *call, const struct fc_refusal *refusal);
void fos_finish(struct fc_call *call);

/* With the code that the call's service has for this status. */
int fos_refuse(const struct fc_call *call, struct fc_refusal *refusal, int status, const char *fmt,
               ...) MIR_PRINTF(4, 5);
int fos_refuse_path(struct fc_refusal *refusal, const struct fc_service *service, bool method);
int fos_refuse_token(const struct fc_call *call, struct fc_refusal *refusal);
int fos_refuse_policy(const struct fc_call *call, struct fc_refusal *refusal);

/* What a status is called: "Not Found". */
const char *fos_status_title(int status);

#endif
