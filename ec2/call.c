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

#define HEADERS_MAX (EC2_SIGN_HEADERS_MAX + EC2_SIGN_ADDED_MAX)
/* A signature that was refused without a word of the time is the clock's fault only when the clock
 * is off by more than what AWS tolerates. */
#define SKEW_MS ((int64_t)240 * 1000)
#define SKEW_SAID_MS ((int64_t)5 * 1000) /* when the time was given as the reason */

/* What there is to know about a call between its attempts. */
struct course {
    struct mir_retry_state state;
    bool corrected, renewed;   /* the clock, the credentials: once each */
    char key[EC2_KEY_ID_TEXT]; /* that signed the last attempt; "" none */
};

/* One attempt: where it goes, as it was signed. */
struct attempt {
    char *host, *path; /* owned */
    struct ec2_signed made;
    struct mir_http_header headers[HEADERS_MAX];
    size_t header_count;
    char *url; /* owned */
};

static void attempt_clear(struct attempt *attempt)
{
    ec2_signed_clear(&attempt->made);
    free(attempt->host);
    free(attempt->path);
    free(attempt->url);
}

static const char *region_of(const struct ec2_session *session, enum ec2_service service)
{
    const char *region = ec2_service_info(service)->region;
    return region ? region : session->region;
}

static int sign_attempt(struct ec2_session *session, const struct ec2_call *call,
                        struct attempt *attempt, char ret_key[EC2_KEY_ID_TEXT],
                        struct mir_error *err)
{
    struct ec2_sign_request request = {
        .mode = call->service == EC2_S3 ? EC2_SIGN_S3 : EC2_SIGN_DEFAULT,
        .method = call->method ? call->method : "POST",
        .host = attempt->host,
        .path = attempt->path,
        .query = call->query,
        .query_count = call->query_count,
        .headers = call->headers,
        .header_count = call->header_count,
        .body = call->body,
        .body_len = call->body_len,
        .payload = call->payload,
        .payload_header = call->payload_header,
        .region = region_of(session, call->service),
        .service = ec2_service_info(call->service)->name,
        .now_s =
            (session->clock->utc_ms(session->clock->ctx) + ec2_session_clock_offset_ms(session)) /
            1000,
    };
    struct ec2_credentials none = {.access_key_id = "-"};
    if (!call->anonymous && !session->credentials.get)
        return mir_fail(err, MIR_CREDENTIALS, "there are no credentials to sign with");
    ec2_auto_credentials struct ec2_credentials who = {0};
    if (call->anonymous) { /* signed for its address alone */
        if (mir_secret_set(&none.secret, "-", 1, err))
            return -1;
        who = none;
    } else if (session->credentials.get(session->credentials.ctx, &who, err)) {
        return -1;
    } else {
        mir_copy(ret_key, EC2_KEY_ID_TEXT, who.access_key_id);
    }
    return ec2_sign(&request, &who, &attempt->made, err);
}

static int prepare(struct ec2_session *session, const struct ec2_call *call,
                   struct attempt *attempt, char ret_key[EC2_KEY_ID_TEXT], struct mir_error *err)
{
    const struct ec2_endpoint *to = &session->endpoints[call->service];
    const char *path = call->path ? call->path : *to->base ? "" : "/";
    attempt->host = mir_format("%s%s%s", call->host_name ? call->host_name : "",
                               call->host_name ? "." : "", to->host);
    attempt->path = mir_format("%s%s", to->base, path);
    if (sign_attempt(session, call, attempt, ret_key, err))
        return -1;
    for (size_t i = 0; i < call->header_count; i++)
        attempt->headers[attempt->header_count++] = call->headers[i];
    for (size_t i = 0; i < attempt->made.added_count && !call->anonymous; i++)
        attempt->headers[attempt->header_count++] = attempt->made.added[i];
    attempt->url = mir_format("%.*s%s%s", (int)(to->host - to->origin), to->origin, attempt->host,
                              mir_buf_text(&attempt->made.target));
    return 0;
}

static void note_date(struct ec2_session *session, const struct mir_http_response *response)
{
    int64_t date = mir_http_date_ms(response);
    if (!date)
        return;
    pthread_mutex_lock(&session->lock);
    session->date_ms = date;
    session->date_boot_ms = session->clock->boot_ms(session->clock->ctx);
    pthread_mutex_unlock(&session->lock);
}

static void note_attempt(const struct ec2_call *call, const struct mir_http_response *response,
                         const struct mir_error *err)
{
    if (!mir_log_enabled(MIR_LOG_DEBUG))
        return;
    const char *service = ec2_service_info(call->service)->name;
    if (err->kind)
        mir_log(MIR_LOG_DEBUG, "ec2", "%s %s: %s (%s)", service, call->operation, err->text,
                err->request_id);
    else
        mir_log(MIR_LOG_DEBUG, "ec2", "%s %s: %d, %zu bytes in %lld ms", service, call->operation,
                response->status, response->body.len, (long long)response->total_ms);
}

/* A success, or an error that says what is known. */
static int read_answer(const struct ec2_call *call, struct mir_http_response *response,
                       struct mir_error *err)
{
    const char *service = ec2_service_info(call->service)->name;
    if (response->status < 200 || response->status > 299)
        return ec2_error_read(response, service, call->operation, call->reads, err);
    if (!call->accept || !call->accept(call->accept_ctx, response, err))
        return 0;
    mir_error_wrap(err, "%s %s", service, call->operation);
    if (!err->retry &&
        err->kind == MIR_CORRUPT) { /* damaged on its way; the accept may know more */
        err->retry = MIR_RETRY_TRANSIENT;
        err->outcome = call->reads ? MIR_DID_NOT_HAPPEN : MIR_OUTCOME_UNKNOWN;
    }
    err->http_status = response->status;
    return -1;
}

static void wipe_response(const struct ec2_call *call, struct mir_http_response *response)
{
    if (call->secret)
        mir_wipe(response->body.data, response->body.len);
    mir_http_response_clear(response);
}

/* *ret is filled when an answer came, whatever it says. */
static int limit_of(const struct ec2_session *session, const struct ec2_call *call)
{
    return call->attempt_timeout_ms ? call->attempt_timeout_ms : session->attempt_timeout_ms;
}

static int try_once(struct ec2_session *session, const struct ec2_call *call, int64_t left_ms,
                    struct mir_http_response *ret, char ret_key[EC2_KEY_ID_TEXT],
                    struct mir_error *err)
{
    struct attempt attempt = {0};
    *ret_key = '\0';
    if (prepare(session, call, &attempt, ret_key, err)) {
        attempt_clear(&attempt);
        return -1;
    }
    int limit = limit_of(session, call);
    const char *method = call->method ? call->method : "POST";
    bool body = call->body_len || !strcmp(method, "POST") || !strcmp(method, "PUT");
    struct mir_http_request request = {
        .method = method,
        .url = attempt.url,
        .headers = attempt.headers,
        .header_count = attempt.header_count,
        .body = !body        ? NULL
                : call->body ? call->body
                             : "",
        .body_len = call->body_len,
        .connect_timeout_ms = session->connect_timeout_ms,
        .timeout_ms = left_ms < limit ? (int)left_ms : limit,
        .response_max = call->reply_max ? call->reply_max : EC2_REPLY_DEFAULT,
        .fresh = call->once,
        .path_as_is = true,
        .ca_file = session->ca_file,
    };
    int rc = mir_http_client_do(session->client, &request, ret, err);
    attempt_clear(&attempt);
    if (rc) {
        mir_error_wrap(err, "%s %s", ec2_service_info(call->service)->name, call->operation);
        if (call->reads && err)
            err->outcome = MIR_DID_NOT_HAPPEN;
        return -1;
    }
    note_date(session, ret);
    return read_answer(call, ret, err);
}

/* --- the clock --- */

/* How sure the code makes it that the time was the reason: what the difference has to be at least;
 * 0: it was not. */
static int64_t skew_needed_ms(const char *code)
{
    static const struct {
        const char *code;
        int64_t ms;
    } rows[] = {
        {"RequestTimeTooSkewed", SKEW_SAID_MS},
        {"RequestExpired", SKEW_SAID_MS},
        {"SignatureDoesNotMatch", SKEW_MS},
        {"InvalidSignatureException", SKEW_MS},
        {"AuthFailure", SKEW_MS},
        {"RequestInTheFuture", SKEW_SAID_MS},
        {"IncompleteSignatureException", SKEW_MS},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (!strcmp(code, rows[i].code))
            return rows[i].ms;
    return 0;
}

/* Was the request refused for its time? Then the service's time is taken from here on. */
static bool correct_clock(struct ec2_session *session, const struct mir_http_response *response,
                          const struct mir_error *err)
{
    int64_t needed = skew_needed_ms(err->provider_code), date = mir_http_date_ms(response);
    if (!needed || !date)
        return false;
    int64_t offset = date - session->clock->utc_ms(session->clock->ctx);
    int64_t change = offset - ec2_session_clock_offset_ms(session);
    if (change < needed && change > -needed)
        return false;
    pthread_mutex_lock(&session->lock);
    session->offset_ms = offset;
    pthread_mutex_unlock(&session->lock);
    mir_log(MIR_LOG_DEBUG, "ec2", "the service's clock is %lld s ahead of this one; signing by it",
            (long long)(offset / 1000));
    return true;
}

/* --- the credentials --- */

/* Was it the key that was refused, and does its source have another one by now? */
static bool renew(const struct ec2_session *session, const char *key, const struct mir_error *err)
{
    static const char *const codes[] = {"AuthFailure",
                                        "ExpiredToken",
                                        "ExpiredTokenException",
                                        "InvalidAccessKeyId",
                                        "InvalidClientTokenId",
                                        "InvalidToken",
                                        "RequestExpired", /* EC2's word for an expired session */
                                        "UnrecognizedClientException"};
    const struct ec2_credential_source *source = &session->credentials;
    for (size_t i = 0; *key && source->refused && i < MIR_NELEMS(codes); i++)
        if (!strcmp(err->provider_code, codes[i]))
            return source->refused(source->ctx, key);
    return false;
}

/* --- again and again --- */

static int64_t asked_ms(const struct mir_http_response *response)
{
    char text[16];
    if (mir_http_response_header(response, "x-amz-retry-after", text, sizeof text))
        return 0;
    char *end;
    long ms = strtol(text, &end, 10);
    return *end || ms < 0 ? 0 : ms;
}

static int64_t left_of(const struct ec2_session *session, int64_t until_ms)
{
    return until_ms - session->clock->boot_ms(session->clock->ctx);
}

static int64_t next_wait(struct ec2_session *session, const struct ec2_call *call,
                         struct mir_retry_state *state, const struct mir_http_response *response,
                         int64_t left_ms, const struct mir_error *err)
{
    struct mir_retry_case what = {
        .err = err, .repeatable = !call->once, .asked_ms = asked_ms(response), .left_ms = left_ms};
    return mir_retry_shared_next(&session->retry, state, call->attempts_max, &what);
}

/* After a failed attempt: is there to be another one? Waits before it. */
static bool again(struct ec2_session *session, const struct ec2_call *call, struct course *course,
                  const struct mir_http_response *response, int64_t until_ms,
                  const struct mir_error *err)
{
    int64_t left = left_of(session, until_ms);
    if (!course->corrected && left > 0 && correct_clock(session, response, err)) {
        course->corrected = true;
        return true;
    }
    if (!course->renewed && left > 0 && renew(session, course->key, err)) {
        course->renewed = true;
        return true;
    }
    int64_t wait = next_wait(session, call, &course->state, response, left, err);
    if (wait < 0)
        return false;
    session->wait(session->wait_ctx, wait);
    return true;
}

static int call_until(struct ec2_session *session, const struct ec2_call *call, int64_t until_ms,
                      struct mir_http_response *ret, struct mir_error *err)
{
    struct course course = {.key = ""};
    bool unknown = false;
    struct mir_error last = {0};
    for (;;) {
        struct mir_error before = last;
        int64_t left = left_of(session, until_ms);
        struct mir_http_response response = {0};
        if (left <= 0) {
            if (!last.kind)
                mir_fail(&last, MIR_TIMEOUT, "%s %s: no time is left for it",
                         ec2_service_info(call->service)->name, call->operation);
            break;
        }
        last = (struct mir_error){0};
        int rc = try_once(session, call, left, &response, course.key, &last);
        note_attempt(call, &response, &last);
        if (!rc) {
            mir_retry_shared_succeeded(&session->retry, &course.state);
            *ret = response;
            return 0;
        }
        unknown = unknown || last.outcome == MIR_OUTCOME_UNKNOWN;
        bool more = again(session, call, &course, &response, until_ms, &last);
        wipe_response(call, &response);
        if (!more) {
            mir_retry_tell(&last, &before, left < limit_of(session, call));
            break;
        }
    }
    if (unknown)
        last.outcome = MIR_OUTCOME_UNKNOWN;
    if (err)
        *err = last;
    return -1;
}

/* What changes something is a place to die at, and to lose an answer. */
int ec2_call(struct ec2_session *session, const struct ec2_call *call, int64_t until_ms,
             struct mir_http_response *ret, struct mir_error *err)
{
    struct mir_http_response response = {0};
    char point[64];
    snprintf(point, sizeof point, "%s.%s", ec2_service_info(call->service)->name, call->operation);
    if ((!call->reads && mir_fault_before(point, err)) ||
        call_until(session, call, until_ms, &response, err))
        return -1;
    int rc = call->reads ? 0 : mir_fault_after(point, err);
    if (!rc && ret)
        *ret = response;
    else
        wipe_response(call, &response);
    return rc;
}
