/* SPDX-License-Identifier: ISC */
/* AWS as one of the clouds here: who signed a call, and whether he may make it now. */
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "roles.h"
#include "service.h"
#include "throttle.h"

/* --- the signature --- */

/* "ec2.us-west-2.localhost": who calls a host of this form means that region. */
static void region_of_host(const struct fc_call *call, char out[32])
{
    const char *host = fc_request_header(call->request, "Host");
    *out = '\0';
    if (!host || !strstr(host, ".localhost"))
        return;
    const char *dot = strchr(host, '.');
    size_t len = strcspn(dot + 1, ".");
    for (const char *const *region = fc_regions; *region; region++)
        if (strlen(*region) == len && !strncmp(*region, dot + 1, len))
            mir_copy(out, 32, *region);
}

static enum fc_denial check_key(struct fc_call *call, const struct fc_claim *claim,
                                const struct fc_rules *rules, struct mir_error *why)
{
    char secret[64] = "";
    mir_auto_free char *token = NULL;
    enum fc_denial denial = fc_accounts_find(call->world, claim->access_key, rules->now_s * 1000,
                                             secret, &token, &call->who, why);
    if (denial && denial != FC_DENY_TOKEN_EXPIRED)
        return denial;
    enum fc_denial signature = fc_claim_check(call->request, claim, rules, secret, token, why);
    return signature ? signature : denial;
}

static int verify(struct fc_call *call, struct fc_refusal *refusal)
{
    struct mir_error why = {0};
    struct fc_claim claim = {0};
    char host_region[32];
    region_of_host(call, host_region);
    bool s3 = call->service->protocol == FC_PROTOCOL_S3;
    struct fc_rules rules = {.service = call->service->name,
                             .region = *host_region ? host_region : NULL,
                             .regions = fc_regions,
                             .once = s3,
                             .as_it_is = s3,
                             .hash_required = s3,
                             .unsigned_payload = s3 || !strcmp(call->service->name, "ebs")};
    pthread_mutex_lock(&call->world->lock);
    rules.now_s = fc_world_now_ms(call->world) / 1000;
    rules.skew_s = s3 ? call->world->settings.skew_s3_s : call->world->settings.skew_s;
    pthread_mutex_unlock(&call->world->lock);
    if (call->operation->flags & FC_OP_UNSIGNED) {
        mir_copy(call->region, sizeof call->region, *host_region ? host_region : fc_regions[0]);
        return 0;
    }
    enum fc_denial denial = fc_claim_read(call->request, &claim, &why);
    if (!denial)
        denial = check_key(call, &claim, &rules, &why);
    if (!denial)
        mir_copy(call->region, sizeof call->region, claim.region);
    fc_claim_clear(&claim);
    return denial ? fc_refuse_denial(refusal, call->service->protocol, denial, &why) : 0;
}

/* --- now, and by him --- */

static int throttled(struct fc_call *call, struct fc_refusal *refusal)
{
    static const struct {
        int status;
        const char *code;
    } words[FC_PROTOCOL_COUNT] = {{503, "RequestLimitExceeded"},
                                  {400, "Throttling"},
                                  {429, "ThrottlingException"},
                                  {503, "SlowDown"}};
    struct fc_world *world = call->world;
    if (!world->settings.throttle ||
        fc_buckets_take(world->buckets, call->service->name, call->operation->name, call->region,
                        fc_world_now_ms(world)))
        return 0;
    const char *code = words[call->service->protocol].code;
    if (!strcmp(call->service->name, "ebs"))
        return fc_refuse(refusal, 400, "RequestThrottledException", "Rate exceeded");
    return fc_refuse(refusal, words[call->service->protocol].status, code,
                     "Request limit exceeded.");
}

static int admit(struct fc_call *call, struct fc_refusal *refusal)
{
    return throttled(call, refusal) ? -1 : fc_permitted(call, refusal);
}

static void finish(struct fc_call *call)
{
    if (call->service->protocol == FC_PROTOCOL_S3)
        fc_reply_header(call->reply, "x-amz-request-id", "%s", call->request_id);
}

static bool claims(const struct fc_request *request)
{
    return true;
}

const struct fc_cloud fc_cloud_aws = {
    .name = "aws",
    .services = fc_services,
    .claims = claims,
    .identify = fc_identify,
    .verify = verify,
    .read_parameters = fc_read_parameters,
    .admit = admit,
    .write_reply = fc_write_reply,
    .write_refusal = fc_write_refusal,
    .finish = finish,
};
