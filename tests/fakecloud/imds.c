/* SPDX-License-Identifier: ISC */
/*
 * The metadata of instances, version 2: /_imds/latest/… is a machine of the cloud that has a role,
 * /_imds/i-…/latest/… an instance. Where one lives, AWS_EC2_METADATA_SERVICE_ENDPOINT says.
 */
#include "imds.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/id.h"
#include "api/json.h"
#include "api/memory.h"
#include "calls.h"
#include "ec2.h"
#include "faults.h"
#include "roles.h"

#define TTL_MAX_S 21600
#define ROLE_LIFE_S 21600

struct look {
    struct fc_world *world;
    const struct fc_request *request;
    struct fc_reply *reply;
    const struct fc_object *instance; /* NULL: the machine with a role */
    const char *path;                 /* from "latest/" on */
    int64_t now_ms;
};

static void answer(struct look *look, int status, const char *text)
{
    look->reply->status = status;
    mir_copy(look->reply->type, sizeof look->reply->type, "text/plain");
    mir_buf_adds(&look->reply->body, text);
}

/* --- tokens --- */

static void seal(const struct look *look, int64_t until_s, char out[MIR_ID_TEXT])
{
    unsigned char digest[32];
    mir_auto_free char *text =
        mir_format("imds %s %" PRId64 " %s", look->world->account.signing_key, until_s,
                   look->instance ? look->instance->id : "");
    if (!EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL))
        abort();
    mir_hex(digest, 16, out);
}

static void put_token(struct look *look)
{
    const char *ttl = fc_request_header(look->request, "X-aws-ec2-metadata-token-ttl-seconds");
    char *end = NULL, digest[MIR_ID_TEXT];
    long ttl_s = ttl ? strtol(ttl, &end, 10) : 0;
    if (!ttl || !end || *end || ttl_s < 1 || ttl_s > TTL_MAX_S) {
        answer(look, 400, "");
        return;
    }
    int64_t until_s = look->now_ms / 1000 + ttl_s;
    seal(look, until_s, digest);
    mir_auto_free char *token = mir_format("AQAE%016" PRIx64 "%s==", (uint64_t)until_s, digest);
    answer(look, 200, token);
    fc_reply_header(look->reply, "X-aws-ec2-metadata-token-ttl-seconds", "%ld", ttl_s);
}

static bool token_valid(const struct look *look, const char *token)
{
    char digest[MIR_ID_TEXT];
    uint64_t until_s;
    if (strlen(token) != 54 || sscanf(token, "AQAE%16" SCNx64, &until_s) != 1)
        return false;
    seal(look, (int64_t)until_s, digest);
    return !strncmp(token + 20, digest, 32) && look->now_ms / 1000 < (int64_t)until_s;
}

static bool admitted(struct look *look)
{
    const char *token = fc_request_header(look->request, "X-aws-ec2-metadata-token");
    const char *tokens =
        look->instance ? fc_text_at(look->instance->doc, "metadataOptions.httpTokens") : "optional";
    return token ? token_valid(look, token) : strcmp(tokens, "required") != 0;
}

/* --- what there is --- */

static const char *role_of(const struct look *look)
{
    const char *profile = look->instance ? fc_text_at(look->instance->doc, "iamInstanceProfile.arn")
                                         : "/mirage-instance";
    const char *slash = strrchr(profile, '/');
    return slash ? slash + 1 : "";
}

/* The role's keys, made anew when they are not there or near their end. */
static void show_credentials(struct look *look, const char *name)
{
    const struct fc_cause cause = {"imds.GetCredentials", "-", look->now_ms};
    const struct fc_object *role = fc_store_get(look->world->store, "role", "", name);
    char expires[MIR_TIME_SIZE], updated[MIR_TIME_SIZE];
    if (!role || strcmp(name, role_of(look)) != 0) {
        answer(look, 404, "");
        return;
    }
    const json_t *session = fc_session_new(
        look->world, role, look->instance ? look->instance->id : "i-0", ROLE_LIFE_S, &cause);
    mir_time_format(json_integer_value(fc_at(session, "expires_ms")) / 1000, expires);
    mir_time_format(look->now_ms / 1000, updated);
    json_t *json = json_pack(
        "{s:s,s:s,s:s,s:O,s:O,s:O,s:s}", "Code", "Success", "LastUpdated", updated, "Type",
        "AWS-HMAC", "AccessKeyId", fc_at(session, "accessKeyId"), "SecretAccessKey",
        fc_at(session, "secret"), "Token", fc_at(session, "token"), "Expiration", expires);
    fc_world_commit(look->world, &cause);
    mir_auto_free char *text = mir_json_text(json);
    answer(look, 200, text);
    json_decref(json);
}

static void show_document(struct look *look)
{
    const json_t *doc = look->instance ? look->instance->doc : NULL;
    json_t *json = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "accountId", look->world->account.id, "instanceId",
        look->instance ? look->instance->id : "i-0", "imageId", fc_text_at(doc, "imageId"),
        "instanceType", fc_text_at(doc, "instanceType"), "region",
        look->instance ? look->instance->region : fc_regions[0], "availabilityZone",
        fc_text_at(doc, "placement.availabilityZone"), "privateIp",
        fc_text_at(doc, "privateIpAddress"), "architecture", fc_text_at(doc, "architecture"));
    mir_auto_free char *text = mir_json_text(json);
    answer(look, 200, text);
    json_decref(json);
}

static void show_tag(struct look *look, const char *key)
{
    size_t i;
    json_t *tag;
    const json_t *doc = look->instance ? look->instance->doc : NULL;
    bool on = !strcmp(fc_text_at(doc, "metadataOptions.instanceMetadataTags"), "enabled");
    json_array_foreach(on ? fc_at(doc, "tagSet") : NULL, i, tag)
    {
        if (!*key)
            mir_buf_addf(&look->reply->body, "%s\n", fc_text_at(tag, "key"));
        else if (!strcmp(fc_text_at(tag, "key"), key)) {
            answer(look, 200, fc_text_at(tag, "value"));
            return;
        }
    }
    look->reply->status = on && !*key ? 200 : 404;
}

static void show_user_data(struct look *look)
{
    const char *base64 = look->instance ? fc_text_at(look->instance->doc, "_userData") : "";
    size_t len = strlen(base64);
    if (!len) {
        answer(look, 404, "");
        return;
    }
    unsigned char *bytes = mir_calloc(len + 4, 1);
    int got = EVP_DecodeBlock(bytes, (const unsigned char *)base64, (int)len);
    for (size_t i = len; i && base64[i - 1] == '='; i--)
        got--;
    answer(look, 200, "");
    if (got > 0)
        mir_buf_add(&look->reply->body, bytes, (size_t)got);
    free(bytes);
}

static void show_region(struct look *look)
{
    answer(look, 200, look->instance ? look->instance->region : fc_regions[0]);
}

static void show_roles(struct look *look)
{
    const char *role = role_of(look);
    answer(look, *role ? 200 : 404, role);
}

static const struct {
    const char *path;
    const char *member; /* of the document */
    void (*show)(struct look *look);
} rows[] = {
    {"meta-data/instance-id", "instanceId", NULL},
    {"meta-data/ami-id", "imageId", NULL},
    {"meta-data/instance-type", "instanceType", NULL},
    {"meta-data/local-ipv4", "privateIpAddress", NULL},
    {"meta-data/public-ipv4", "ipAddress", NULL},
    {"meta-data/public-hostname", "dnsName", NULL},
    {"meta-data/placement/availability-zone", "placement.availabilityZone", NULL},
    {"meta-data/placement/region", NULL, show_region},
    {"meta-data/iam/security-credentials/", NULL, show_roles},
    {"dynamic/instance-identity/document", NULL, show_document},
    {"user-data", NULL, show_user_data},
};

static void get_item(struct look *look, const char *path)
{
    static const char credentials[] = "meta-data/iam/security-credentials/";
    static const char tags[] = "meta-data/tags/instance/";
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        if (strcmp(rows[i].path, path) != 0)
            continue;
        const char *text =
            rows[i].member && look->instance ? fc_text_at(look->instance->doc, rows[i].member) : "";
        if (rows[i].show)
            rows[i].show(look);
        else
            answer(look, *text ? 200 : 404, text);
        return;
    }
    if (!strncmp(path, credentials, sizeof credentials - 1))
        show_credentials(look, path + sizeof credentials - 1);
    else if (!strncmp(path, tags, sizeof tags - 1))
        show_tag(look, path + sizeof tags - 1);
    else
        answer(look, 404, "");
}

/* --- the request --- */

static struct fc_object *instance_of(const struct fc_world *world, const char *id)
{
    for (const char *const *region = fc_regions; *region; region++) {
        struct fc_object *object = fc_store_get(world->store, "instance", *region, id);
        if (object)
            return object;
    }
    return NULL;
}

static void serve(struct look *look)
{
    static const char latest[] = "latest/";
    if (strncmp(look->path, latest, sizeof latest - 1) != 0) {
        answer(look, 404, "");
        return;
    }
    const char *path = look->path + sizeof latest - 1;
    if (!strcmp(path, "api/token")) {
        bool put = !strcmp(look->request->method, "PUT");
        if (!put)
            answer(look, 405, "");
        else if (fc_request_header(look->request, "X-Forwarded-For"))
            answer(look, 403, ""); /* a proxy asks: not the instance itself */
        else
            put_token(look);
        return;
    }
    if (strcmp(look->request->method, "GET") != 0)
        answer(look, 405, "");
    else if (!admitted(look))
        answer(look, 401, "");
    else
        get_item(look, path);
}

static const char *parameter(void *ctx, const char *name)
{
    const struct look *look = ctx;
    return strcmp(name, "path") ? fc_request_header(look->request, name) : look->path;
}

/* Where the instance named in the path stands, and the rest of the path. False: none there. */
static bool find_machine(struct look *look, const char *path)
{
    char id[40];
    look->path = path;
    if (strncmp(path, "i-", 2) != 0)
        return true;
    size_t len = strcspn(path, "/");
    if (len >= sizeof id)
        return false;
    memcpy(id, path, len);
    id[len] = '\0';
    look->instance = instance_of(look->world, id);
    look->path = path + len + (path[len] == '/');
    return look->instance && !look->instance->gone_ms &&
           strcmp(fc_text_at(look->instance->doc, "metadataOptions.httpEndpoint"), "disabled") != 0;
}

void fc_imds(struct fc_server *server, struct fc_request *request, struct fc_reply *reply)
{
    struct fc_world *world = server->world;
    struct look look = {.world = world, .request = request, .reply = reply};
    struct fc_fault fault;
    pthread_mutex_lock(&world->lock);
    look.now_ms = fc_world_now_ms(world);
    bool there = find_machine(&look, request->path + sizeof "/_imds/" - 1);
    const char *name = !strcmp(request->method, "PUT") ? "PutToken" : "Get";
    uint64_t number = fc_calls_add(world->calls, "imds", name, "", look.now_ms);
    fc_faults_take(world->faults, "imds", name, number, parameter, &look, &fault);
    if (!there)
        answer(&look, 404, "");
    else if (fault.when != FC_FAULT_BEFORE)
        serve(&look);
    else if (fault.act == FC_ACT_ERROR)
        answer(&look, fault.refusal.status, "");
    fc_calls_result(world->calls, number, reply->status, "", fault.mode);
    pthread_mutex_unlock(&world->lock);
    if (fault.when && fault.act != FC_ACT_ERROR)
        fc_strike(server->edge, request, reply, &fault);
}
