/* SPDX-License-Identifier: ISC */
/* Keys from the agent of a container's host (ECS, EKS), and from the instance's metadata. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/http.h"
#include "api/memory.h"
#include "keys.h"
#include "source.h"

#define RELATIVE_HOST "http://169.254.170.2"
#define TOKEN_MAX 8192
#define ANSWER_MAX 65536
#define ATTEMPTS 3
#define ATTEMPT_MS 2000
#define PAUSE_MS 1000

/* This machine, and the two agents' addresses: who plain http may be spoken with. */
static bool agent_address(void *ctx, const struct sockaddr *address)
{
    static const char *const agents[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
    char text[INET6_ADDRSTRLEN] = "";
    if (mir_http_address_loopback(address))
        return true;
    if (address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, text,
                  sizeof text);
    else if (address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, text,
                  sizeof text);
    for (size_t i = 0; i < MIR_NELEMS(agents); i++)
        if (!strcmp(text, agents[i]))
            return true;
    return false;
}

/* An address that is written in numbers, or `localhost`: other names may lead anywhere. */
static bool host_allowed(const struct mir_url *url)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (url->https || !strcmp(url->host, "localhost"))
        return true;
    if (inet_pton(AF_INET, url->host, &v4.sin_addr) == 1)
        return agent_address(NULL, (const struct sockaddr *)(const void *)&v4);
    if (inet_pton(AF_INET6, url->host, &v6.sin6_addr) == 1)
        return agent_address(NULL, (const struct sockaddr *)(const void *)&v6);
    return false;
}

char *ec2_container_address(const struct ec2_config *config, struct mir_error *err)
{
    static const char *const full = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    const char *relative = ec2_config_variable(config, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *whole = ec2_config_variable(config, full);
    struct mir_url url;
    if (relative)
        return mir_format(RELATIVE_HOST "%s%s", relative[0] == '/' ? "" : "/", relative);
    if (!whole)
        return NULL;
    if (mir_url_parse(whole, &url, err)) {
        mir_error_wrap(err, "%s", full);
        return NULL;
    }
    if (host_allowed(&url))
        return mir_strdup(whole);
    mir_fail(err, MIR_POLICY, "%s: keys are not asked for over plain http from %s", full, url.host);
    mir_error_hint(err, "the host has to be this machine, 169.254.170.2, 169.254.170.23 or "
                        "fd00:ec2::23, or the address begin with https");
    return NULL;
}

/* What is to be shown to the agent: a file's content, or a variable's; owned. *ret NULL: nothing.
 */
static int authorization(const struct ec2_config *config, char **ret, struct mir_error *err)
{
    const char *path = ec2_config_variable(config, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *text = ec2_config_variable(config, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    char *token = NULL;
    if (path && mir_file_read(path, TOKEN_MAX, &token, NULL, err))
        return mir_error_wrap(err, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if (!path)
        token = mir_strdup(text);
    size_t len = token ? strlen(token) : 0;
    while (len > 0 && isspace((unsigned char)token[len - 1]))
        token[--len] = '\0';
    for (size_t i = 0; i < len; i++)
        if (iscntrl((unsigned char)token[i])) {
            mir_wipe(token, len);
            free(token);
            return mir_fail(err, MIR_CREDENTIALS,
                            "the container's authorization token has a line end in it");
        }
    *ret = token;
    return 0;
}

/* An answer of 200, after up to three attempts. */
static int ask_agent(const struct ec2_asking *ask, const struct mir_http_request *request,
                     struct mir_http_response *ret, struct mir_error *err)
{
    for (int i = 1;; i++) {
        struct mir_error local = {0};
        int rc = mir_http_do(request, ret, &local);
        if (!rc && ret->status == 200)
            return 0;
        if (!rc) {
            mir_fail(&local, MIR_CREDENTIALS, "it answers %d: %.200s", ret->status,
                     mir_buf_text(&ret->body));
            local.http_status = ret->status;
            mir_http_response_clear(ret);
        }
        if (i == ATTEMPTS || local.kind == MIR_POLICY || local.kind == MIR_USAGE) {
            if (err)
                *err = local;
            return -1;
        }
        ask->settings->wait(ask->settings->wait_ctx, PAUSE_MS);
    }
}

static int fetch(const struct ec2_asking *ask, const char *address, struct ec2_credentials *ret,
                 struct mir_error *err)
{
    char *token = NULL;
    if (authorization(ask->config, &token, err))
        return -1;
    struct mir_http_header headers[] = {{"Accept", "application/json"},
                                        {"Authorization", token ? token : ""}};
    bool https = !strncmp(address, "https:", 6);
    struct mir_http_request request = {.url = address,
                                       .headers = headers,
                                       .header_count = token ? 2 : 1,
                                       .connect_timeout_ms = ATTEMPT_MS,
                                       .timeout_ms = ATTEMPT_MS,
                                       .response_max = ANSWER_MAX,
                                       .path_as_is = true,
                                       .allow = https ? NULL : agent_address};
    mir_auto_http_response struct mir_http_response response = {0};
    int rc = ask_agent(ask, &request, &response, err);
    if (!rc) {
        rc = ec2_keys_from_json(mir_buf_text(&response.body), response.body.len, EC2_KEYS_SERVICE,
                                "the container's agent", "the container's agent", ret, err);
        mir_wipe(response.body.data, response.body.len);
    } else {
        mir_error_wrap(err, "the container's agent");
    }
    if (token)
        mir_wipe(token, strlen(token));
    free(token);
    return rc;
}

enum ec2_answer ec2_source_container(struct ec2_asking *ask, struct ec2_credentials *ret,
                                     struct mir_error *err)
{
    struct mir_error why = {0};
    mir_auto_free char *address = ec2_container_address(ask->config, &why);
    if (!address && !why.kind)
        return ec2_none(ask, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and ..._FULL_URI are not set");
    if (!address) {
        if (err)
            *err = why;
        return EC2_ANSWER_FAILED;
    }
    return fetch(ask, address, ret, err) ? EC2_ANSWER_FAILED : EC2_ANSWER_SERVED;
}

/* When the service cannot renew the keys it gives old ones, which AWS then still takes: they count
 * for some minutes more, after which it is asked again. */
#define STALE_S ((int64_t)15 * 60)

enum ec2_answer ec2_source_instance(struct ec2_asking *ask, struct ec2_credentials *ret,
                                    struct mir_error *err)
{
    struct ec2_imds_settings imds;
    struct mir_error why = {0};
    if (ec2_config_imds(ask->config, &imds, err))
        return EC2_ANSWER_FAILED;
    if (imds.disabled)
        return ec2_none(ask, "turned off (AWS_EC2_METADATA_DISABLED)");
    /* Most machines are no instances, so nobody there is no failure. */
    if (ec2_imds_credentials(&imds, ret, &why))
        return ec2_none(ask, "%s", why.text);
    int64_t now_s = mir_now_s(ask->settings->clock);
    if (ret->expires_s <= now_s)
        ret->expires_s = now_s + STALE_S;
    return EC2_ANSWER_SERVED;
}
