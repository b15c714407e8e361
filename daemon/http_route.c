/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "http_internal.h"

/* One segment of a pattern ("{name}.svg") against one of a path. 1 match, 0 none. */
static int match_segment(const char *pattern, size_t pattern_len, const char *text, size_t len,
                         struct mird_http_request *request)
{
    if (pattern_len == 0 || *pattern != '{')
        return pattern_len == len && !memcmp(pattern, text, len);
    const char *close = memchr(pattern, '}', pattern_len);
    if (!close)
        return 0;
    size_t name_len = (size_t)(close - pattern) - 1;
    size_t tail_len = pattern_len - name_len - 2;
    if (len <= tail_len || memcmp(text + len - tail_len, close + 1, tail_len) != 0)
        return 0;
    size_t value_len = len - tail_len;
    unsigned i = request->param_count;
    if (i >= MIRD_HTTP_PARAMS_MAX || value_len >= MIRD_HTTP_PARAM_TEXT ||
        name_len >= sizeof request->params[i].name)
        return 0;
    memcpy(request->params[i].name, pattern + 1, name_len);
    request->params[i].name[name_len] = '\0';
    memcpy(request->params[i].value, text, value_len);
    request->params[i].value[value_len] = '\0';
    request->param_count++;
    return 1;
}

static int match_path(const char *pattern, const char *path, struct mird_http_request *request)
{
    request->param_count = 0;
    for (;;) {
        size_t pattern_len = strcspn(pattern, "/"), path_len = strcspn(path, "/");
        if (!match_segment(pattern, pattern_len, path, path_len, request))
            return 0;
        pattern += pattern_len;
        path += path_len;
        if (!*pattern || !*path)
            return *pattern == *path;
        pattern++;
        path++;
    }
}

static void allow_add(char allow[HTTP_ALLOW_TEXT], const char *method)
{
    size_t used = strlen(allow);
    snprintf(allow + used, HTTP_ALLOW_TEXT - used, "%s%s%s", used ? ", " : "", method,
             strcmp(method, "GET") ? "" : ", HEAD");
}

const struct mird_http_route *http_route_find(const struct mird_http_route *routes, size_t count,
                                              const char *method, const char *path,
                                              struct mird_http_request *request,
                                              char ret_allow[HTTP_ALLOW_TEXT])
{
    if (!strcmp(method, "HEAD"))
        method = "GET";
    ret_allow[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (!match_path(routes[i].pattern, path, request))
            continue;
        if (!strcmp(routes[i].method, method))
            return &routes[i];
        allow_add(ret_allow, routes[i].method);
    }
    request->param_count = 0;
    return NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

size_t http_unescape(char *text)
{
    char *out = text;
    for (const char *in = text; *in; in++) {
        int high = *in == '%' ? hex_digit(in[1]) : -1;
        int low = high >= 0 ? hex_digit(in[2]) : -1;
        if (low >= 0 && (high | low)) {
            *out++ = (char)(high << 4 | low);
            in += 2;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
    return (size_t)(out - text);
}

int http_word_in(const char *list, const char *name)
{
    size_t len = strlen(name);
    while (list && *list) {
        list += strspn(list, " ");
        size_t word = strcspn(list, " ");
        if (word == len && len && !memcmp(list, name, len))
            return 1;
        list += word;
    }
    return 0;
}

bool mird_http_etag_named(const char *header, const char *etag)
{
    size_t len = strlen(etag);
    for (const char *p = header; p && *p;) {
        p += strspn(p, " \t,");
        if (*p == '*')
            return true;
        if (!strncmp(p, "W/", 2))
            p += 2;
        if (*p != '"') {
            p += strcspn(p, ",");
            continue;
        }
        const char *close = strchr(p + 1, '"');
        if (!close)
            return false;
        if ((size_t)(close - p) - 1 == len && !memcmp(p + 1, etag, len))
            return true;
        p = close + 1;
    }
    return false;
}
