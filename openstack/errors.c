/* SPDX-License-Identifier: ISC */
#include "errors.h"

#include <stdio.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "openstack/session.h"

#define HINT_KEYS                                                                                  \
    "check user, password or application credential, and project; `mirage-deploy doctor "          \
    "openstack` shows which are used"
#define HINT_ALLOW                                                                                 \
    "the roles of this user in this project do not allow it; ask the cloud's operator"
#define HINT_QUOTA "ask the cloud's operator for a higher quota, or end something first"
#define HINT_ADDRESS                                                                               \
    "is the service's endpoint the right one? The cloud may also lack that part of it"
#define HINT_MFA "this user needs more than a password; make an application credential for it"

/* The first row that fits counts. Codes are Nova's and Cinder's names of faults ("badRequest"),
 * Neutron's types, and titles without their blanks ("NotFound"). Sources: the services' API
 * references and their fault classes; answers of Zed's services. */
static const struct os_error_row rows[] = {
    /* who asks */
    {401, "Receipt", NULL, MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_MFA, NULL},
    {401, NULL, NULL, MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_KEYS, NULL},
    /* Said in front of a service, which has not seen the request: Keystone could not be asked. */
    {503, NULL, "Keystone service is temporarily unavailable", MIR_UNAVAILABLE, MIR_RETRY_SERVER,
     false, NULL, NULL},
    /* too fast */
    {0, "overLimit", NULL, MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL, NULL},
    {429, NULL, NULL, MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL, NULL},
    {498, NULL, NULL, MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL, NULL}, /* Swift */
    {503, "SlowDown", NULL, MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL, NULL},
    /* not so much */
    {0, "OverQuota", NULL, MIR_POLICY, MIR_RETRY_NEVER, false, HINT_QUOTA, NULL},
    {0, "QuotaExceeded*", NULL, MIR_POLICY, MIR_RETRY_NEVER, false, HINT_QUOTA, NULL},
    {403, NULL, "uota exceeded", MIR_POLICY, MIR_RETRY_NEVER, false, HINT_QUOTA, NULL},
    {403, NULL, "exceeds quota", MIR_POLICY, MIR_RETRY_NEVER, false, HINT_QUOTA, NULL},
    {403, NULL, "aximum number", MIR_POLICY, MIR_RETRY_NEVER, false, HINT_QUOTA, NULL},
    {413, NULL, "uota", MIR_POLICY, MIR_RETRY_NEVER, false, HINT_QUOTA, NULL},
    {413, NULL, NULL, MIR_POLICY, MIR_RETRY_NEVER, false, "it is larger than this cloud takes",
     NULL},
    {507, NULL, NULL, MIR_POLICY, MIR_RETRY_NEVER, true, "the cloud's storage is full", NULL},
    /* not now */
    {409, "IpAddressGenerationFailure", NULL, MIR_UNAVAILABLE, MIR_RETRY_NEVER, false,
     "the network has no free address; take another one", NULL},
    {0, "NoMoreFixedIps", NULL, MIR_UNAVAILABLE, MIR_RETRY_NEVER, false, NULL, NULL},
    {0, "ExternalIpAddressExhausted", NULL, MIR_UNAVAILABLE, MIR_RETRY_NEVER, false,
     "the external network has no free address", NULL},
    {0, "RetryRequest", NULL, MIR_UNAVAILABLE, MIR_RETRY_SERVER, true, NULL, NULL},
    {501, NULL, NULL, MIR_USAGE, MIR_RETRY_NEVER, false, "this cloud cannot do that", NULL},
    /* not allowed */
    {403, NULL, "rotected", MIR_POLICY, MIR_RETRY_NEVER, false, NULL, NULL},
    {403, NULL, "zero disk", MIR_POLICY, MIR_RETRY_NEVER, false,
     "take a flavor with a disk, or boot from a volume", NULL},
    {403, NULL, NULL, MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_ALLOW, NULL},
    /* something is in the way */
    {409, NULL, NULL, MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL, NULL},
    {412, NULL, NULL, MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL, NULL},
    /* No such address, which says nothing of the thing: Swift alone says it of objects, too. */
    {404, NULL, NULL, MIR_NOT_FOUND, MIR_RETRY_NEVER, false, NULL, "swift"},
    {404, "NotFound", "The resource could not be found", MIR_USAGE, MIR_RETRY_NEVER, false,
     HINT_ADDRESS, NULL},
    {404, "HTTPNotFound", "The resource could not be found", MIR_USAGE, MIR_RETRY_NEVER, false,
     HINT_ADDRESS, NULL},
    {404, NULL, "requested URL was not found", MIR_USAGE, MIR_RETRY_NEVER, false, HINT_ADDRESS,
     NULL},
    /* not there */
    {404, NULL, NULL, MIR_NOT_FOUND, MIR_RETRY_NEVER, false, NULL, NULL},
    {410, NULL, NULL, MIR_NOT_FOUND, MIR_RETRY_NEVER, false, NULL, NULL},
    /* nonsense */
    {300, NULL, NULL, MIR_USAGE, MIR_RETRY_NEVER, false,
     "the endpoint names no version of the service", NULL},
    {406, NULL, NULL, MIR_USAGE, MIR_RETRY_NEVER, false,
     "the cloud does not know that version of its API", NULL},
    {400, NULL, NULL, MIR_USAGE, MIR_RETRY_NEVER, false, NULL, NULL},
    {405, NULL, NULL, MIR_USAGE, MIR_RETRY_NEVER, false, NULL, NULL},
    {411, NULL, NULL, MIR_USAGE, MIR_RETRY_NEVER, false, NULL, NULL},
    {415, NULL, NULL, MIR_USAGE, MIR_RETRY_NEVER, false, NULL, NULL},
    {422, NULL, NULL, MIR_USAGE, MIR_RETRY_NEVER, false, NULL, NULL},
};

/* '*' stands for any characters, and only at the end. */
static bool fits(const char *pattern, const char *code)
{
    size_t len = strcspn(pattern, "*");
    return !strncmp(pattern, code, len) && (pattern[len] || !code[len]);
}

const struct os_error_row *os_error_row(enum os_service service, int status,
                                        const struct os_said *said)
{
    const char *name = os_service_name(service);
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        const struct os_error_row *row = &rows[i];
        if ((!row->status || row->status == status) &&
            (!row->code || fits(row->code, said->code)) &&
            (!row->says || strstr(said->message, row->says)) &&
            (!row->service || !strcmp(row->service, name)))
            return row;
    }
    return NULL;
}

/* --- reading --- */

#define BODY_MAX 65536 /* of an error; what is longer is none */

/* Text for people: without tags, control characters and runs of blanks. */
static void keep(char *field, size_t size, const char *text)
{
    size_t len = 0;
    bool blank = false;
    for (const char *p = text; *p && len + 2 < size; p++) {
        if (*p == '<' && strchr(p, '>')) {
            p = strchr(p, '>');
            blank = true;
        } else if ((unsigned char)*p <= ' ' || *p == 0x7f) {
            blank = true;
        } else {
            if (blank && len > 0)
                field[len++] = ' ';
            blank = false;
            field[len++] = *p;
        }
    }
    field[len] = '\0';
}

/* What may be a code: it becomes part of messages and of decisions. "404 Not Found" is NotFound. */
static void keep_code(struct os_said *said, const char *text)
{
    size_t len = 0;
    text += strspn(text, "0123456789 ");
    for (const char *p = text; *p; p++) {
        bool word = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
                    (*p >= '0' && *p <= '9') || strchr("._-:", *p);
        if ((!word && *p != ' ') || len + 1 >= sizeof said->code) {
            len = 0;
            break;
        }
        if (word)
            said->code[len++] = *p;
    }
    said->code[len] = '\0';
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static void keep_both(struct os_said *said, const char *code, const char *message)
{
    keep_code(said, code);
    keep(said->message, sizeof said->message, message);
    said->service = *said->code != '\0';
}

/* Each form takes what is its own; false: it is none of it. */
typedef bool form(const json_t *json, struct os_said *said);

/* Neutron: {"NeutronError": {"type", "message", "detail"}}; once it was a text. */
static bool read_neutron(const json_t *json, struct os_said *said)
{
    const json_t *error = json_object_get(json, "NeutronError");
    if (json_is_string(error))
        keep_both(said, "NeutronError", json_string_value(error));
    else if (json_is_object(error))
        keep_both(said, text_of(error, "type"), text_of(error, "message"));
    return error != NULL;
}

/* Keystone, and what stands in front of the others: {"error": {"code", "message", "title"}}. */
static bool read_keystone(const json_t *json, struct os_said *said)
{
    const json_t *error = json_object_get(json, "error");
    if (json_is_object(error))
        keep_both(said, text_of(error, "title"), text_of(error, "message"));
    return json_is_object(error);
}

/* Keystone wants a second factor: {"receipt": {...}, "required_auth_methods": [...]}. */
static bool read_receipt(const json_t *json, struct os_said *said)
{
    bool receipt = json_is_object(json_object_get(json, "receipt"));
    if (receipt)
        keep_both(said, "Receipt", "more than one way to authenticate is asked for");
    return receipt;
}

/* Glance and others by WebOb: {"message", "code": "404 Not Found", "title"}. */
static bool read_webob(const json_t *json, struct os_said *said)
{
    const char *code = text_of(json, "code"), *title = text_of(json, "title");
    if (!*title || !json_object_get(json, "message"))
        return false;
    keep_both(said, *code ? code : title, text_of(json, "message"));
    return true;
}

/* {"errors": [{"code", "title", "detail"}]}: the API working group's own. */
static bool read_errors(const json_t *json, struct os_said *said)
{
    const json_t *first = json_array_get(json_object_get(json, "errors"), 0);
    if (json_is_object(first)) {
        const char *title = text_of(first, "title");
        keep_both(said, *title ? title : text_of(first, "code"), text_of(first, "detail"));
    }
    return json_is_object(first);
}

/* Mistral: {"faultcode", "faultstring"}. */
static bool read_mistral(const json_t *json, struct os_said *said)
{
    const char *text = text_of(json, "faultstring"), *code = text_of(json, "faultcode");
    if (*text)
        keep_both(said, *code ? code : "fault", text);
    return *text != '\0';
}

/* Blazar: {"error_code", "error_message", "error_name"}. */
static bool read_blazar(const json_t *json, struct os_said *said)
{
    const char *name = text_of(json, "error_name");
    if (*name)
        keep_both(said, name, text_of(json, "error_message"));
    return *name != '\0';
}

/* Nova and Cinder: {"badRequest": {"code", "message"}}, the one member being the fault's name. */
static bool read_nova(const json_t *json, struct os_said *said)
{
    json_t *object = (json_t *)(uintptr_t)json; /* jansson's iterator only reads */
    void *first = json_object_iter(object);
    const json_t *fault = first ? json_object_iter_value(first) : NULL;
    if (json_object_size(json) != 1 || !json_is_string(json_object_get(fault, "message")))
        return false;
    keep_both(said, json_object_iter_key(first), text_of(fault, "message"));
    return true;
}

static void read_json(const char *text, size_t len, struct os_said *said)
{
    static form *const forms[] = {read_neutron, read_keystone, read_receipt, read_webob,
                                  read_errors,  read_mistral,  read_blazar,  read_nova};
    json_t *json = mir_json_parse(text, len, BODY_MAX, NULL);
    for (size_t i = 0; json_is_object(json) && i < MIR_NELEMS(forms); i++)
        if (forms[i](json, said))
            break;
    json_decref(json);
}

/* The text of the first element of that name; "" where there is none. */
static void element(const char *html, const char *open, char *out, size_t size)
{
    const char *at = strcasestr(html, open);
    at = at ? strchr(at, '>') : NULL;
    snprintf(out, size, "%.*s", at ? (int)strcspn(at + 1, "<") : 0, at ? at + 1 : "");
}

/* "<title>409 Conflict</title> ... <h1>409 Conflict</h1>the reason": WebOb and Swift. Whether it is
 * one of them who speaks, the head says. */
static void read_html(const char *html, struct os_said *said)
{
    char title[80];
    element(html, "<title", title, sizeof title);
    if (!*title)
        element(html, "<h1", title, sizeof title);
    const char *text = strcasestr(html, "</h1>");
    keep_code(said, title);
    keep(said->message, sizeof said->message, text ? text : "");
}

void os_said_read(const struct mir_http_response *response, struct os_said *ret)
{
    static const char *const id_headers[] = {"x-openstack-request-id", "x-compute-request-id",
                                             "x-trans-id"};
    char text[128];
    *ret = (struct os_said){0};
    const char *body = mir_buf_text(&response->body);
    const char *first = body + strspn(body, " \t\r\n");
    if (*first == '{')
        read_json(body, response->body.len, ret);
    else if (*first == '<')
        read_html(first, ret);
    else
        keep(ret->message, sizeof ret->message, body);
    for (size_t i = 0; i < MIR_NELEMS(id_headers) && !*ret->request_id; i++)
        if (!mir_http_response_header(response, id_headers[i], text, sizeof text))
            keep(ret->request_id, sizeof ret->request_id, text);
    ret->service = ret->service || *ret->request_id;
}

/* --- judging --- */

static enum mir_retry retry_of_status(int status)
{
    static const int repeated[] = {500, 502, 503, 504};
    for (size_t i = 0; i < MIR_NELEMS(repeated); i++)
        if (status == repeated[i])
            return MIR_RETRY_SERVER;
    return MIR_RETRY_NEVER;
}

/* What nobody of OpenStack said is a refusal only where the status is the whole message: somebody
 * in front of the service wants to know who asks, or is asked too often. */
static bool believed(const struct os_error_row *row, const struct os_said *said, int status)
{
    return row && (said->service || status == 401 || status == 429);
}

static void judge(enum os_service service, const struct os_said *said, int status, bool reads,
                  struct mir_error *err)
{
    const struct os_error_row *row = os_error_row(service, status, said);
    bool refusal = believed(row, said, status) && !row->unknown;
    if (believed(row, said, status)) {
        err->kind = row->kind;
        err->retry = row->retry;
        if (row->hint)
            mir_error_hint(err, "%s", row->hint);
    } else if (said->service && status >= 400 && status < 500) {
        err->kind = MIR_FAILED; /* a refusal that is new to us */
        refusal = true;
    } else {
        err->kind = status >= 500 ? MIR_UNAVAILABLE : MIR_CORRUPT;
        err->retry = retry_of_status(status);
    }
    err->outcome = refusal || reads ? MIR_DID_NOT_HAPPEN : MIR_OUTCOME_UNKNOWN;
}

int os_error_read(const struct mir_http_response *response, enum os_service service,
                  const char *operation, bool reads, struct mir_error *err)
{
    if (!err)
        return -1;
    struct os_said said;
    os_said_read(response, &said);
    const char *name = os_service_name(service);
    if (!*said.code && !*said.message)
        mir_fail(err, MIR_FAILED, "%s %s: HTTP status %d, and no error that can be read", name,
                 operation, response->status);
    else
        mir_fail(err, MIR_FAILED, "%s %s: %s%s%s", name, operation, said.code,
                 *said.code && *said.message ? ": " : "", said.message);
    err->http_status = response->status;
    judge(service, &said, response->status, reads, err);
    mir_copy(err->provider, sizeof err->provider, "openstack");
    mir_copy(err->provider_code, sizeof err->provider_code, said.code);
    mir_copy(err->request_id, sizeof err->request_id, said.request_id);
    return -1;
}
