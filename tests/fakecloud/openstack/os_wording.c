/* SPDX-License-Identifier: ISC */
#include "os_wording.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "xml.h"

/* --- words for a status --- */

static const struct row {
    int status;
    const char *title;   /* of HTTP; Keystone and Glance show it */
    const char *nova;    /* the member that Nova's refusals are */
    const char *neutron; /* a type, when there is no better */
    const char *gist;    /* the sentence with which Glance begins */
} rows[] = {
    {400, "Bad Request", "badRequest", "HTTPBadRequest",
     "The server could not comply with the request since it is either malformed or otherwise "
     "incorrect."},
    {401, "Unauthorized", "unauthorized", "HTTPUnauthorized",
     "This server could not verify that you are authorized to access the document you requested. "
     "Either you supplied the wrong credentials (e.g., bad password), or your browser does not "
     "understand how to supply the credentials required."},
    {403, "Forbidden", "forbidden", "PolicyNotAuthorized", "Access was denied to this resource."},
    {404, "Not Found", "itemNotFound", "HTTPNotFound", "The resource could not be found."},
    {405, "Method Not Allowed", "badMethod", "HTTPMethodNotAllowed",
     "The method is not allowed for this resource. "},
    {406, "Not Acceptable", "computeFault", "HTTPNotAcceptable",
     "The resource could not be generated that was acceptable to your browser."},
    {409, "Conflict", "conflictingRequest", "Conflict",
     "There was a conflict when trying to complete your request."},
    {410, "Gone", "computeFault", "HTTPGone", "This resource is no longer available."},
    {412, "Precondition Failed", "computeFault", "HTTPPreconditionFailed",
     "A precondition for this request was not met."},
    {416, "Requested Range Not Satisfiable", "computeFault", "HTTPRequestRangeNotSatisfiable",
     "The Range requested is not available."},
    {422, "Unprocessable Entity", "computeFault", "HTTPUnprocessableEntity",
     "The request was well-formed but was unable to be followed due to semantic errors."},
    {413, "Request Entity Too Large", "overLimit", "HTTPRequestEntityTooLarge",
     "The body of your request was too large for this server."},
    {415, "Unsupported Media Type", "badMediaType", "HTTPUnsupportedMediaType",
     "The request media type is not supported by this server."},
    {429, "Too Many Requests", "overLimit", "HTTPTooManyRequests",
     "The client has sent too many requests in a given amount of time."},
    {500, "Internal Server Error", "computeFault", "HTTPInternalServerError",
     "The server has either erred or is incapable of performing the requested operation."},
    {501, "Not Implemented", "notImplemented", "HTTPNotImplemented", "Not implemented."},
    {503, "Service Unavailable", "serviceUnavailable", "HTTPServiceUnavailable",
     "The server is currently unavailable. Please try again at a later time."},
};

static const struct row *row_of(int status)
{
    size_t i = 0;
    while (i < MIR_NELEMS(rows) && rows[i].status != status)
        i++;
    if (i < MIR_NELEMS(rows))
        return &rows[i];
    return row_of(status < 500 ? 400 : 500);
}

const char *fos_status_title(int status)
{
    return row_of(status)->title;
}

static const char *code_for(const struct fc_service *service, int status)
{
    const struct row *row = row_of(status);
    if (service == &fos_neutron)
        return row->neutron;
    return service == &fos_keystone || service == &fos_glance ? row->title : row->nova;
}

int fos_refuse(const struct fc_call *call, struct fc_refusal *refusal, int status, const char *fmt,
               ...)
{
    char text[sizeof refusal->message];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return fc_refuse(refusal, status, code_for(call->service, status), "%s", text);
}

int fos_refuse_path(struct fc_refusal *refusal, const struct fc_service *service, bool method)
{
    int status = method ? 405 : 404;
    return fc_refuse(refusal, status, code_for(service, status), "%s", row_of(status)->gist);
}

int fos_refuse_token(const struct fc_call *call, struct fc_refusal *refusal)
{
    return fc_refuse(refusal, 401, "Unauthorized", "%s",
                     call->service == &fos_glance
                         ? row_of(401)->gist
                         : "The request you have made requires authentication.");
}

int fos_refuse_policy(const struct fc_call *call, struct fc_refusal *refusal)
{
    return fos_refuse(call, refusal, 403, "Policy doesn't allow %s:%s to be performed.",
                      call->service->name, call->operation->name);
}

/* --- replies --- */

static void put_json(struct fc_reply *reply, json_t *json)
{
    mir_auto_free char *text = mir_json_text(json);
    json_decref(json);
    mir_copy(reply->type, sizeof reply->type, "application/json");
    mir_buf_adds(&reply->body, text);
}

void fos_write_reply(struct fc_call *call, json_t *reply)
{
    if (!call->reply->status)
        call->reply->status = call->operation->status ? call->operation->status : 200;
    if (reply)
        put_json(call->reply, reply);
}

/* --- refusals --- */

/* Which of both Glance's refusals are is for the Accept header to say; whoever does not care gets
 * HTML. */
static bool wants_json(const struct fc_request *request)
{
    const char *accept = fc_request_header(request, "Accept");
    return accept && strstr(accept, "application/json") && !strstr(accept, "text/html");
}

static void put_html(struct fc_reply *reply, const struct row *row, const char *message)
{
    mir_copy(reply->type, sizeof reply->type, "text/html; charset=UTF-8");
    mir_buf_addf(&reply->body,
                 "<html>\n <head>\n  <title>%d %s</title>\n </head>\n <body>\n  <h1>%d %s</h1>\n"
                 "  %s<br /><br />\n",
                 row->status, row->title, row->status, row->title, row->gist);
    fc_xml_text(&reply->body, message);
    mir_buf_adds(&reply->body, "\n\n\n </body>\n</html>");
}

static void refuse_glance(struct fc_call *call, const struct fc_refusal *refusal)
{
    const struct row *row = row_of(refusal->status);
    if (wants_json(call->request))
        put_json(call->reply,
                 json_pack("{s:o,s:o,s:s}", "message",
                           json_sprintf("%s<br /><br />\n%s\n\n", row->gist, refusal->message),
                           "code", json_sprintf("%d %s", refusal->status, row->title), "title",
                           row->title));
    else
        put_html(call->reply, row, refusal->message);
}

static void refuse_swift(struct fc_call *call, const struct fc_refusal *refusal)
{
    struct fc_reply *reply = call->reply;
    bool plain = refusal->status == 400;
    if (!strcmp(refusal->code, "Errors")) { /* of segments: path and what is wrong with it */
        size_t len = strcspn(refusal->message, "\n");
        put_json(reply, json_pack("{s:[[o,s]]}", "Errors", json_stringn(refusal->message, len),
                                  refusal->message + len + (refusal->message[len] == '\n')));
        return;
    }
    if (refusal->status != 416 || !*reply->type) /* that one has the object's */
        mir_copy(reply->type, sizeof reply->type,
                 plain ? "text/plain" : "text/html; charset=UTF-8");
    if (plain) {
        mir_buf_adds(&reply->body, refusal->message);
        return;
    }
    mir_buf_addf(&reply->body, "<html><h1>%s</h1><p>", fos_status_title(refusal->status));
    fc_xml_text(&reply->body, refusal->message);
    mir_buf_adds(&reply->body, "</p></html>");
}

static void refuse_keystone(struct fc_call *call, const struct fc_refusal *refusal)
{
    if (!call->operation) { /* nothing of Keystone's has seen it */
        put_html(call->reply, row_of(refusal->status), refusal->message);
        return;
    }
    put_json(call->reply,
             json_pack("{s:{s:i,s:s,s:s}}", "error", "code", refusal->status, "message",
                       refusal->message, "title", fos_status_title(refusal->status)));
}

static void refuse_neutron(struct fc_call *call, const struct fc_refusal *refusal)
{
    if (!strncmp(refusal->code, "HTTPNotFound", 12)) { /* from below Neutron, as Glance's are */
        refuse_glance(call, refusal);
        return;
    }
    put_json(call->reply, json_pack("{s:{s:s,s:s,s:s}}", "NeutronError", "type", refusal->code,
                                    "message", refusal->message, "detail", ""));
}

/* Nova, and those that were once a part of it. */
static void refuse_nova(struct fc_call *call, const struct fc_refusal *refusal)
{
    const char *word = strchr(refusal->code, ' ') || !strcmp(refusal->code, "InternalError")
                           ? row_of(refusal->status)->nova
                           : refusal->code;
    put_json(call->reply, json_pack("{s:{s:i,s:s}}", word, "code", refusal->status, "message",
                                    refusal->message));
}

void fos_write_refusal(struct fc_call *call, const struct fc_refusal *refusal)
{
    struct fc_reply *reply = call->reply;
    reply->status = refusal->status;
    if (refusal->status == 401)
        fc_reply_header(reply, "WWW-Authenticate", "Keystone uri=\"%s/identity\"",
                        fos_of(call)->root);
    if (refusal->status == 429 || (refusal->status == 413 && !strcmp(refusal->code, "overLimit")))
        fc_reply_header(reply, "Retry-After", "1");
    if (!strcmp(call->request->method, "HEAD"))
        return;
    if (call->service == &fos_glance)
        refuse_glance(call, refusal);
    else if (call->service == &fos_swift)
        refuse_swift(call, refusal);
    else if (call->service == &fos_keystone || refusal->status == 401)
        refuse_keystone(call, refusal);
    else if (call->service == &fos_neutron)
        refuse_neutron(call, refusal);
    else if (call->service == &fos_mistral)
        put_json(reply, json_pack("{s:s,s:s,s:n}", "faultcode",
                                  refusal->status < 500 ? "Client" : "Server", "faultstring",
                                  refusal->message, "debuginfo"));
    else if (call->service == &fos_blazar)
        put_json(reply, json_pack("{s:i,s:s,s:s}", "error_code", refusal->status, "error_message",
                                  refusal->message, "error_name", refusal->code));
    else
        refuse_nova(call, refusal);
}

void fos_finish(struct fc_call *call)
{
    struct fc_reply *reply = call->reply;
    const struct fos_call *own = fos_of(call);
    if (call->service == &fos_swift)
        fc_reply_header(reply, "X-Trans-Id", "tx%.20s", call->request_id);
    fc_reply_header(reply, "x-openstack-request-id", "req-%s", call->request_id);
    if (call->service == &fos_keystone)
        fc_reply_header(reply, "Vary", "X-Auth-Token");
    if (call->service != &fos_nova)
        return;
    fc_reply_header(reply, "x-compute-request-id", "req-%s", call->request_id);
    if (strncmp(own->rest, "/v2.1", 5) != 0)
        return;
    fc_reply_header(reply, "OpenStack-API-Version", "compute 2.%d", own->minor ? own->minor : 1);
    fc_reply_header(reply, "X-OpenStack-Nova-API-Version", "2.%d", own->minor ? own->minor : 1);
    fc_reply_header(reply, "Vary", "OpenStack-API-Version, X-OpenStack-Nova-API-Version");
}
