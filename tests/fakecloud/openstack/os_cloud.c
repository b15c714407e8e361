/* SPDX-License-Identifier: ISC */
/* OpenStack as one of the clouds here: which service a path means, whose token a call brings. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "nova.h"
#include "os.h"
#include "os_wording.h"
#include "rest.h"
#include "swift.h"
#include "throttle.h"

#define BODY_MAX ((size_t)1 << 20)

const char *const fos_regions[] = {"RegionOne", "RegionTwo", NULL};

#define SETTING(name) offsetof(struct fc_settings, name)

const struct fos_info fos_infos[FOS_SERVICES] = {
    [FOS_IDENTITY] = {&fos_keystone, "identity", "identity", "", 0},
    [FOS_IMAGE] = {&fos_glance, "image", "image", "", SETTING(os_image)},
    [FOS_COMPUTE] = {&fos_nova, "compute", "compute", "/v2.1", SETTING(os_compute)},
    [FOS_NETWORK] = {&fos_neutron, "network", "network", "", SETTING(os_network)},
    [FOS_OBJECT_STORE] = {&fos_swift, "object-store", "object-store", "/v1/AUTH_%s",
                          SETTING(os_object_store)},
    [FOS_VOLUME] = {&fos_cinder, "volumev3", "volume", "/v3/%s", SETTING(os_volume)},
    [FOS_WORKFLOW] = {&fos_mistral, "workflowv2", "workflow", "/v2", SETTING(os_workflow)},
    [FOS_RESERVATION] = {&fos_blazar, "reservation", "reservation", "/v1", SETTING(os_reservation)},
};

static const struct fc_service *const services[] = {&fos_keystone, &fos_glance, &fos_nova,
                                                    &fos_neutron,  &fos_swift,  &fos_cinder,
                                                    &fos_mistral,  &fos_blazar, NULL};

bool fos_there(const struct fc_world *world, enum fos_service_id id)
{
    const struct fos_info *info = &fos_infos[id];
    const char *settings = (const char *)&world->settings;
    return info->service &&
           (!info->setting || *(const int64_t *)(const void *)(settings + info->setting));
}

char *fos_url(const struct fc_call *call, enum fos_service_id id, const char *region)
{
    const char *root = fos_of(call)->root;
    return id == FOS_IDENTITY ? mir_format("%s/identity", root)
                              : mir_format("%s/%s/%s", root, region, fos_infos[id].folder);
}

/* --- which service --- */

/* Clients ask for it at the root, wherever Swift is. */
static bool is_info(const struct fc_request *request)
{
    return !strcmp(request->path, "/info") && fc_request_header(request, "X-Auth-Token");
}

static bool claims(const struct fc_request *request)
{
    return !strncmp(request->path, FOS_PREFIX "/", sizeof FOS_PREFIX) || is_info(request);
}

/* The length of the first segment when it is that word. */
static size_t word(const char *path, const char *wanted)
{
    size_t len = strlen(wanted);
    return *path == '/' && !strncmp(path + 1, wanted, len) &&
                   (path[1 + len] == '/' || path[1 + len] == '\0')
               ? len + 1
               : 0;
}

/* What is below the service. NULL: the path means none. */
static const char *find_service(struct fc_call *call, const char *path)
{
    struct fos_call *own = fos_of(call);
    size_t len = word(path, "identity");
    mir_copy(call->region, sizeof call->region, fos_regions[0]);
    own->info = &fos_infos[FOS_IDENTITY];
    if (len)
        return path + len;
    for (const char *const *region = fos_regions; *region; region++) {
        size_t first = word(path, *region);
        for (unsigned id = 1; first && id < FOS_SERVICES; id++) {
            len = fos_there(call->world, id) ? word(path + first, fos_infos[id].folder) : 0;
            if (!len)
                continue;
            own->info = &fos_infos[id];
            mir_copy(call->region, sizeof call->region, *region);
            return path + first + len;
        }
    }
    return NULL;
}

static int find_operation(struct fc_call *call, struct fc_refusal *refusal)
{
    bool path_there = false;
    if (call->service == &fos_swift)
        return fos_swift_identify(call, refusal);
    for (const struct fc_operation *o = call->service->operations; o->name; o++) {
        if (!fc_rest_matches(fos_of(call)->rest, o->path, call->segments))
            continue;
        if (!strcmp(o->method, call->request->method)) {
            call->operation = o;
            return 0;
        }
        path_there = true;
    }
    return fos_refuse_path(refusal, call->service, path_there);
}

static void read_root(struct fc_call *call)
{
    const char *host = fc_request_header(call->request, "Host");
    snprintf(fos_of(call)->root, sizeof fos_of(call)->root, "http://%.100s" FOS_PREFIX,
             host ? host : "localhost");
}

static int identify(struct fc_call *call, struct fc_refusal *refusal)
{
    struct fos_call *own = mir_calloc(1, sizeof *own);
    call->own = own;
    read_root(call);
    mir_auto_free char *path = mir_strdup(call->request->target);
    path[strcspn(path, "?")] = '\0';
    pthread_mutex_lock(&call->world->lock);
    const char *rest =
        is_info(call->request) ? path : find_service(call, path + sizeof FOS_PREFIX - 1);
    if (is_info(call->request))
        own->info = &fos_infos[FOS_OBJECT_STORE];
    pthread_mutex_unlock(&call->world->lock);
    call->service = own->info->service;
    if (!rest || mir_copy(own->rest, sizeof own->rest, rest))
        return fos_refuse_path(refusal, call->service, false);
    for (size_t len = strlen(own->rest); len && own->rest[len - 1] == '/'; len--)
        own->rest[len - 1] = '\0';
    if (!*own->rest)
        mir_copy(own->rest, sizeof own->rest, "/");
    return find_operation(call, refusal);
}

/* --- who --- */

unsigned fos_roles_of(const json_t *names)
{
    static const struct {
        const char *name;
        unsigned roles; /* a role implies those below it */
    } rows[] = {{"admin", FOS_ADMIN | FOS_MEMBER | FOS_READER},
                {"member", FOS_MEMBER | FOS_READER},
                {"reader", FOS_READER}};
    unsigned roles = 0;
    size_t i;
    json_t *name;
    json_array_foreach((json_t *)(uintptr_t)names, i, name)
    {
        for (size_t k = 0; k < MIR_NELEMS(rows); k++)
            if (json_is_string(name) && !strcmp(rows[k].name, json_string_value(name)))
                roles |= rows[k].roles;
    }
    return roles;
}

static bool take_token(struct fc_call *call, const char *text)
{
    struct fos_call *own = fos_of(call);
    struct fc_world *world = call->world;
    pthread_mutex_lock(&world->lock);
    const struct fc_object *token = fos_token_find(world, text, fc_world_now_ms(world));
    if (token) {
        mir_copy(own->token, sizeof own->token, token->id);
        mir_copy(own->user, sizeof own->user, fc_text_at(token->doc, "user"));
        mir_copy(own->project, sizeof own->project, fc_text_at(token->doc, "project"));
        mir_copy(own->application, sizeof own->application, fc_text_at(token->doc, "application"));
        own->roles = fos_roles_of(fc_at(token->doc, "roles"));
    }
    pthread_mutex_unlock(&world->lock);
    return token != NULL;
}

static int verify(struct fc_call *call, struct fc_refusal *refusal)
{
    bool swift = call->service == &fos_swift;
    if (call->operation->flags & FC_OP_UNSIGNED)
        return 0;
    if (swift && fc_request_query(call->request, "temp_url_sig"))
        return fos_swift_verify(call, refusal);
    const char *token = fc_request_header(call->request, "X-Auth-Token");
    if (!token || !*token || !take_token(call, token))
        return fos_refuse_token(call, refusal);
    return swift ? fos_swift_verify(call, refusal) : 0;
}

/* --- what it says --- */

static int read_body(struct fc_call *call, struct fc_refusal *refusal)
{
    struct mir_error err = {0};
    const struct fc_body *body = &call->request->body;
    if (call->operation->flags & FC_OP_NO_BODY || !body->len)
        return 0;
    if (body->fd >= 0)
        return fos_refuse(call, refusal, 413, "Request is too large.");
    call->params = mir_json_parse(mir_buf_text(&body->memory), body->memory.len, BODY_MAX, &err);
    if (!call->params)
        return fos_refuse(call, refusal, 400, "Malformed request body");
    if (!json_is_object(call->params) && !json_is_array(call->params))
        return fos_refuse(call, refusal, 400, "Malformed request body");
    return 0;
}

static int read_parameters(struct fc_call *call, struct fc_refusal *refusal)
{
    if (call->service == &fos_nova && fos_nova_version(call, refusal))
        return -1;
    return read_body(call, refusal);
}

/* --- now, and by him --- */

static bool reads(const struct fc_call *call)
{
    return !strcmp(call->request->method, "GET") || !strcmp(call->request->method, "HEAD");
}

static int admit(struct fc_call *call, struct fc_refusal *refusal)
{
    struct fc_world *world = call->world;
    const struct fos_call *own = fos_of(call);
    if (world->settings.throttle &&
        !fc_buckets_take(world->buckets, call->service->name, call->operation->name, call->region,
                         fc_world_now_ms(world)))
        return fc_refuse(refusal, 429, "overLimit", "This request was rate-limited.");
    if (call->service == &fos_keystone || call->operation->flags & FC_OP_UNSIGNED)
        return 0;
    if (!*own->project || !(own->roles & FOS_READER))
        return fos_refuse_policy(call, refusal);
    return reads(call) || own->roles & FOS_MEMBER ? 0 : fos_refuse_policy(call, refusal);
}

const struct fc_cloud fc_cloud_openstack = {
    .name = "openstack",
    .services = services,
    .claims = claims,
    .identify = identify,
    .verify = verify,
    .read_parameters = read_parameters,
    .admit = admit,
    .write_reply = fos_write_reply,
    .write_refusal = fos_write_refusal,
    .finish = fos_finish,
};
