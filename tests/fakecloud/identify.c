/* SPDX-License-Identifier: ISC */
/*
 * Which service and operation a request means. All services share one address here, so it is told
 * from the request's own form, and where that leaves a choice, from what it is signed for.
 */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "rest.h"
#include "s3.h"
#include "service.h"

const struct fc_service *const fc_services[] = {&fc_service_ec2,
                                                &fc_service_sts,
                                                &fc_service_ebs,
                                                &fc_service_scheduler,
                                                &fc_service_ssm,
                                                &fc_service_pricing,
                                                NULL};

/* --- Query: a form with Action and Version --- */

static bool is_form(const struct fc_request *request)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = fc_request_header(request, "Content-Type");
    return type && !strncmp(type, form, sizeof form - 1);
}

static const struct fc_operation *find_operation(const struct fc_service *service, const char *name)
{
    for (const struct fc_operation *o = service->operations; o->name; o++)
        if (!strcmp(o->name, name))
            return o;
    return NULL;
}

static const struct fc_service *query_service(const char *version)
{
    for (const struct fc_service *const *service = fc_services; *service; service++)
        if ((*service)->protocol <= FC_PROTOCOL_QUERY && version &&
            !strcmp((*service)->version, version))
            return *service;
    return NULL;
}

static int read_form(struct fc_call *call, struct fc_refusal *refusal)
{
    struct mir_error err = {0};
    const struct fc_body *body = &call->request->body;
    if (body->fd >= 0)
        return fc_refuse(refusal, 400, "MalformedQueryString", "the form is too long");
    if (fc_pairs_parse(mir_buf_text(&body->memory), body->memory.len, true, &call->form, &err))
        return fc_refuse(refusal, 400, "MalformedQueryString", "%s", err.text);
    return 0;
}

static int copy_query(struct fc_call *call)
{
    const struct fc_pairs *query = &call->request->query;
    call->form.rows = mir_calloc(query->count + 1, sizeof *call->form.rows);
    for (size_t i = 0; i < query->count; i++)
        call->form.rows[call->form.count++] =
            (struct fc_pair){.name = mir_strdup(query->rows[i].name),
                             .value = mir_strdup(query->rows[i].value),
                             .bare = query->rows[i].bare};
    return 0;
}

static int identify_query(struct fc_call *call, struct fc_refusal *refusal)
{
    bool post = !strcmp(call->request->method, "POST");
    if (post ? read_form(call, refusal) : copy_query(call))
        return -1;
    const char *action = fc_pairs_get(&call->form, "Action");
    const char *version = fc_pairs_get(&call->form, "Version");
    const struct fc_service *service = query_service(version);
    if (!action || !*action)
        return fc_refuse(refusal, 400, "MissingAction", "The request must contain an Action");
    if (!service)
        return fc_refuse(refusal, 400, "NoSuchVersion",
                         "The requested version (%.40s) of no service here is valid",
                         version ? version : "none");
    call->service = service;
    call->operation = find_operation(service, action);
    if (!call->operation)
        return fc_refuse(refusal, 400, "InvalidAction",
                         "The action %.80s is not valid for this web service.", action);
    return 0;
}

/* --- JSON 1.1: the target "AmazonSSM.GetParameter" --- */

static int identify_target(struct fc_call *call, const char *target, struct fc_refusal *refusal)
{
    size_t len = strcspn(target, ".");
    for (const struct fc_service *const *service = fc_services; *service; service++) {
        const char *prefix = (*service)->version;
        if ((*service)->protocol != FC_PROTOCOL_JSON || !prefix || strlen(prefix) != len ||
            strncmp(prefix, target, len) != 0)
            continue;
        call->service = *service;
        call->operation = target[len] ? find_operation(*service, target + len + 1) : NULL;
        if (call->operation)
            return 0;
    }
    return fc_refuse(refusal, 400, "UnknownOperationException", "%.100s is no operation here",
                     target);
}

/* --- REST --- */

/* What the request says that it is signed for: a word, not yet believed. */
static void claimed_service(const struct fc_request *request, char out[24])
{
    const char *header = fc_request_header(request, "Authorization");
    const char *credential = header ? strstr(header, "Credential=") : NULL;
    const char *at = credential ? credential : fc_request_query(request, "X-Amz-Credential");
    *out = '\0';
    for (int slash = 0; at && slash < 3; slash++) {
        at = strchr(at, '/');
        at = at ? at + 1 : NULL;
    }
    size_t len = at ? strcspn(at, "/") : 24;
    if (len < 24) {
        memcpy(out, at, len);
        out[len] = '\0';
    }
}

static bool begins(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);
    return !strncmp(path, prefix, len) && (path[len] == '/' || path[len] == '\0');
}

static int identify_rest(struct fc_call *call, const struct fc_service *service,
                         struct fc_refusal *refusal)
{
    call->service = service;
    call->operation = fc_rest_find(service, call->request, call->segments);
    return call->operation ? 0
                           : fc_refuse(refusal, 404, "UnknownOperationException",
                                       "%.8s %.200s is no operation of %s", call->request->method,
                                       call->request->path, service->name);
}

/* --- the choice --- */

int fc_identify(struct fc_call *call, struct fc_refusal *refusal)
{
    const struct fc_request *request = call->request;
    bool root = !strcmp(request->path, "/");
    char claimed[24];
    call->service = fc_services[0];
    if (root && !strcmp(request->method, "POST") && is_form(request))
        return identify_query(call, refusal);
    if (root && !strcmp(request->method, "GET") && fc_request_query(request, "Action"))
        return identify_query(call, refusal);
    const char *target = fc_request_header(request, "X-Amz-Target");
    if (root && target && !strcmp(request->method, "POST"))
        return identify_target(call, target, refusal);
    claimed_service(request, claimed);
    if (begins(request->path, "/schedules") && strcmp(claimed, "s3") != 0)
        return identify_rest(call, &fc_service_scheduler, refusal);
    if (begins(request->path, "/snapshots") && strcmp(claimed, "s3") != 0)
        return identify_rest(call, &fc_service_ebs, refusal);
    return fc_s3_identify(call, refusal);
}

int fc_read_parameters(struct fc_call *call, struct fc_refusal *refusal)
{
    if (call->service->protocol <= FC_PROTOCOL_QUERY)
        return fc_query_shape(&call->form, call->operation->params, &call->params, refusal);
    if (call->service->protocol == FC_PROTOCOL_JSON && !(call->operation->flags & FC_OP_NO_BODY))
        return fc_json_read(&call->request->body, call->operation->params, &call->params, refusal);
    return 0;
}
