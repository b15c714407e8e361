/* SPDX-License-Identifier: ISC */
/* Profiles: what is known of a vendor's cloud, by the user's own file, by us, or by the cloud. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/cleanup.h"
#include "api/http.h"
#include "api/json.h"
#include "api/memory.h"
#include "config_inside.h"

#define PROFILE_BYTES_MAX 65536

static char *by_http(void *ctx, const char *url, struct mir_error *err)
{
    struct mir_http_request request = {.url = url, .response_max = PROFILE_BYTES_MAX};
    mir_auto_http_response struct mir_http_response response = {0};
    if (mir_http_do(&request, &response, err))
        return NULL;
    if (response.status == 200)
        return mir_strdup(mir_buf_text(&response.body));
    mir_fail(err, MIR_NOT_FOUND, "%s answers %d", url, response.status);
    mir_error_hint(err,
                   "`profile` is the address of the cloud itself; its operator says whether it "
                   "has one");
    return NULL;
}

static bool is_url(const char *name)
{
    return !strncasecmp(name, "https://", 8) || !strncasecmp(name, "http://", 7);
}

/* The profile decides where a password goes, so nobody on the way may change it. */
static bool by_trusted_way(const struct mir_url *url)
{
    return url->https || !strcmp(url->host, "localhost") || !strncmp(url->host, "127.", 4) ||
           !strcmp(url->host, "::1");
}

static int well_known(const char *name, char **ret, struct mir_error *err)
{
    struct mir_url url;
    if (mir_url_parse(name, &url, err))
        return mir_error_wrap(err, "profile");
    if (!by_trusted_way(&url)) {
        mir_fail(err, MIR_POLICY,
                 "profile %.200s: it says where passwords go, and comes "
                 "unprotected",
                 name);
        return mir_error_hint(err, "write https://");
    }
    *ret = mir_format("%s/.well-known/openstack/api", url.origin);
    return 0;
}

static int lay_text(const char *text, size_t len, const char *place, struct os_settings *ret,
                    char **ret_name, struct mir_error *err)
{
    json_t *tree = mir_json_parse(text, len, PROFILE_BYTES_MAX, err);
    json_t *profile = json_object_get(tree, "profile");
    const char *name = json_string_value(json_object_get(tree, "name"));
    int rc = -1;
    if (!tree)
        mir_error_wrap(err, "%s", place);
    else if (!json_is_object(profile) || !name)
        mir_fail(err, MIR_CORRUPT, "%s: it has no `name` and `profile`", place);
    else
        rc = os_settings_add(ret, profile, NULL, place, false, err);
    if (!rc)
        *ret_name = mir_strdup(name);
    json_decref(tree);
    return rc;
}

static void built_in(const char *name, struct os_settings *ret)
{
    mir_auto_free char *origin = mir_format("profile %s", name);
    os_vendor_lay(name, origin, ret);
}

/* What is known here of a cloud beats what it says of itself. */
static int remote(const struct os_config *config, const char *name, struct os_settings *ret,
                  struct mir_error *err)
{
    mir_auto_free char *url = NULL, *text = NULL, *itself = NULL;
    if (well_known(name, &url, err))
        return -1;
    text = config->wish.fetch ? config->wish.fetch(config->wish.fetch_ctx, url, err)
                              : by_http(NULL, url, err);
    if (!text)
        return mir_error_wrap(err, "profile");
    if (lay_text(text, strlen(text), url, ret, &itself, err))
        return -1;
    if (os_vendor_known(itself))
        built_in(itself, ret);
    os_settings_remove(ret, "profile");
    return 0;
}

static int check_status(const struct os_settings *settings, const char *name,
                        struct os_config *config, struct mir_error *err)
{
    const char *status = json_string_value(os_settings_get(settings, "status"));
    const char *message = json_string_value(os_settings_get(settings, "message"));
    if (status && !strcmp(status, "shutdown"))
        return mir_fail(err, MIR_USAGE, "profile %.64s is of a cloud that is no more: %.200s", name,
                        message ? message : "");
    if (status && !strcmp(status, "deprecated"))
        os_config_warn(config, "profile %.64s is deprecated: %.200s", name, message ? message : "");
    return 0;
}

static int of_public_file(struct os_config *config, const char *name, struct os_settings *ret,
                          bool *ret_found, struct mir_error *err)
{
    if (!config->public_file.path &&
        os_config_find(config, "clouds-public", NULL, &config->public_file, err))
        return -1;
    json_t *profiles = json_object_get(config->public_file.tree, "public-clouds");
    *ret_found = json_object_get(profiles, name) != NULL;
    return *ret_found ? os_config_lay(&config->public_file, "public-clouds", name, false, ret, err)
                      : 0;
}

/* A vendor that only names its cloud's own profile: vexxhost. */
static int follow(struct os_config *config, struct os_settings *ret, struct mir_error *err)
{
    mir_auto_free char *next = NULL;
    if (os_settings_text(ret, "profile", &next, err))
        return -1;
    os_settings_remove(ret, "profile");
    return next ? remote(config, next, ret, err) : 0;
}

int os_config_profile(struct os_config *config, const char *name, struct os_settings *ret,
                      struct mir_error *err)
{
    bool found;
    if (of_public_file(config, name, ret, &found, err))
        return -1;
    if (found)
        return 0;
    if (os_vendor_known(name)) {
        built_in(name, ret);
        return follow(config, ret, err);
    }
    if (!is_url(name)) {
        os_config_warn(config, "nothing is known of the profile '%.64s'", name);
        return 0;
    }
    if (remote(config, name, ret, err))
        return -1;
    return check_status(ret, name, config, err);
}
