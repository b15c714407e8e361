/* SPDX-License-Identifier: ISC */
/* What a daemon says while another one acts. */
#include <inttypes.h>
#include <string.h>

#include "daemon/store_acting.h"
#include "rest.h"

json_t *rest_acting_json(const struct mird_rest *rest, struct mir_error *err)
{
    struct mird_acting acting;
    if (mird_store_acting(rest->core->store, &acting, err))
        return NULL;
    return json_pack("{s:I, s:o, s:o, s:o}", "epoch", (json_int_t)acting.row.epoch, "pid",
                     acting.row.holder[0] ? json_integer(acting.pid) : json_null(), "socket",
                     acting.row.holder[0] ? json_string(acting.socket) : json_null(), "since",
                     rest_time(acting.row.holder[0] ? acting.since_s : 0));
}

int rest_role_allows(const struct mird_rest *rest, const struct mird_http_request *request,
                     struct mir_error *err)
{
    if (!rest->core->standby || !strcmp(request->method, "GET") || !strcmp(request->method, "HEAD"))
        return 0;
    struct mird_acting acting = {0};
    if (mird_store_acting(rest->core->store, &acting, NULL) || !acting.row.holder[0]) {
        mir_fail(err, MIR_UNAVAILABLE,
                 "this daemon is a standby and only reads; none acts at this moment");
        return mir_error_hint(err, "repeat the command in some seconds");
    }
    mir_fail(err, MIR_UNAVAILABLE,
             "this daemon is a standby and only reads; process %" PRId64 " acts", acting.pid);
    return mir_error_hint(err,
                          "ask that one: MIRAGE_DEPLOY_SOCKET=%s; or wait: it is asked every "
                          "few seconds whether it is well, and taken over from if not",
                          acting.socket);
}
