/* SPDX-License-Identifier: ISC */
#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "api/memory.h"

const char *fc_request_header(const struct fc_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (!strcasecmp(request->headers[i].name, name))
            return request->headers[i].value;
    return NULL;
}

const char *fc_pairs_get(const struct fc_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (!strcmp(pairs->rows[i].name, name))
            return pairs->rows[i].value;
    return NULL;
}

const char *fc_request_query(const struct fc_request *request, const char *name)
{
    return fc_pairs_get(&request->query, name);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char *fc_percent_decode(const char *text, size_t len, bool plus)
{
    char *out = mir_calloc(len + 1, 1), *to = out;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0) {
                free(out);
                return NULL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == '\0') {
            free(out);
            return NULL;
        }
        *to++ = c;
    }
    return out;
}

void fc_pairs_clear(struct fc_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->rows[i].name);
        free(pairs->rows[i].value);
    }
    free(pairs->rows);
    *pairs = (struct fc_pairs){0};
}

static int add_pair(struct fc_pairs *pairs, const char *text, size_t len, bool plus)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals ? (size_t)(equals - text) : len;
    struct fc_pair pair = {.bare = !equals};
    pair.name = fc_percent_decode(text, name_len, plus);
    pair.value = equals ? fc_percent_decode(equals + 1, len - name_len - 1, plus) : mir_strdup("");
    if (!pair.name || !pair.value) {
        free(pair.name);
        free(pair.value);
        return -1;
    }
    if ((pairs->count & (pairs->count - 1)) == 0)
        pairs->rows =
            mir_realloc(pairs->rows, pairs->count ? 2 * pairs->count : 1, sizeof *pairs->rows);
    pairs->rows[pairs->count++] = pair;
    return 0;
}

int fc_pairs_parse(const char *text, size_t len, bool plus, struct fc_pairs *ret,
                   struct mir_error *err)
{
    struct fc_pairs pairs = {0};
    const char *end = text + len;
    while (text < end) {
        const char *stop = memchr(text, '&', (size_t)(end - text));
        size_t piece = (size_t)((stop ? stop : end) - text);
        if (pairs.count == FC_PAIRS_MAX) {
            fc_pairs_clear(&pairs);
            return mir_fail(err, MIR_USAGE, "more than %d parameters", FC_PAIRS_MAX);
        }
        if (piece && add_pair(&pairs, text, piece, plus)) {
            fc_pairs_clear(&pairs);
            return mir_fail(err, MIR_USAGE, "a parameter is badly percent-encoded");
        }
        text += piece + 1;
    }
    *ret = pairs;
    return 0;
}

int fc_request_parse_target(struct fc_request *request, struct mir_error *err)
{
    const char *mark = strchr(request->target, '?');
    size_t len = mark ? (size_t)(mark - request->target) : strlen(request->target);
    char *path = fc_percent_decode(request->target, len, false);
    if (!path)
        return mir_fail(err, MIR_USAGE, "the path is badly percent-encoded");
    /* "+" is a space here, as AWS reads it: who means a plus has to write %2B. */
    if (mark && fc_pairs_parse(mark + 1, strlen(mark + 1), true, &request->query, err)) {
        free(path);
        return -1;
    }
    request->path = path;
    return 0;
}

void fc_http_date(int64_t utc_s, char out[FC_HTTP_DATE_SIZE])
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)utc_s;
    struct tm tm = {0};
    gmtime_r(&now, &tm);
    snprintf(out, FC_HTTP_DATE_SIZE, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday],
             tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void fc_reply_header(struct fc_reply *reply, const char *name, const char *fmt, ...)
{
    if (reply->header_count == FC_REPLY_HEADERS_MAX)
        abort();
    va_list ap;
    va_start(ap, fmt);
    mir_copy(reply->headers[reply->header_count].name, sizeof reply->headers[0].name, name);
    vsnprintf(reply->headers[reply->header_count].value, sizeof reply->headers[0].value, fmt, ap);
    va_end(ap);
    reply->header_count++;
}
