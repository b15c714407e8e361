/* SPDX-License-Identifier: ISC */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/fault.h"
#include "api/log.h"
#include "api/memory.h"
#include "errors.h"
#include "inside.h"

#define OWN_HEADERS_MAX 4 /* what is added to the caller's */
#define TOKEN_GOOD_MS ((int64_t)30 * 1000)

/* What there is to know about a call between its attempts. */
struct course {
    struct mir_retry_state state;
    struct os_endpoint to;   /* url owned */
    struct mir_secret token; /* that the last attempt was made with */
    bool renewed;            /* the token: once */
    bool unprepared;         /* it never came to an attempt */
};

static const char *method_of(const struct os_call *call)
{
    return call->method ? call->method : "GET";
}

static void note_date(struct os_session *session, const struct mir_http_response *response)
{
    int64_t date = mir_http_date_ms(response);
    if (!date)
        return;
    pthread_mutex_lock(&session->lock);
    session->date_ms = date;
    session->date_boot_ms = session->clock->boot_ms(session->clock->ctx);
    pthread_mutex_unlock(&session->lock);
}

static void note_attempt(const struct os_call *call, const struct mir_http_response *response,
                         const struct mir_error *err)
{
    if (!mir_log_enabled(MIR_LOG_DEBUG))
        return;
    const char *service = os_service_name(call->service);
    if (err->kind)
        mir_log(MIR_LOG_DEBUG, "openstack", "%s %s: %s (%s)", service, call->operation, err->text,
                err->request_id);
    else
        mir_log(MIR_LOG_DEBUG, "openstack", "%s %s: %d, %zu bytes in %lld ms", service,
                call->operation, response->status, response->body.len,
                (long long)response->total_ms);
}

/* For messages: a query may hold a signature, and what stands before an '@' a password. */
static char *plain_url(const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    const char *at = memchr(host, '@', strcspn(host, "/?"));
    return mir_format("%.*s%.*s", (int)(host - url), url, (int)strcspn(at ? at + 1 : host, "?"),
                      at ? at + 1 : host);
}

/* A page for people where JSON should be: of a proxy, or of whatever else is at that address. What
 * the services say in HTML themselves has the number of the request in its head. */
static bool is_page(const struct mir_http_response *response, const struct mir_error *err)
{
    const char *body = mir_buf_text(&response->body);
    return !*err->request_id && body[strspn(body, " \t\r\n")] == '<' &&
           (err->kind == MIR_CORRUPT || err->kind == MIR_UNAVAILABLE);
}

static void name_page(const struct os_call *call, const char *url,
                      const struct mir_http_response *response, struct mir_error *err)
{
    mir_auto_free char *plain = plain_url(url);
    struct mir_error said = *err;
    mir_fail(err, MIR_UNAVAILABLE, "%s %s: %s answers %d with a web page, and no JSON%s%s",
             os_service_name(call->service), call->operation, plain, response->status,
             *said.provider_code ? ": " : "", said.provider_code);
    err->retry = said.retry;
    err->outcome = said.outcome;
    err->http_status = said.http_status;
    mir_error_hint(err, "a proxy or a page to log in stands in front of the cloud, or that is not "
                        "its address (auth_url, endpoint overrides)");
}

static int read_it(const struct os_call *call, struct mir_http_response *response,
                   struct mir_error *err)
{
    bool success = response->status >= 200 && response->status <= 299;
    if (!success && !(call->choices && response->status == 300))
        return os_error_read(response, call->service, call->operation, call->reads, err);
    if (!call->accept || !call->accept(call->accept_ctx, response, err))
        return 0;
    mir_error_wrap(err, "%s %s", os_service_name(call->service), call->operation);
    if (!err->retry && err->kind == MIR_CORRUPT) { /* damaged on its way */
        err->retry = MIR_RETRY_TRANSIENT;
        err->outcome = call->reads ? MIR_DID_NOT_HAPPEN : MIR_OUTCOME_UNKNOWN;
    }
    err->http_status = response->status;
    return -1;
}

/* A success, or an error that says what is known. */
static int read_answer(const struct os_call *call, const char *url,
                       struct mir_http_response *response, struct mir_error *err)
{
    int rc = read_it(call, response, err);
    if (rc && is_page(response, err))
        name_page(call, url, response, err);
    return rc;
}

static void wipe_response(const struct os_call *call, struct mir_http_response *response)
{
    if (call->secret)
        mir_wipe(response->body.data, response->body.len);
    mir_http_response_clear(response);
}

/* --- one attempt --- */

static int limit_of(const struct os_session *session, const struct os_call *call)
{
    return call->attempt_timeout_ms > 0   ? call->attempt_timeout_ms
           : call->attempt_timeout_ms < 0 ? INT32_MAX
                                          : session->attempt_timeout_ms;
}

static int timeout_of(const struct os_session *session, const struct os_call *call, int64_t left_ms)
{
    int limit = limit_of(session, call);
    return left_ms < limit ? (int)left_ms : limit;
}

static char *url_of(const struct os_call *call, const struct os_endpoint *to)
{
    bool query = call->query && *call->query;
    return mir_format("%s%s%s%s", call->url ? call->url : to->url, call->path ? call->path : "",
                      query ? "?" : "", query ? call->query : "");
}

static void add_header(struct mir_http_request *request, struct mir_http_header *headers,
                       const char *name, const char *value)
{
    headers[request->header_count++] = (struct mir_http_header){name, value};
}

static void set_headers(const struct os_call *call, const struct course *course,
                        const char micro[32], struct mir_http_request *request,
                        struct mir_http_header *headers)
{
    for (size_t i = 0; i < call->header_count && i < OS_CALL_HEADERS_MAX; i++)
        headers[request->header_count++] = call->headers[i];
    add_header(request, headers, "Accept",
               call->accept_type ? call->accept_type : "application/json");
    if (!mir_secret_empty(&course->token))
        add_header(request, headers, "X-Auth-Token", mir_secret_text(&course->token));
    if (*micro) { /* the one of today, and the one before it */
        add_header(request, headers, "OpenStack-API-Version", micro);
        add_header(request, headers, "X-OpenStack-Nova-API-Version", strchr(micro, ' ') + 1);
    }
    request->headers = headers;
}

/* What is found out once for the call, and a token for each attempt. */
static int prepare(struct os_session *session, const struct os_call *call, struct course *course,
                   int64_t until_ms, struct mir_error *err)
{
    if (!call->url && !course->to.url &&
        os_endpoint_get(session, call->service, until_ms, &course->to, err))
        return -1;
    if (call->anonymous)
        return 0;
    mir_secret_clear(&course->token);
    int64_t good_ms = call->token_good_ms ? call->token_good_ms : TOKEN_GOOD_MS;
    return os_token_get(session, good_ms, until_ms, &course->token, err);
}

static int send_it(struct os_session *session, const struct os_call *call,
                   const struct course *course, int64_t left_ms, struct mir_http_response *ret,
                   struct mir_error *err)
{
    const struct os_cloud *cloud = session->cloud;
    struct mir_http_header headers[OS_CALL_HEADERS_MAX + OWN_HEADERS_MAX];
    char micro[32] = "";
    const char *method = method_of(call);
    bool body = call->body_len || !strcmp(method, "POST") || !strcmp(method, "PUT");
    mir_auto_free char *url = url_of(call, &course->to);
    if (course->to.microversion && !call->url)
        snprintf(micro, sizeof micro, "compute 2.%d", course->to.microversion);
    struct mir_http_request request = {
        .method = method,
        .url = url,
        .body = !body || call->stream.read ? NULL
                : call->body               ? call->body
                                           : "",
        .body_len = call->body_len,
        .stream = call->stream,
        .connect_timeout_ms = session->connect_timeout_ms,
        .timeout_ms = timeout_of(session, call, left_ms),
        .response_max = call->reply_max ? call->reply_max : OS_REPLY_DEFAULT,
        .fresh = call->once,
        .path_as_is = true,
        .ca_file = cloud->cacert,
        .cert_file = cloud->cert,
        .key_file = cloud->key,
        .insecure = cloud->insecure,
        .ipv4_only = cloud->force_ipv4,
    };
    set_headers(call, course, micro, &request, headers);
    return mir_http_client_do(session->client, &request, ret, err);
}

/* *ret is filled when an answer came, whatever it says. */
static int try_once(struct os_session *session, const struct os_call *call, struct course *course,
                    int64_t until_ms, struct mir_http_response *ret, struct mir_error *err)
{
    if (prepare(session, call, course, until_ms, err)) {
        err->outcome = MIR_DID_NOT_HAPPEN;
        course->unprepared = true;
        return -1;
    }
    int64_t left = os_left(session, until_ms);
    if (left <= 0)
        return mir_fail(err, MIR_TIMEOUT, "%s %s: no time is left for it",
                        os_service_name(call->service), call->operation);
    if (send_it(session, call, course, left, ret, err)) {
        mir_error_wrap(err, "%s %s", os_service_name(call->service), call->operation);
        if (call->reads)
            err->outcome = MIR_DID_NOT_HAPPEN;
        return -1;
    }
    note_date(session, ret);
    mir_auto_free char *url = url_of(call, &course->to);
    return read_answer(call, url, ret, err);
}

/* --- what is made of a refused token --- */

/* Some services repeat the token in what they say of it. */
static void hide_token(const struct mir_secret *token, struct mir_error *err)
{
    char begin[16];
    if (token->len < sizeof begin)
        return;
    snprintf(begin, sizeof begin, "%s", mir_secret_text(token));
    char *at = strstr(err->text, begin);
    if (at)
        snprintf(at, (size_t)(err->text + sizeof err->text - at), "...");
}

/* A token that Keystone gave just now is good: the service that does not know it cannot ask
 * Keystone. */
static void doubt(const struct course *course, const struct mir_http_response *response,
                  struct mir_error *err)
{
    if (response->status != 401 || !course->renewed) /* else it is Keystone that said so */
        return;
    err->kind = MIR_UNAVAILABLE;
    err->retry = MIR_RETRY_SERVER;
    mir_error_hint(err, "the token is new: the service seems not to reach Keystone");
}

/* --- again and again --- */

/* Seconds, or (Nova, inside of some limits) a date, which is not waited for. */
static int64_t asked_ms(const struct mir_http_response *response)
{
    char text[16];
    if (mir_http_response_header(response, "Retry-After", text, sizeof text))
        return 0;
    char *end;
    long s = strtol(text, &end, 10);
    return *end || s < 0 || s > 3600 ? 0 : (int64_t)s * 1000;
}

static int64_t next_wait(struct os_session *session, const struct os_call *call,
                         struct mir_retry_state *state, const struct mir_http_response *response,
                         int64_t left_ms, const struct mir_error *err)
{
    struct mir_retry_case what = {
        .err = err, .repeatable = !call->once, .asked_ms = asked_ms(response), .left_ms = left_ms};
    return mir_retry_shared_next(&session->retry, state, 0, &what);
}

/* The token has ended while a body was on its way, which cannot be sent again from here: whoever
 * made it makes it again, with another token. */
static void blame_token(struct mir_error *err)
{
    err->kind = MIR_UNAVAILABLE;
    err->retry = MIR_RETRY_TRANSIENT;
    mir_error_hint(err, "the token has ended on the way; the next attempt has another one");
}

/* After a failed attempt: is there to be another one? Waits before it. A body that is made while it
 * is sent is gone by then. */
static bool again(struct os_session *session, const struct os_call *call, struct course *course,
                  const struct mir_http_response *response, int64_t until_ms, struct mir_error *err)
{
    int64_t left = os_left(session, until_ms);
    if (course->unprepared) /* what failed is a call of its own, and was repeated */
        return false;
    bool renewed = err->http_status == 401 && !call->anonymous && !course->renewed &&
                   os_token_refused(session, &course->token);
    if (renewed && call->stream.read)
        blame_token(err);
    if (call->stream.read || left <= 0)
        return false;
    if (renewed) {
        course->renewed = true;
        return true;
    }
    int64_t wait = next_wait(session, call, &course->state, response, left, err);
    if (wait < 0)
        return false;
    session->wait(session->wait_ctx, wait);
    return true;
}

static int call_until(struct os_session *session, const struct os_call *call, struct course *course,
                      int64_t until_ms, struct mir_http_response *ret, struct mir_error *err)
{
    bool unknown = false;
    for (;;) {
        struct mir_http_response response = {0};
        struct mir_error before = *err;
        int64_t left = os_left(session, until_ms);
        *err = (struct mir_error){0};
        int rc = try_once(session, call, course, until_ms, &response, err);
        if (rc) {
            hide_token(&course->token, err);
            doubt(course, &response, err);
        }
        note_attempt(call, &response, err);
        if (!rc) {
            mir_retry_shared_succeeded(&session->retry, &course->state);
            *ret = response;
            return 0;
        }
        unknown = unknown || err->outcome == MIR_OUTCOME_UNKNOWN;
        bool more = again(session, call, course, &response, until_ms, err);
        wipe_response(call, &response);
        if (!more) {
            mir_retry_tell(err, &before, left < limit_of(session, call));
            break;
        }
    }
    if (unknown)
        err->outcome = MIR_OUTCOME_UNKNOWN;
    return -1;
}

static int call_once(struct os_session *session, const struct os_call *call, int64_t until_ms,
                     struct mir_http_response *ret, struct mir_error *err)
{
    struct course course = {.renewed = false};
    struct mir_error own = {0};
    int rc = call_until(session, call, &course, until_ms, ret, &own);
    free(course.to.url);
    mir_secret_clear(&course.token);
    if (rc && err)
        *err = own;
    return rc;
}

/* What changes something is a place to die at, and to lose an answer. */
int os_call(struct os_session *session, const struct os_call *call, int64_t until_ms,
            struct mir_http_response *ret, struct mir_error *err)
{
    struct mir_http_response response = {0};
    char point[64];
    snprintf(point, sizeof point, "%s.%s", os_service_name(call->service), call->operation);
    if ((!call->reads && mir_fault_before(point, err)) ||
        call_once(session, call, until_ms, &response, err))
        return -1;
    int rc = call->reads ? 0 : mir_fault_after(point, err);
    if (!rc && ret)
        *ret = response;
    else
        wipe_response(call, &response);
    return rc;
}
