/* SPDX-License-Identifier: ISC */
#include "s3_call.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "errors.h"

/* --- where a call goes --- */

static int check_bucket(const char *bucket, struct mir_error *err)
{
    size_t len = bucket ? strlen(bucket) : 0;
    if (len >= 3 && len <= 63 && strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len &&
        isalnum((unsigned char)bucket[0]) && isalnum((unsigned char)bucket[len - 1]) &&
        !strstr(bucket, ".."))
        return 0;
    return mir_fail(err, MIR_USAGE, "'%.80s' cannot be a bucket's name", bucket ? bucket : "");
}

/* AWS's own hosts have certificates for one word in front of them. */
static bool by_host(const struct ec2_session *session, const struct ec2_s3_object *object)
{
    const char *url = ec2_session_endpoint(session, EC2_S3);
    if (object->style != EC2_S3_AUTO)
        return object->style == EC2_S3_HOST;
    return strstr(url, ".amazonaws.com") && !strchr(object->bucket, '.');
}

int ec2_s3_call_init(struct ec2_s3_call *s3, struct ec2_session *session, const char *operation,
                     const char *method, const struct ec2_s3_object *object, struct mir_error *err)
{
    struct mir_buf path;
    *s3 = (struct ec2_s3_call){
        .call = {
            .service = EC2_S3, .operation = operation, .method = method, .headers = s3->headers}};
    s3->call.reads = !strcmp(method, "GET") || !strcmp(method, "HEAD");
    if (check_bucket(object->bucket, err))
        return -1;
    if (object->key && (!*object->key || strlen(object->key) > EC2_S3_KEY_MAX))
        return mir_fail(err, MIR_USAGE, "a key has to have 1 to %d bytes", EC2_S3_KEY_MAX);
    mir_buf_init(&path, 3 * EC2_S3_KEY_MAX + 256);
    mir_buf_adds(&path, "/");
    if (by_host(session, object))
        s3->call.host_name = object->bucket;
    else
        mir_buf_addf(&path, "%s%s", object->bucket, object->key ? "/" : "");
    if (object->key)
        mir_url_encode(&path, object->key, strlen(object->key), true);
    s3->path = mir_buf_take(&path);
    s3->call.path = s3->path;
    return 0;
}

void ec2_s3_call_clear(struct ec2_s3_call *s3)
{
    for (size_t i = 0; i < MIR_NELEMS(s3->names); i++)
        free(s3->names[i]);
    free(s3->path);
    mir_xml_free(s3->xml);
}

void ec2_s3_call_header(struct ec2_s3_call *s3, const char *name, const char *value)
{
    s3->headers[s3->call.header_count++] = (struct mir_http_header){name, value};
}

static int add_metadata(struct ec2_s3_call *s3, const struct ec2_s3_body *body,
                        struct mir_error *err)
{
    if (body->metadata_count > EC2_S3_METADATA_MAX)
        return mir_fail(err, MIR_USAGE, "more than %d metadata of an object", EC2_S3_METADATA_MAX);
    for (size_t i = 0; i < body->metadata_count; i++) {
        const struct ec2_pair *m = &body->metadata[i];
        size_t len = strlen(m->name);
        if (len == 0 || strspn(m->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
            return mir_fail(err, MIR_USAGE, "'%.80s' cannot be the name of metadata", m->name);
        for (const char *c = m->value; *c; c++)
            if (!isprint((unsigned char)*c))
                return mir_fail(err, MIR_USAGE, "metadata '%s' has to be printable ASCII", m->name);
        s3->names[i] = mir_format("x-amz-meta-%s", m->name);
        ec2_s3_call_header(s3, s3->names[i], m->value);
    }
    return 0;
}

int ec2_s3_call_body(struct ec2_s3_call *s3, const struct ec2_s3_body *body, struct mir_error *err)
{
    s3->call.body = body->data;
    s3->call.body_len = body->len;
    s3->call.payload = body->sha256;
    if (!body->sha256) { /* once, not at every attempt */
        ec2_sha256_hex(body->data ? body->data : "", body->len, s3->digest);
        s3->call.payload = s3->digest;
    }
    if (body->content_type)
        ec2_s3_call_header(s3, "Content-Type", body->content_type);
    else if (body->len > 0)
        ec2_s3_call_header(s3, "Content-Type", "application/octet-stream");
    if (body->acl)
        ec2_s3_call_header(s3, "x-amz-acl", body->acl);
    return add_metadata(s3, body, err);
}

/* --- what comes back --- */

static int accept_xml(void *ctx, const struct mir_http_response *response, struct mir_error *err)
{
    struct ec2_s3_call *s3 = ctx;
    /* While a long call runs, blanks are sent so that the connection is not taken for a dead one.
     */
    const char *text = mir_buf_text(&response->body);
    size_t blanks = strspn(text, " \t\r\n");
    mir_auto_xml struct mir_xml *xml =
        mir_xml_parse(text + blanks, response->body.len - blanks, response->body.max, err);
    if (!xml)
        return -1;
    const char *name = mir_xml_name(mir_xml_root(xml));
    if (!strcmp(name, "Error"))
        return ec2_error_read(response, "s3", s3->call.operation, s3->call.reads, err);
    if (strcmp(name, s3->root) != 0)
        return mir_fail(err, MIR_CORRUPT, "the answer is a '%.60s'", name);
    mir_xml_free(s3->xml);
    s3->xml = mir_steal(&xml);
    return 0;
}

int ec2_s3_call_do(struct ec2_s3_call *s3, struct ec2_session *session, const char *root,
                   int64_t until_ms, struct mir_http_response *ret, struct mir_error *err)
{
    s3->root = root;
    if (root) {
        s3->call.accept = accept_xml;
        s3->call.accept_ctx = s3;
    }
    return ec2_call(session, &s3->call, until_ms, ret, err);
}

void ec2_s3_etag_of(const struct mir_http_response *response, char out[EC2_S3_ETAG_TEXT])
{
    char text[EC2_S3_ETAG_TEXT + 2] = "";
    if (mir_http_response_header(response, "ETag", text, sizeof text))
        *text = '\0';
    size_t len = strlen(text);
    bool quoted = len >= 2 && text[0] == '"' && text[len - 1] == '"';
    if (quoted)
        text[len - 1] = '\0';
    mir_copy(out, EC2_S3_ETAG_TEXT, text + quoted);
}

void ec2_s3_xml_text(struct mir_buf *out, const char *name, const char *text)
{
    mir_buf_addf(out, "<%s>", name);
    for (const char *c = text; *c; c++) {
        if (*c == '&')
            mir_buf_adds(out, "&amp;");
        else if (*c == '<')
            mir_buf_adds(out, "&lt;");
        else if (*c == '>')
            mir_buf_adds(out, "&gt;");
        else
            mir_buf_add(out, c, 1);
    }
    mir_buf_addf(out, "</%s>", name);
}

static int hex_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return at ? (int)(at - digits) : -1;
}

void ec2_s3_decode(char *text)
{
    char *out = text;
    for (const char *in = text; *in; in++) {
        int high = *in == '%' ? hex_of(in[1]) : -1, low = high >= 0 ? hex_of(in[2]) : -1;
        if (low >= 0 && (high || low)) {
            *out++ = (char)(high * 16 + low);
            in += 2;
        } else {
            *out++ = *in == '+' ? ' ' : *in;
        }
    }
    *out = '\0';
}

bool ec2_s3_absent(const struct mir_error *err)
{
    static const char *const codes[] = {"NoSuchKey", "NoSuchUpload", "NoSuchBucket"};
    for (size_t i = 0; i < MIR_NELEMS(codes); i++)
        if (!strcmp(err->provider_code, codes[i]))
            return true;
    return false;
}
