/* SPDX-License-Identifier: ISC */
#include "ec2/imds.h"

#include <ctype.h>
#include <string.h>

#include "api/http.h"
#include "api/memory.h"
#include "keys.h"

#define TOKEN_PATH "latest/api/token"
#define TOKEN_TTL "21600"
#define TOKEN_MAX 4096
#define ROLES_PATH "latest/meta-data/iam/security-credentials/"
#define REGION_PATH "latest/meta-data/placement/region"

/* The service is on this machine or its host: a filter that lets all pass, since with one no proxy
 * is used. */
static bool any_address(void *ctx, const struct sockaddr *address)
{
    return true;
}

static char *address_of(const struct ec2_imds_settings *imds, const char *path)
{
    const char *base = imds->endpoint ? imds->endpoint : EC2_IMDS_ADDRESS;
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/')
        len--;
    return mir_format("%.*s/%s", (int)len, base, path);
}

static int ask_once(const struct ec2_imds_settings *imds, const struct mir_http_request *request,
                    struct mir_http_response *ret, struct mir_error *err)
{
    int attempts = imds->attempts > 0 ? imds->attempts : 1;
    for (int i = 1;; i++) {
        struct mir_error local = {0};
        int rc = mir_http_do(request, ret, &local);
        if (!rc && ret->status < 500)
            return 0;
        if (i >= attempts || (rc && local.retry == MIR_RETRY_NEVER)) {
            if (rc && err)
                *err = local;
            return rc;
        }
        if (!rc)
            mir_http_response_clear(ret);
    }
}

/* One request; `name` and `value` are its header. The body of a 200 alone is a success. */
static int ask(const struct ec2_imds_settings *imds, const char *method, const char *path,
               const char *name, const char *value, struct mir_buf *ret, struct mir_error *err)
{
    mir_auto_free char *url = address_of(imds, path);
    struct mir_http_header header = {name, value};
    int limit_ms = imds->timeout_ms > 0 ? imds->timeout_ms : 1000;
    struct mir_http_request request = {.method = method,
                                       .url = url,
                                       .headers = &header,
                                       .header_count = 1,
                                       .connect_timeout_ms = limit_ms,
                                       .timeout_ms = limit_ms,
                                       .response_max = EC2_IMDS_ITEM_MAX,
                                       .path_as_is = true,
                                       .allow = any_address};
    mir_auto_http_response struct mir_http_response response = {0};
    if (imds->disabled)
        return mir_fail(err, MIR_POLICY, "the instance metadata service is turned off");
    if (ask_once(imds, &request, &response, err))
        return mir_error_wrap(err, "the instance metadata service");
    if (response.status != 200) {
        mir_fail(err, response.status == 404 ? MIR_NOT_FOUND : MIR_UNAVAILABLE,
                 "the instance metadata service answers %d for %s", response.status, path);
        if (err)
            err->http_status = response.status;
        return -1;
    }
    int rc = mir_buf_add(ret, response.body.data ? response.body.data : "", response.body.len);
    mir_wipe(response.body.data, response.body.len);
    return rc ? mir_fail(err, MIR_CORRUPT, "the instance metadata service: %s is too long", path)
              : 0;
}

/* Text that may go into a header or a path. */
static bool plain(const struct mir_buf *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (!isgraph((unsigned char)text->data[i]))
            return false;
    return text->len > 0;
}

static void drop_line_end(struct mir_buf *text)
{
    while (text->len > 0 && isspace((unsigned char)text->data[text->len - 1]))
        text->data[--text->len] = '\0';
}

static int fetch_token(const struct ec2_imds_settings *imds, struct mir_buf *ret,
                       struct mir_error *err)
{
    mir_buf_init(ret, TOKEN_MAX);
    if (ask(imds, "PUT", TOKEN_PATH, "X-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL, ret, err))
        return -1;
    drop_line_end(ret);
    return plain(ret) ? 0
                      : mir_fail(err, MIR_CORRUPT,
                                 "the instance metadata service: its token cannot be one");
}

static int get_with(const struct ec2_imds_settings *imds, const struct mir_buf *token,
                    const char *path, struct mir_buf *ret, struct mir_error *err)
{
    return ask(imds, "GET", path, "X-aws-ec2-metadata-token", mir_buf_text(token), ret, err);
}

static void wipe_buf(struct mir_buf *buf)
{
    if (buf->data)
        mir_wipe(buf->data, buf->cap);
    mir_buf_clear(buf);
}

int ec2_imds_get(const struct ec2_imds_settings *imds, const char *path, struct mir_buf *ret,
                 struct mir_error *err)
{
    struct mir_buf token;
    int rc = fetch_token(imds, &token, err);
    if (!rc)
        rc = get_with(imds, &token, path, ret, err);
    wipe_buf(&token);
    return rc;
}

/* The first role that is listed. */
static int fetch_role(const struct ec2_imds_settings *imds, const struct mir_buf *token,
                      struct mir_buf *ret, struct mir_error *err)
{
    struct mir_error why = {0};
    if (get_with(imds, token, ROLES_PATH, ret, &why)) {
        if (why.kind == MIR_NOT_FOUND)
            return mir_fail(err, MIR_NOT_FOUND, "the instance has no role");
        if (err)
            *err = why;
        return -1;
    }
    if (ret->len > 0)
        ret->len = strcspn(ret->data, "\r\n");
    if (ret->len > 0)
        ret->data[ret->len] = '\0';
    if (ret->len == 0)
        return mir_fail(err, MIR_NOT_FOUND, "the instance has no role");
    if (!plain(ret) || strpbrk(ret->data, "/?#%"))
        return mir_fail(err, MIR_CORRUPT,
                        "the instance metadata service: the role's name cannot be one");
    return 0;
}

static int fetch_credentials(const struct ec2_imds_settings *imds, const struct mir_buf *token,
                             const char *role, struct ec2_credentials *ret, struct mir_error *err)
{
    mir_auto_free char *path = mir_format(ROLES_PATH "%s", role);
    mir_auto_free char *source = mir_format("the instance's role %s", role);
    struct mir_buf body;
    mir_buf_init(&body, EC2_IMDS_ITEM_MAX);
    int rc = get_with(imds, token, path, &body, err);
    if (!rc)
        rc = ec2_keys_from_json(mir_buf_text(&body), body.len, EC2_KEYS_SERVICE,
                                "the instance metadata service", source, ret, err);
    wipe_buf(&body);
    return rc;
}

int ec2_imds_credentials(const struct ec2_imds_settings *imds, struct ec2_credentials *ret,
                         struct mir_error *err)
{
    struct mir_buf token, role;
    mir_buf_init(&role, 256);
    int rc = fetch_token(imds, &token, err);
    if (!rc)
        rc = fetch_role(imds, &token, &role, err);
    if (!rc)
        rc = fetch_credentials(imds, &token, mir_buf_text(&role), ret, err);
    wipe_buf(&token);
    mir_buf_clear(&role);
    return rc;
}

int ec2_imds_region(const struct ec2_imds_settings *imds, char ret[EC2_IMDS_REGION_TEXT],
                    struct mir_error *err)
{
    struct mir_buf text;
    mir_buf_init(&text, EC2_IMDS_REGION_TEXT - 1);
    int rc = ec2_imds_get(imds, REGION_PATH, &text, err);
    if (!rc) {
        drop_line_end(&text);
        if (plain(&text))
            mir_copy(ret, EC2_IMDS_REGION_TEXT, mir_buf_text(&text));
        else
            rc = mir_fail(err, MIR_CORRUPT,
                          "the instance metadata service: the region cannot be one");
    }
    mir_buf_clear(&text);
    return rc;
}
