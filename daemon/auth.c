/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <unistd.h>

#include "api/memory.h"
#include "rest.h"

/* A group is let in by the socket file's mode, which the kernel has checked at connect. */
int mird_auth(void *ctx, const struct mird_http_request *request, struct mir_error *err)
{
    const struct mird_rest *rest = ctx;
    const struct mird_http_peer *peer = &request->peer;
    if (!peer->local)
        return mir_fail(err, MIR_CREDENTIALS, "this interface is served on the unix socket only");
    if (peer->uid == 0 || peer->uid == geteuid() || rest->group_allowed)
        return rest_role_allows(rest, request, err);
    mir_fail(err, MIR_POLICY, "user %u may not use the daemon of user %u", (unsigned)peer->uid,
             (unsigned)geteuid());
    return mir_error_hint(err, "start a daemon of your own (unset MIRAGE_DEPLOY_SOCKET), or have "
                               "its owner set socket_mode = 0660 under [daemon]");
}

void mird_auth_who(const struct mird_rest *rest, const struct mird_http_request *request,
                   char out[32])
{
    if (request->peer.local && request->peer.uid == geteuid())
        mir_copy(out, 32, rest->own_name);
    else if (request->peer.local)
        snprintf(out, 32, "uid %u", (unsigned)request->peer.uid);
    else
        mir_copy(out, 32, "network");
}
