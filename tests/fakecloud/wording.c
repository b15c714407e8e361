/* SPDX-License-Identifier: ISC */
/* Replies and refusals, as each protocol words them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "service.h"
#include "xml.h"

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void set_type(struct fc_reply *reply, const char *type)
{
    mir_copy(reply->type, sizeof reply->type, type);
}

static void write_ec2(struct fc_call *call, const json_t *reply)
{
    struct mir_buf *out = &call->reply->body;
    const char *name = call->operation->name;
    set_type(call->reply, "text/xml;charset=UTF-8");
    mir_buf_addf(out, XML_HEAD "<%sResponse xmlns=\"%s\">", name, call->service->xmlns);
    fc_xml_element(out, "requestId", call->request_id);
    fc_xml_members(out, reply, "item");
    mir_buf_addf(out, "</%sResponse>", name);
}

static void write_query(struct fc_call *call, const json_t *reply)
{
    struct mir_buf *out = &call->reply->body;
    const char *name = call->operation->name;
    set_type(call->reply, "text/xml");
    mir_buf_addf(out, "<%sResponse xmlns=\"%s\"><%sResult>", name, call->service->xmlns, name);
    fc_xml_members(out, reply, "member");
    mir_buf_addf(out, "</%sResult><ResponseMetadata>", name);
    fc_xml_element(out, "RequestId", call->request_id);
    mir_buf_addf(out, "</ResponseMetadata></%sResponse>", name);
    fc_reply_header(call->reply, "x-amzn-RequestId", "%s", call->request_id);
}

static void write_json(struct fc_call *call, const json_t *reply)
{
    mir_auto_free char *text = mir_json_text(reply);
    set_type(call->reply,
             call->service->version ? "application/x-amz-json-1.1" : "application/json");
    mir_buf_adds(&call->reply->body, text);
    fc_reply_header(call->reply, "x-amzn-RequestId", "%s", call->request_id);
}

static void write_s3(struct fc_call *call, const json_t *reply)
{
    struct mir_buf *out = &call->reply->body;
    set_type(call->reply, "application/xml");
    const char *root = json_string_value(json_object_get(reply, "_root"));
    mir_buf_addf(out, XML_HEAD "<%s xmlns=\"%s\">", root ? root : "Result", call->service->xmlns);
    fc_xml_members(out, reply, NULL);
    mir_buf_addf(out, "</%s>", root ? root : "Result");
}

void fc_write_reply(struct fc_call *call, json_t *reply)
{
    static void (*const writers[FC_PROTOCOL_COUNT])(struct fc_call *, const json_t *) = {
        write_ec2, write_query, write_json, write_s3};
    call->reply->status = call->operation->status ? call->operation->status : 200;
    if (reply)
        writers[call->service->protocol](call, reply);
    json_decref(reply);
}

static void refuse_ec2(struct fc_call *call, const struct fc_refusal *refusal)
{
    struct mir_buf *out = &call->reply->body;
    set_type(call->reply, "text/xml;charset=UTF-8");
    mir_buf_adds(out, XML_HEAD "<Response><Errors><Error>");
    fc_xml_element(out, "Code", refusal->code);
    fc_xml_element(out, "Message", refusal->message);
    mir_buf_adds(out, "</Error></Errors>");
    fc_xml_element(out, "RequestID", call->request_id);
    mir_buf_adds(out, "</Response>");
}

static void refuse_query(struct fc_call *call, const struct fc_refusal *refusal)
{
    struct mir_buf *out = &call->reply->body;
    set_type(call->reply, "text/xml");
    mir_buf_addf(out, "<ErrorResponse xmlns=\"%s\"><Error>", call->service->xmlns);
    fc_xml_element(out, "Type", refusal->status >= 500 ? "Receiver" : "Sender");
    fc_xml_element(out, "Code", refusal->code);
    fc_xml_element(out, "Message", refusal->message);
    mir_buf_adds(out, "</Error>");
    fc_xml_element(out, "RequestId", call->request_id);
    mir_buf_adds(out, "</ErrorResponse>");
    fc_reply_header(call->reply, "x-amzn-RequestId", "%s", call->request_id);
}

static void refuse_json(struct fc_call *call, const struct fc_refusal *refusal)
{
    bool target = call->service->version != NULL;
    json_t *body = json_pack("{s:s}", target ? "message" : "Message", refusal->message);
    if (target)
        json_object_set_new(body, "__type", json_string(refusal->code));
    mir_auto_free char *text = mir_json_text(body);
    json_decref(body);
    set_type(call->reply, target ? "application/x-amz-json-1.1" : "application/json");
    if (!target)
        fc_reply_header(call->reply, "x-amzn-ErrorType", "%s:http://internal.amazon.com/",
                        refusal->code);
    fc_reply_header(call->reply, "x-amzn-RequestId", "%s", call->request_id);
    mir_buf_adds(&call->reply->body, text);
}

static void refuse_s3(struct fc_call *call, const struct fc_refusal *refusal)
{
    struct mir_buf *out = &call->reply->body;
    set_type(call->reply, "application/xml");
    if (!strcmp(call->request->method, "HEAD"))
        return;
    mir_buf_adds(out, XML_HEAD "<Error>");
    fc_xml_element(out, "Code", refusal->code);
    fc_xml_element(out, "Message", refusal->message);
    fc_xml_element(out, "Resource", call->request->path);
    fc_xml_element(out, "RequestId", call->request_id);
    mir_buf_adds(out, "</Error>");
}

void fc_write_refusal(struct fc_call *call, const struct fc_refusal *refusal)
{
    static void (*const writers[FC_PROTOCOL_COUNT])(struct fc_call *, const struct fc_refusal *) = {
        refuse_ec2, refuse_query, refuse_json, refuse_s3};
    call->reply->status = refusal->status;
    writers[call->service->protocol](call, refusal);
}
