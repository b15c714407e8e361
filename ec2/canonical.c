/* SPDX-License-Identifier: ISC */
#include "canonical.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/memory.h"

/* --- headers --- */

/* What proxies and libraries change or add underway. */
static const char *const never_signed[] = {"authorization", "connection",        "expect",
                                           "user-agent",    "transfer-encoding", "x-amzn-trace-id"};
static const char *const signer_sets[] = {"host", "x-amz-date", "x-amz-security-token",
                                          "x-amz-content-sha256", "authorization"};

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(name, names[i]))
            return true;
    return false;
}

int ec2_headers_begin(const struct ec2_sign_request *request, struct ec2_header_list *ret,
                      struct mir_error *err)
{
    ret->count = 0;
    if (request->header_count > EC2_SIGN_HEADERS_MAX)
        return mir_fail(err, MIR_USAGE, "%zu headers to sign; at most %d are taken",
                        request->header_count, EC2_SIGN_HEADERS_MAX);
    for (size_t i = 0; i < request->header_count; i++) {
        const char *name = request->headers[i].name;
        if (!*name || strpbrk(name, " \t\r\n:;"))
            return mir_fail(err, MIR_USAGE, "'%.64s' is no name of a header", name);
        if (is_one_of(name, signer_sets, MIR_NELEMS(signer_sets)))
            return mir_fail(err, MIR_USAGE, "the header %s is the signer's to set", name);
        if (!is_one_of(name, never_signed, MIR_NELEMS(never_signed)))
            ret->rows[ret->count++] = request->headers[i];
    }
    ec2_headers_add(ret, "host", request->host);
    return 0;
}

void ec2_headers_add(struct ec2_header_list *list, const char *name, const char *value)
{
    list->rows[list->count++] = (struct mir_http_header){name, value};
}

/* By name alone; rows of one name keep their order, because they become one line. */
static void sort_headers(struct ec2_header_list *list)
{
    for (size_t i = 1; i < list->count; i++) {
        struct mir_http_header row = list->rows[i];
        size_t at = i;
        for (; at > 0 && strcasecmp(list->rows[at - 1].name, row.name) > 0; at--)
            list->rows[at] = list->rows[at - 1];
        list->rows[at] = row;
    }
}

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Without blanks at its ends, and one space for each run of them. */
static void add_value(struct mir_buf *out, const char *value)
{
    bool first = true;
    while (*value) {
        while (blank(*value))
            value++;
        const char *end = value;
        while (*end && !blank(*end))
            end++;
        if (end > value && !first)
            mir_buf_adds(out, " ");
        mir_buf_add(out, value, (size_t)(end - value));
        first = first && end == value;
        value = end;
    }
}

static void add_lower(struct mir_buf *out, const char *name)
{
    for (; *name; name++) {
        char c = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
        mir_buf_add(out, &c, 1);
    }
}

void ec2_headers_write(struct ec2_header_list *list, struct mir_buf *ret_lines,
                       struct mir_buf *ret_names)
{
    sort_headers(list);
    for (size_t i = 0; i < list->count; i++) {
        bool again = i > 0 && !strcasecmp(list->rows[i - 1].name, list->rows[i].name);
        if (again) {
            mir_buf_adds(ret_lines, ",");
        } else {
            if (i > 0) {
                mir_buf_adds(ret_lines, "\n");
                mir_buf_adds(ret_names, ";");
            }
            add_lower(ret_lines, list->rows[i].name);
            mir_buf_adds(ret_lines, ":");
            add_lower(ret_names, list->rows[i].name);
        }
        add_value(ret_lines, list->rows[i].value);
    }
    mir_buf_adds(ret_lines, "\n");
}

/* --- query --- */

struct encoded {
    size_t at, name_len; /* in the buffer; the value follows the name and a NUL */
};

struct encoding {
    struct mir_buf text;
    struct encoded rows[EC2_SIGN_QUERY_MAX];
};

static int compare_pairs(const void *a, const void *b, void *ctx)
{
    const struct encoded *x = a, *y = b;
    const char *text = ctx;
    int names = strcmp(text + x->at, text + y->at);
    return names ? names : strcmp(text + x->at + x->name_len + 1, text + y->at + y->name_len + 1);
}

void ec2_query_write(struct mir_buf *out, const struct ec2_pair *pairs, size_t count)
{
    struct encoding *e = mir_calloc(1, sizeof *e);
    mir_buf_init(&e->text, out->max);
    for (size_t i = 0; i < count; i++) {
        e->rows[i].at = e->text.len;
        mir_url_encode(&e->text, pairs[i].name, strlen(pairs[i].name), false);
        e->rows[i].name_len = e->text.len - e->rows[i].at;
        mir_buf_add(&e->text, "", 1);
        if (pairs[i].value)
            mir_url_encode(&e->text, pairs[i].value, strlen(pairs[i].value), false);
        mir_buf_add(&e->text, "", 1);
    }
    if (e->text.full) {
        out->full = true;
    } else if (count) {
        qsort_r(e->rows, count, sizeof e->rows[0], compare_pairs, e->text.data);
        for (size_t i = 0; i < count; i++) {
            const char *name = e->text.data + e->rows[i].at;
            mir_buf_addf(out, "%s%s=%s", i ? "&" : "", name, name + e->rows[i].name_len + 1);
        }
    }
    mir_buf_clear(&e->text);
    free(e);
}

/* --- path --- */

/* Without empty and "." parts, and without what a ".." takes back. The tools of AWS drop the slash
 * behind a last "." or "..", so we do. */
static void normalize(struct mir_buf *out, const char *path)
{
    mir_buf_adds(out, "/");
    size_t root = out->len;
    const char *last = path + strlen(path) - 1;
    while (*path) {
        path += strspn(path, "/");
        size_t len = strcspn(path, "/");
        if (len == 2 && !memcmp(path, "..", 2)) {
            while (out->len > root && out->data[--out->len] != '/')
                ;
        } else if (len && !(len == 1 && *path == '.')) {
            if (out->len > root)
                mir_buf_adds(out, "/");
            mir_buf_add(out, path, len);
        }
        path += len;
    }
    if (*last == '/' && out->len > root)
        mir_buf_adds(out, "/");
}

void ec2_path_write(struct mir_buf *out, const struct ec2_sign_request *request)
{
    const char *path = request->path && *request->path ? request->path : "/";
    if (request->mode == EC2_SIGN_S3) {
        mir_buf_adds(out, path);
        return;
    }
    mir_auto_buf struct mir_buf plain;
    mir_buf_init(&plain, out->max);
    if (request->path_as_is)
        mir_buf_adds(&plain, path);
    else
        normalize(&plain, path);
    if (plain.full)
        out->full = true;
    else
        mir_url_encode(out, plain.data, plain.len, true);
}
