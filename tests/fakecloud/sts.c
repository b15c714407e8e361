/* SPDX-License-Identifier: ISC */
/* STS, API 2011-06-15: who am I, and credentials that end. */
#include "service.h"

static int get_caller_identity(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    *ret_reply = json_pack("{s:s,s:s,s:s}", "Arn", call->who.arn, "UserId", call->who.user_id,
                           "Account", call->who.account);
    return 0;
}

static const struct fc_operation operations[] = {
    {.name = "GetCallerIdentity", .handle = get_caller_identity},
    {.name = NULL},
};

const struct fc_service fc_service_sts = {
    .name = "sts",
    .version = "2011-06-15",
    .protocol = FC_PROTOCOL_QUERY,
    .xmlns = "https://sts.amazonaws.com/doc/2011-06-15/",
    .operations = operations,
};
