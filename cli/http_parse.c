/* SPDX-License-Identifier: ISC */
#include "http_parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/memory.h"

void cmd_http_parser_init(struct cmd_http_parser *parser, cmd_http_body_fn *body, void *ctx)
{
    memset(parser, 0, sizeof *parser);
    parser->body = body;
    parser->body_ctx = ctx;
}

static int corrupt(struct mir_error *err, const char *what)
{
    mir_fail(err, MIR_CORRUPT, "the daemon's answer is not HTTP: %s", what);
    return mir_error_hint(err, "is another program listening on the socket?");
}

/* Digits of the given base only, nothing before or behind; -1 for anything else. */
static int64_t number(const char *text, int base)
{
    int64_t n = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        int c = tolower((unsigned char)*text);
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
        if (digit >= base || n > CMD_HTTP_BODY_MAX / base)
            return -1;
        n = n * base + digit;
    }
    return n <= CMD_HTTP_BODY_MAX ? n : -1;
}

static int status_line(struct cmd_http_parser *p, const char *line, struct mir_error *err)
{
    if (strncmp(line, "HTTP/1.", 7) || !isdigit((unsigned char)line[7]) || line[8] != ' ')
        return corrupt(err, "no status line");
    const char *code = line + 9;
    for (int i = 0; i < 3; i++)
        if (!isdigit((unsigned char)code[i]))
            return corrupt(err, "no status code");
    if ((code[3] && code[3] != ' ') || code[0] == '0')
        return corrupt(err, "no status code");
    p->status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
    return 0;
}

struct framing {
    int64_t length; /* -1: not given */
    bool chunked;
};

static int header_field(struct cmd_http_parser *p, char *line, struct framing *framing,
                        struct mir_error *err)
{
    const struct {
        const char *name;
        char *field;
        size_t size;
    } kept[] = {
        {"content-type", p->content_type, sizeof p->content_type},
        {"location", p->location, sizeof p->location},
        {"etag", p->etag, sizeof p->etag},
        {"x-request-id", p->request_id, sizeof p->request_id},
    };
    char *colon = strchr(line, ':');
    if (!colon || colon == line || isspace((unsigned char)line[0]))
        return corrupt(err, "a header line without a name");
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    for (size_t len = strlen(value); len > 0 && strchr(" \t", value[len - 1]); len--)
        value[len - 1] = '\0';
    if (!strcasecmp(line, "content-length")) {
        int64_t length = number(value, 10);
        if (length < 0 || (framing->length >= 0 && framing->length != length))
            return corrupt(err, "a Content-Length that is no length");
        framing->length = length;
    } else if (!strcasecmp(line, "transfer-encoding")) {
        if (strcasecmp(value, "chunked"))
            return corrupt(err, "an unknown Transfer-Encoding");
        framing->chunked = true;
    }
    for (size_t i = 0; i < MIR_NELEMS(kept); i++)
        if (!strcasecmp(line, kept[i].name))
            mir_copy(kept[i].field, kept[i].size, value);
    return 0;
}

static void begin_body(struct cmd_http_parser *p, const struct framing *framing)
{
    if (p->status == 204 || p->status == 304 || p->no_body)
        p->state = CMD_HTTP_DONE;
    else if (framing->chunked)
        p->state = CMD_HTTP_CHUNK_SIZE;
    else if (framing->length >= 0) {
        p->left = framing->length;
        p->state = p->left ? CMD_HTTP_LENGTH : CMD_HTTP_DONE;
    } else
        p->state = CMD_HTTP_UNTIL_CLOSE;
}

/* head[] holds the whole head, its empty line included. */
static int parse_head(struct cmd_http_parser *p, struct mir_error *err)
{
    struct framing framing = {.length = -1};
    char *line = p->head;
    bool first = true;
    if (memchr(p->head, '\0', p->head_len))
        return corrupt(err, "a NUL byte in the head");
    p->head[p->head_len - 1] = '\0';
    while (line) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        size_t len = strlen(line);
        if (len > 0 && line[len - 1] == '\r')
            line[--len] = '\0';
        if (len == 0 && !first)
            break;
        if (first ? status_line(p, line, err) : header_field(p, line, &framing, err))
            return -1;
        first = false;
        line = end ? end + 1 : NULL;
    }
    if (p->status >= 100 && p->status < 200) {
        /* "100 Continue" and its like: the answer is still to come. */
        p->head_len = 0;
        p->status = 0;
        return 0;
    }
    begin_body(p, &framing);
    return 0;
}

static bool head_complete(const struct cmd_http_parser *p)
{
    size_t n = p->head_len;
    return (n >= 2 && !memcmp(p->head + n - 2, "\n\n", 2)) ||
           (n >= 4 && !memcmp(p->head + n - 4, "\r\n\r\n", 4));
}

static int feed_head(struct cmd_http_parser *p, char c, struct mir_error *err)
{
    if (p->head_len + 1 >= sizeof p->head)
        return corrupt(err, "a head without end");
    p->head[p->head_len++] = c;
    return c == '\n' && head_complete(p) ? parse_head(p, err) : 0;
}

static int chunk_size(struct cmd_http_parser *p, struct mir_error *err)
{
    p->line[strcspn(p->line, "; \t")] = '\0';
    p->left = number(p->line, 16);
    if (p->left < 0)
        return corrupt(err, "a chunk without a size");
    p->state = p->left ? CMD_HTTP_CHUNK_DATA : CMD_HTTP_TRAILER;
    return 0;
}

static int line_complete(struct cmd_http_parser *p, struct mir_error *err)
{
    if (p->line_len > 0 && p->line[p->line_len - 1] == '\r')
        p->line_len--;
    p->line[p->line_len] = '\0';
    size_t len = p->line_len;
    p->line_len = 0;
    if (p->state == CMD_HTTP_CHUNK_SIZE)
        return chunk_size(p, err);
    if (p->state == CMD_HTTP_CHUNK_END) {
        if (len)
            return corrupt(err, "a chunk longer than its size");
        p->state = CMD_HTTP_CHUNK_SIZE;
        return 0;
    }
    if (len == 0)
        p->state = CMD_HTTP_DONE;
    return 0;
}

/* The lines between chunks, and those after the last. */
static int feed_line(struct cmd_http_parser *p, char c, struct mir_error *err)
{
    if (p->state == CMD_HTTP_TRAILER && ++p->trailer_len > CMD_HTTP_HEAD_MAX)
        return corrupt(err, "trailers without end");
    if (c == '\n')
        return line_complete(p, err);
    if (p->line_len + 1 >= sizeof p->line)
        return corrupt(err, "a line too long");
    if (c == '\0')
        return corrupt(err, "a NUL byte between chunks");
    p->line[p->line_len++] = c;
    return 0;
}

/* Returns the bytes taken; *ret_rc is what the callback said. */
static size_t feed_body(struct cmd_http_parser *p, const char *data, size_t len, int *ret_rc,
                        struct mir_error *err)
{
    size_t n = len;
    if (p->state != CMD_HTTP_UNTIL_CLOSE && (int64_t)n > p->left)
        n = (size_t)p->left;
    *ret_rc = p->body && n ? p->body(p->body_ctx, data, n, err) : 0;
    if (p->state == CMD_HTTP_UNTIL_CLOSE)
        return n;
    p->left -= (int64_t)n;
    if (p->left == 0)
        p->state = p->state == CMD_HTTP_LENGTH ? CMD_HTTP_DONE : CMD_HTTP_CHUNK_END;
    return n;
}

int cmd_http_feed(struct cmd_http_parser *p, const char *data, size_t len, struct mir_error *err)
{
    size_t i = 0;
    while (i < len && p->state != CMD_HTTP_DONE) {
        int rc = 0;
        if (p->state == CMD_HTTP_HEAD)
            rc = feed_head(p, data[i++], err);
        else if (p->state == CMD_HTTP_LENGTH || p->state == CMD_HTTP_CHUNK_DATA ||
                 p->state == CMD_HTTP_UNTIL_CLOSE)
            i += feed_body(p, data + i, len - i, &rc, err);
        else
            rc = feed_line(p, data[i++], err);
        if (rc)
            return rc;
    }
    return p->state == CMD_HTTP_DONE;
}

int cmd_http_finish(struct cmd_http_parser *p, struct mir_error *err)
{
    if (p->state == CMD_HTTP_DONE || p->state == CMD_HTTP_UNTIL_CLOSE) {
        p->state = CMD_HTTP_DONE;
        return 0;
    }
    mir_fail(err, MIR_UNAVAILABLE, "the daemon broke off %s its answer",
             p->status ? "in the middle of" : "before");
    if (err)
        err->outcome = MIR_OUTCOME_UNKNOWN;
    return mir_error_hint(err, "look: mirage-deploy daemon status");
}
