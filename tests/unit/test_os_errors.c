/* SPDX-License-Identifier: ISC */
/* Refusals in every form that OpenStack's services have, and in forms that they have not. */
#include "scratch.h"

#include "errors.h"

#define NOVA(kind, code, text) "{\"" kind "\":{\"code\":" code ",\"message\":\"" text "\"}}"
#define KEYSTONE(code, title, text)                                                                \
    "{\"error\":{\"code\":" code ",\"message\":\"" text "\",\"title\":\"" title "\"}}"
#define NEUTRON(type, text)                                                                        \
    "{\"NeutronError\":{\"type\":\"" type "\",\"message\":\"" text "\",\"detail\":\"\"}}"
#define WEBOB(status, title, text)                                                                 \
    "{\"message\":\"" text "<br /><br />\\n\\n\\n\",\"code\":\"" status "\",\"title\":\"" title    \
    "\"}"
#define HTML(status, text)                                                                         \
    "<html>\n <head>\n  <title>" status "</title>\n </head>\n <body>\n  <h1>" status               \
    "</h1>\n  " text "<br /><br />\n\n\n\n </body>\n</html>"
#define SWIFT(title, text) "<html><h1>" title "</h1><p>" text "</p></html>"
#define NGINX(status)                                                                              \
    "<html>\r\n<head><title>" status "</title></head>\r\n<body>\r\n<center><h1>" status            \
    "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>"
#define ID "X-OpenStack-Request-Id: req-0ce7b3f4\r\n"

struct error_case {
    enum os_service service;
    int status;
    const char *headers, *body;
    const char *code; /* "": none could be read */
    enum mir_kind kind;
    enum mir_retry retry;
    bool unknown;
};

#define NEVER MIR_RETRY_NEVER

static const struct error_case cases[] = {
    /* Nova and Cinder */
    {OS_COMPUTE, 404, ID, NOVA("itemNotFound", "404", "Instance x could not be found."),
     "itemNotFound", MIR_NOT_FOUND, NEVER, false},
    {OS_COMPUTE, 404, ID, NOVA("itemNotFound", "404", "The resource could not be found."),
     "itemNotFound", MIR_NOT_FOUND, NEVER, false},
    {OS_COMPUTE, 400, ID, NOVA("badRequest", "400", "Can not find requested image"), "badRequest",
     MIR_USAGE, NEVER, false},
    {OS_COMPUTE, 403, ID,
     NOVA("forbidden", "403", "Quota exceeded for instances: Requested 1, but already used 10"),
     "forbidden", MIR_POLICY, NEVER, false},
    {OS_COMPUTE, 403, ID,
     NOVA("forbidden", "403", "Only volume-backed servers are allowed for flavors with zero disk."),
     "forbidden", MIR_POLICY, NEVER, false},
    {OS_COMPUTE, 403, ID, NOVA("forbidden", "403", "Policy doesn't allow it to be performed."),
     "forbidden", MIR_CREDENTIALS, NEVER, false},
    {OS_COMPUTE, 409, ID, NOVA("conflictingRequest", "409", "Instance x is locked"),
     "conflictingRequest", MIR_CONFLICT, NEVER, false},
    {OS_COMPUTE, 413, ID,
     "{\"overLimit\":{\"code\":413,\"message\":\"too fast\",\"retryAfter\":\"1\"}}", "overLimit",
     MIR_THROTTLED, MIR_RETRY_THROTTLED, false},
    {OS_COMPUTE, 429, ID, NOVA("overLimit", "429", "too fast"), "overLimit", MIR_THROTTLED,
     MIR_RETRY_THROTTLED, false},
    {OS_COMPUTE, 500, ID, NOVA("computeFault", "500", "Unexpected API Error."), "computeFault",
     MIR_UNAVAILABLE, MIR_RETRY_SERVER, true},
    {OS_COMPUTE, 503, ID, NOVA("serviceUnavailable", "503", "no scheduler"), "serviceUnavailable",
     MIR_UNAVAILABLE, MIR_RETRY_SERVER, true},
    {OS_COMPUTE, 501, ID, NOVA("notImplemented", "501", "The driver cannot."), "notImplemented",
     MIR_USAGE, NEVER, false},
    {OS_COMPUTE, 402, ID, NOVA("paymentRequired", "402", "no money"), "paymentRequired", MIR_FAILED,
     NEVER, false},
    {OS_COMPUTE, 300, ID, "{\"choices\":[]}", "", MIR_USAGE, NEVER, false},
    {OS_VOLUME, 413, ID,
     NOVA("overLimit", "413", "VolumeLimitExceeded: Maximum number of volumes allowed (10)"),
     "overLimit", MIR_THROTTLED, MIR_RETRY_THROTTLED, false},
    /* Keystone, and in front of the others */
    {OS_IDENTITY, 401, ID, KEYSTONE("401", "Unauthorized", "The request requires authentication."),
     "Unauthorized", MIR_CREDENTIALS, NEVER, false},
    {OS_IDENTITY, 403, ID, KEYSTONE("403", "Forbidden", "You are not authorized."), "Forbidden",
     MIR_CREDENTIALS, NEVER, false},
    {OS_IDENTITY, 404, ID, KEYSTONE("404", "Not Found", "Could not find token."), "NotFound",
     MIR_NOT_FOUND, NEVER, false},
    {OS_IDENTITY, 409, ID, KEYSTONE("409", "Conflict", "Duplicate entry."), "Conflict",
     MIR_CONFLICT, NEVER, false},
    {OS_IDENTITY, 401, ID,
     "{\"receipt\":{\"methods\":[\"password\"]},\"required_auth_methods\":[]}", "Receipt",
     MIR_CREDENTIALS, NEVER, false},
    {OS_COMPUTE, 503, "",
     WEBOB("503 Service Unavailable", "Service Unavailable",
           "The Keystone service is temporarily unavailable."),
     "ServiceUnavailable", MIR_UNAVAILABLE, MIR_RETRY_SERVER, false},
    {OS_COMPUTE, 503, "",
     HTML("503 Service Unavailable", "The Keystone service is temporarily unavailable."),
     "ServiceUnavailable", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true},
    /* Neutron */
    {OS_NETWORK, 404, ID, NEUTRON("PortNotFound", "Port x could not be found."), "PortNotFound",
     MIR_NOT_FOUND, NEVER, false},
    {OS_NETWORK, 404, ID, NEUTRON("HTTPNotFound", "The resource could not be found."),
     "HTTPNotFound", MIR_USAGE, NEVER, false},
    {OS_NETWORK, 409, ID, NEUTRON("OverQuota", "Quota exceeded for resources: ['port']."),
     "OverQuota", MIR_POLICY, NEVER, false},
    {OS_NETWORK, 409, ID, NEUTRON("SecurityGroupInUse", "Security Group x in use."),
     "SecurityGroupInUse", MIR_CONFLICT, NEVER, false},
    {OS_NETWORK, 409, ID, NEUTRON("IpAddressGenerationFailure", "No more IP addresses."),
     "IpAddressGenerationFailure", MIR_UNAVAILABLE, NEVER, false},
    {OS_NETWORK, 400, ID, NEUTRON("HTTPBadRequest", "Unrecognized attribute(s) 'tags'"),
     "HTTPBadRequest", MIR_USAGE, NEVER, false},
    {OS_NETWORK, 400, ID, "{\"NeutronError\":\"The text & more\"}", "NeutronError", MIR_USAGE,
     NEVER, false},
    {OS_NETWORK, 503, ID, NEUTRON("RetryRequest", "deadlock"), "RetryRequest", MIR_UNAVAILABLE,
     MIR_RETRY_SERVER, true},
    {OS_NETWORK, 500, ID, NEUTRON("HTTPInternalServerError", "Request Failed"),
     "HTTPInternalServerError", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true},
    /* Glance */
    {OS_IMAGE, 404, ID, WEBOB("404 Not Found", "Not Found", "No image found with ID x"), "NotFound",
     MIR_NOT_FOUND, NEVER, false},
    {OS_IMAGE, 404, ID, WEBOB("404 Not Found", "Not Found", "The resource could not be found."),
     "NotFound", MIR_USAGE, NEVER, false},
    {OS_IMAGE, 409, ID, HTML("409 Conflict", "Image status transition is not allowed"), "Conflict",
     MIR_CONFLICT, NEVER, false},
    {OS_IMAGE, 415, ID, HTML("415 Unsupported Media Type", "The media type is not supported."),
     "UnsupportedMediaType", MIR_USAGE, NEVER, false},
    {OS_IMAGE, 401, "", HTML("401 Unauthorized", "This server could not verify you."),
     "Unauthorized", MIR_CREDENTIALS, NEVER, false},
    {OS_IMAGE, 403, ID, WEBOB("403 Forbidden", "Forbidden", "Image x is protected and cannot be"),
     "Forbidden", MIR_POLICY, NEVER, false},
    {OS_IMAGE, 413, ID,
     WEBOB("413 Request Entity Too Large", "Request Entity Too Large", "image_size_cap"),
     "RequestEntityTooLarge", MIR_POLICY, NEVER, false},
    {OS_IMAGE, 413, ID,
     WEBOB("413 Request Entity Too Large", "Request Entity Too Large",
           "The size of the data exceeds quota: 5 bytes"),
     "RequestEntityTooLarge", MIR_POLICY, NEVER, false},
    /* Swift */
    {OS_OBJECT_STORE, 404, "X-Trans-Id: req-0ce7b3f4\r\n",
     SWIFT("Not Found", "The resource could not be found."), "NotFound", MIR_NOT_FOUND, NEVER,
     false},
    {OS_OBJECT_STORE, 404, "X-Trans-Id: req-0ce7b3f4\r\n", "", "", MIR_NOT_FOUND, NEVER, false},
    {OS_OBJECT_STORE, 409, "X-Trans-Id: req-0ce7b3f4\r\n",
     SWIFT("Conflict", "There was a conflict."), "Conflict", MIR_CONFLICT, NEVER, false},
    {OS_OBJECT_STORE, 422, "X-Trans-Id: req-0ce7b3f4\r\n",
     SWIFT("Unprocessable Entity", "Unable to process"), "UnprocessableEntity", MIR_USAGE, NEVER,
     false},
    {OS_OBJECT_STORE, 498, "X-Trans-Id: req-0ce7b3f4\r\n", SWIFT("Rate Limited", "slow"),
     "RateLimited", MIR_THROTTLED, MIR_RETRY_THROTTLED, false},
    {OS_OBJECT_STORE, 507, "X-Trans-Id: req-0ce7b3f4\r\n", SWIFT("Insufficient Storage", "full"),
     "InsufficientStorage", MIR_POLICY, NEVER, true},
    /* Mistral, Blazar, and the API working group's own */
    {OS_WORKFLOW, 404, "",
     "{\"faultcode\":\"Client\",\"faultstring\":\"Workflow not found [x]\",\"debuginfo\":null}",
     "Client", MIR_NOT_FOUND, NEVER, false},
    {OS_WORKFLOW, 409, "", "{\"faultcode\":\"Client\",\"faultstring\":\"Duplicate entry\"}",
     "Client", MIR_CONFLICT, NEVER, false},
    {OS_RESERVATION, 404, "",
     "{\"error_code\":404,\"error_message\":\"lease not "
     "found\",\"error_name\":\"LEASE_NOT_FOUND\"}",
     "LEASE_NOT_FOUND", MIR_NOT_FOUND, NEVER, false},
    {OS_COMPUTE, 409, "",
     "{\"errors\":[{\"status\":409,\"title\":\"Conflict\",\"detail\":\"The text & more\"}]}",
     "Conflict", MIR_CONFLICT, NEVER, false},
    /* an address that is not the service's says nothing of what is there */
    {OS_IDENTITY, 404, ID,
     "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The "
     "requested URL was not found on the server.</p>",
     "NotFound", MIR_USAGE, NEVER, false},
    /* and what nobody of them said */
    {OS_COMPUTE, 404, "", NGINX("404 Not Found"), "NotFound", MIR_CORRUPT, NEVER, true},
    {OS_COMPUTE, 403, "", NGINX("403 Forbidden"), "Forbidden", MIR_CORRUPT, NEVER, true},
    {OS_COMPUTE, 409, "", NGINX("409 Conflict"), "Conflict", MIR_CORRUPT, NEVER, true},
    {OS_COMPUTE, 401, "", NGINX("401 Unauthorized"), "Unauthorized", MIR_CREDENTIALS, NEVER, false},
    {OS_COMPUTE, 429, "", "slow down", "", MIR_THROTTLED, MIR_RETRY_THROTTLED, false},
    {OS_COMPUTE, 502, "", NGINX("502 Bad Gateway"), "BadGateway", MIR_UNAVAILABLE, MIR_RETRY_SERVER,
     true},
    {OS_COMPUTE, 504, "", "", "", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true},
    {OS_COMPUTE, 500, ID, "", "", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true},
    {OS_COMPUTE, 400, "", "", "", MIR_CORRUPT, NEVER, true},
    {OS_COMPUTE, 404, "", "", "", MIR_CORRUPT, NEVER, true},
    {OS_COMPUTE, 400, "", "{\"badRequest\":{\"code\":400,\"mess", "", MIR_CORRUPT, NEVER, true},
    {OS_COMPUTE, 400, "", "{\"badRequest\":{\"code\":400}}", "", MIR_CORRUPT, NEVER, true},
    {OS_COMPUTE, 400, "", "{\"a\":{\"message\":\"x\"},\"b\":{\"message\":\"x\"}}", "", MIR_CORRUPT,
     NEVER, true},
    {OS_COMPUTE, 400, "", "[\"badRequest\"]", "", MIR_CORRUPT, NEVER, true},
    {OS_COMPUTE, 400, "", NOVA("no! code", "400", "x"), "", MIR_CORRUPT, NEVER, true},
    {OS_COMPUTE, 302, "", "", "", MIR_CORRUPT, NEVER, true},
    {OS_COMPUTE, 200, "", "", "", MIR_CORRUPT, NEVER, true},
};

static void fill(struct mir_http_response *r, int status, const char *headers, const char *body)
{
    *r = (struct mir_http_response){.status = status};
    mir_buf_init(&r->headers, 4096);
    mir_buf_init(&r->body, 65536);
    mir_buf_addf(&r->headers, "Server: x\r\n%s\r\n", headers);
    mir_buf_adds(&r->body, body);
}

static void test_every_form(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        const struct error_case *c = &cases[i];
        mir_auto_http_response struct mir_http_response r;
        fill(&r, c->status, c->headers, c->body);
        struct mir_error err = {0}, look = {0};
        assert_int_equal(os_error_read(&r, c->service, "DoThing", false, &err), -1);
        assert_int_equal(os_error_read(&r, c->service, "DoThing", true, &look), -1);
        if (strcmp(err.provider_code, c->code) != 0 || err.kind != c->kind ||
            err.retry != c->retry || (err.outcome == MIR_OUTCOME_UNKNOWN) != c->unknown)
            fail_msg("%d %s%s: code '%s', kind %d, retry %d, outcome %d: %s", c->status, c->headers,
                     c->body, err.provider_code, (int)err.kind, (int)err.retry, (int)err.outcome,
                     err.text);
        assert_int_equal(look.outcome, MIR_DID_NOT_HAPPEN);
        assert_int_equal(err.http_status, c->status);
        assert_string_equal(err.provider, "openstack");
        assert_string_equal(err.request_id, *c->headers ? "req-0ce7b3f4" : "");
        if (strstr(c->body, "The text"))
            assert_non_null(strstr(err.text, ": The text & more"));
    }
    assert_int_equal(os_error_read(NULL, OS_COMPUTE, "DoThing", false, NULL), -1);
}

static void test_texts(void **state)
{
    static const struct {
        const char *headers, *body, *text;
    } rows[] = {
        {ID, WEBOB("404 Not Found", "Not Found", "No image\\nfound"),
         "glance Do: NotFound: No image found"},
        {ID, HTML("409 Conflict", "a <b>bold</b>   reason"), "glance Do: Conflict: a bold reason"},
        {"", "", "glance Do: HTTP status 418, and no error that can be read"},
        {ID, "{\"x\":{\"message\":\"a\\u001b[31mred\\u0007\\nb\"}}", "glance Do: x: a [31mred b"},
        {ID, "plain words\r\n", "glance Do: plain words"},
        {ID, "a < b, and never closed", "glance Do: a < b, and never closed"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        mir_auto_http_response struct mir_http_response r;
        struct mir_error err = {0};
        fill(&r, 418, rows[i].headers, rows[i].body);
        os_error_read(&r, OS_IMAGE, "Do", false, &err);
        assert_string_equal(err.text, rows[i].text);
    }
}

static void test_request_ids(void **state)
{
#define BOTH_IDS "x-openstack-request-id: req-7\r\nx-compute-request-id: other\r\n"
    static const char *const heads[] = {"x-compute-request-id: req-7\r\n", "X-Trans-Id: req-7\r\n",
                                        BOTH_IDS};
    for (size_t i = 0; i < MIR_NELEMS(heads); i++) {
        mir_auto_http_response struct mir_http_response r;
        struct mir_error err = {0};
        fill(&r, 500, heads[i], "");
        os_error_read(&r, OS_COMPUTE, "Do", false, &err);
        assert_string_equal(err.request_id, "req-7");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_request_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
