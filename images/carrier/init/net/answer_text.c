/* SPDX-License-Identifier: ISC */
#include "answer_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "text.h"

#define EMPTY_BYTES 4 /* of line ends before a request, which RFC 9112 (2.2) lets pass */
#define AUTHORITY_BYTES 255

/* --- the question --- */

struct cursor {
    const char *at, *end;
};

enum match { NO, YES, SHORT }; /* SHORT: all that is there fits */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static enum match word(struct cursor *c, const char *wanted, bool any_case)
{
    for (; *wanted != '\0'; wanted++, c->at++) {
        if (c->at == c->end)
            return SHORT;
        if (*c->at != *wanted && !(any_case && lower(*c->at) == *wanted))
            return NO;
    }
    return YES;
}

static void empty_lines(struct cursor *c)
{
    for (int i = 0; i < EMPTY_BYTES && c->at < c->end && (*c->at == '\r' || *c->at == '\n'); i++)
        c->at++;
}

/* http://HOST of the absolute form, by which proxies ask, up to its path. */
static enum match authority(struct cursor *c)
{
    enum match scheme;

    if (c->at < c->end && lower(*c->at) != 'h')
        return YES; /* it begins with its path, or is none of ours */
    scheme = word(c, "http://", true);
    if (scheme != YES)
        return scheme;
    for (int i = 0; i <= AUTHORITY_BYTES; i++, c->at++) {
        if (c->at == c->end)
            return SHORT;
        if (*c->at == '/')
            return YES;
        if (*c->at <= ' ' || *c->at >= 0x7f || *c->at == '?' || *c->at == '#')
            return NO;
    }
    return NO;
}

static enum match version(struct cursor *c)
{
    enum match is = word(c, "HTTP/1.", false);

    if (is != YES)
        return is;
    if (c->at == c->end)
        return SHORT;
    if (*c->at < '0' || *c->at > '9')
        return NO;
    c->at++;
    return YES;
}

static enum match line_end(struct cursor *c)
{
    return c->at < c->end && *c->at == '\n' ? word(c, "\n", false) : word(c, "\r\n", false);
}

/* The fields, of which none says anything to us, and the empty line behind them. */
static enum match fields(struct cursor *c)
{
    for (;;) {
        struct cursor line = *c;
        enum match empty = line_end(&line);

        if (empty != NO)
            return empty;
        c->at = memchr(c->at, '\n', (size_t)(c->end - c->at));
        if (c->at == NULL)
            return SHORT;
        c->at++;
    }
}

static enum match path(struct cursor *c)
{
    return word(c, "/.well-known/unikernel ", false);
}

static enum match method(struct cursor *c)
{
    return c->at < c->end && *c->at == 'H' ? word(c, "HEAD ", false) : word(c, "GET ", false);
}

enum car_ask car_ask_read(const char *bytes, size_t len)
{
    static enum match (*const parts[])(struct cursor *) = {method,  authority, path,
                                                           version, line_end,  fields};
    struct cursor c = {bytes, bytes + (len < CAR_ASK_BYTES ? len : CAR_ASK_BYTES)};
    const char *first;

    empty_lines(&c);
    first = c.at;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        enum match is = parts[i](&c);

        if (is == NO || (is == SHORT && len >= CAR_ASK_BYTES))
            return CAR_ASK_GUEST;
        if (is == SHORT)
            return CAR_ASK_MORE;
    }
    return *first == 'H' ? CAR_ASK_HEAD : CAR_ASK_GET;
}

/* --- the answer --- */

size_t car_answer_write(const char *token, int64_t deadline, enum car_ask ask,
                        char answer[CAR_ANSWER_BYTES])
{
    char text[CAR_ANSWER_BYTES / 2];
    struct car_draft body = {.text = text, .cap = sizeof text};
    struct car_draft all = {.text = answer, .cap = CAR_ANSWER_BYTES};

    car_draft_json(&body, "token", token);
    if (deadline != 0)
        car_draft_add(&body, ",\"deadline\":%" PRId64, deadline);
    else
        car_draft_add(&body, ",\"deadline\":null");
    car_draft_json(&body, "answered_by", "carrier");
    car_draft_add(&body, "}\n");
    car_draft_add(&all,
                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                  "Cache-Control: no-store\r\nConnection: close\r\n\r\n%s",
                  body.len, ask == CAR_ASK_HEAD ? "" : text);
    return body.full || all.full ? 0 : all.len;
}
