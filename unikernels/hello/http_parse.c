/* SPDX-License-Identifier: ISC */
/* Reading a request: RFC 9112, with no more of it than a server of three pages needs. */
#include "fmt.h"
#include "http.h"
#include "mem.h"

struct text {
    const char *at;
    size_t len;
};

/* Takes one line off the front, without its end (LF or CRLF). False when there is no whole line. */
static bool take_line(struct text *rest, struct text *ret)
{
    size_t n = 0;

    while (n < rest->len && rest->at[n] != '\n')
        n++;
    if (n == rest->len)
        return false;
    ret->at = rest->at;
    ret->len = n > 0 && rest->at[n - 1] == '\r' ? n - 1 : n;
    rest->at += n + 1;
    rest->len -= n + 1;
    return true;
}

/* Takes everything up to the separator, which is dropped; all when it does not occur. */
static struct text take_until(struct text *rest, char separator)
{
    struct text part = {rest->at, 0};

    while (part.len < rest->len && rest->at[part.len] != separator)
        part.len++;
    rest->at += part.len;
    rest->len -= part.len;
    if (rest->len > 0) {
        rest->at++;
        rest->len--;
    }
    return part;
}

static struct text trimmed(struct text t)
{
    while (t.len > 0 && (t.at[0] == ' ' || t.at[0] == '\t')) {
        t.at++;
        t.len--;
    }
    while (t.len > 0 && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
        t.len--;
    return t;
}

/* Letters, digits and the marks RFC 9110 allows in methods and header names. */
static bool is_token(struct text t)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < t.len; i++) {
        char c = t.at[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        for (size_t m = 0; !good && m < sizeof(marks) - 1; m++)
            good = c == marks[m];
        if (!good)
            return false;
    }
    return t.len > 0;
}

/* A target is a path, or (as to a proxy) "http://host/path", or "*". */
static bool take_target(struct text target, struct http_request *ret)
{
    static const char scheme[] = "http://";
    size_t skip = sizeof(scheme) - 1;

    for (size_t i = 0; i < target.len; i++) {
        if (target.at[i] < 0x21 || target.at[i] > 0x7e)
            return false;
    }
    if (target.len > skip && fmt_same_nocase(target.at, skip, scheme)) {
        target.at += skip;
        target.len -= skip;
        while (target.len > 0 && target.at[0] != '/') {
            target.at++;
            target.len--;
        }
        if (target.len == 0)
            target = (struct text){"/", 1};
    }
    if (target.len == 0 || (target.at[0] != '/' && !fmt_same(target.at, target.len, "*")))
        return false;
    target = take_until(&target, '?');
    ret->path = target.at;
    ret->path_len = target.len;
    return true;
}

static bool take_request_line(struct text line, struct http_request *ret, bool *ret_old)
{
    struct text method = take_until(&line, ' ');
    struct text target = take_until(&line, ' ');

    if (!is_token(method) || !take_target(target, ret))
        return false;
    ret->method = method.at;
    ret->method_len = method.len;
    if (line.len != 8 || memcmp(line.at, "HTTP/1.", 7) != 0 || line.at[7] < '0' || line.at[7] > '9')
        return false;
    *ret_old = line.at[7] == '0';
    ret->keep_alive = !*ret_old;
    return true;
}

static void take_connection(struct text value, struct http_request *ret)
{
    while (value.len > 0) {
        struct text option = trimmed(take_until(&value, ','));

        if (fmt_same_nocase(option.at, option.len, "close"))
            ret->keep_alive = false;
        else if (fmt_same_nocase(option.at, option.len, "keep-alive"))
            ret->keep_alive = true;
    }
}

static bool take_header(struct text line, struct http_request *ret, unsigned *hosts)
{
    struct text name = take_until(&line, ':');
    struct text value = trimmed(line);

    if (!is_token(name) || line.at == name.at + name.len)
        return false; /* a bad name, a folded line, or no colon */
    for (size_t i = 0; i < value.len; i++) {
        if ((value.at[i] >= 0 && value.at[i] < 0x20 && value.at[i] != '\t') || value.at[i] == 0x7f)
            return false;
    }
    if (fmt_same_nocase(name.at, name.len, "host")) {
        (*hosts)++;
    } else if (fmt_same_nocase(name.at, name.len, "content-length")) {
        ret->has_body = ret->has_body || !fmt_same(value.at, value.len, "0");
    } else if (fmt_same_nocase(name.at, name.len, "transfer-encoding")) {
        ret->has_body = true;
    } else if (fmt_same_nocase(name.at, name.len, "connection")) {
        take_connection(value, ret);
    }
    return true;
}

enum http_parsed http_parse(const char *text, size_t len, struct http_request *ret, size_t *ret_len)
{
    struct text rest = {text, len};
    struct text line;
    bool good;
    bool old = false;
    unsigned hosts = 0;

    memset(ret, 0, sizeof(*ret));
    do { /* empty lines before a request are left over from the one before */
        if (!take_line(&rest, &line))
            return HTTP_INCOMPLETE;
    } while (line.len == 0);
    good = take_request_line(line, ret, &old);
    for (;;) {
        if (!take_line(&rest, &line))
            return HTTP_INCOMPLETE;
        if (line.len == 0)
            break;
        good = good && take_header(line, ret, &hosts);
    }
    *ret_len = len - rest.len;
    return good && (hosts == 1 || (old && hosts == 0)) ? HTTP_OK : HTTP_BAD;
}
