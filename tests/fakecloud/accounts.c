/* SPDX-License-Identifier: ISC */
/* Who a key belongs to: the account's own, or a session that STS gave out. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "service.h"

static void root_who(const struct fc_world *world, struct fc_who *who)
{
    const struct fc_account *account = &world->account;
    mir_copy(who->account, sizeof who->account, account->id);
    mir_copy(who->user_id, sizeof who->user_id, "AIDAFAKECLOUDUSER0001");
    mir_copy(who->access_key, sizeof who->access_key, account->access_key);
    snprintf(who->arn, sizeof who->arn, "arn:aws:iam::%s:user/fakecloud", account->id);
}

static enum fc_denial session_who(const struct fc_world *world, const char *access_key,
                                  int64_t now_ms, char secret[64], char **ret_token,
                                  struct fc_who *who, struct mir_error *why)
{
    const struct fc_object *session = fc_store_get(world->store, "session", "", access_key);
    if (!session) {
        mir_fail(why, MIR_CREDENTIALS, "there is no access key %.40s", access_key);
        return FC_DENY_KEY;
    }
    mir_copy(secret, 64, fc_text_at(session->doc, "secret"));
    *ret_token = mir_strdup(fc_text_at(session->doc, "token"));
    mir_copy(who->account, sizeof who->account, world->account.id);
    mir_copy(who->user_id, sizeof who->user_id, fc_text_at(session->doc, "user_id"));
    mir_copy(who->arn, sizeof who->arn, fc_text_at(session->doc, "arn"));
    mir_copy(who->role, sizeof who->role, fc_text_at(session->doc, "role"));
    mir_copy(who->access_key, sizeof who->access_key, access_key);
    if (now_ms < json_integer_value(fc_at(session->doc, "expires_ms")))
        return FC_DENY_NONE;
    mir_fail(why, MIR_CREDENTIALS, "The security token included in the request is expired");
    return FC_DENY_TOKEN_EXPIRED;
}

enum fc_denial fc_accounts_find(struct fc_world *world, const char *access_key, int64_t now_ms,
                                char secret[64], char **ret_token, struct fc_who *ret_who,
                                struct mir_error *why)
{
    enum fc_denial denial = FC_DENY_NONE;
    pthread_mutex_lock(&world->lock);
    if (!strcmp(access_key, world->account.access_key)) {
        root_who(world, ret_who);
        mir_copy(secret, 64, world->account.secret);
    } else {
        denial = session_who(world, access_key, now_ms, secret, ret_token, ret_who, why);
    }
    pthread_mutex_unlock(&world->lock);
    return denial;
}
