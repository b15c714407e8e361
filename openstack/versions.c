/* SPDX-License-Identifier: ISC */
#include "versions.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http.h"
#include "api/memory.h"

static const struct os_spoken spoken[OS_SERVICE_COUNT] = {
    [OS_IDENTITY] = {3, "v3", false, false},     [OS_IMAGE] = {2, "v2", false, false},
    [OS_COMPUTE] = {2, "v2.1", true, false},     [OS_NETWORK] = {2, "v2.0", false, false},
    [OS_OBJECT_STORE] = {1, "v1", false, false}, /* its address names an account, and is whole */
    [OS_VOLUME] = {3, "v3", false, true},        [OS_WORKFLOW] = {2, "v2", false, false},
    [OS_RESERVATION] = {1, "v1", false, false},
};

const struct os_spoken *os_spoken(enum os_service service)
{
    return &spoken[(unsigned)service < OS_SERVICE_COUNT ? service : OS_IDENTITY];
}

/* --- addresses --- */

/* "v2", "v2.1", of so many characters. */
static bool is_version(const char *text, size_t len, int *ret_major, int *ret_minor)
{
    char word[16], rest;
    int major = 0, minor = 0;
    if (len < 2 || len >= sizeof word || text[0] != 'v' || !isdigit((unsigned char)text[1]))
        return false;
    snprintf(word, sizeof word, "%.*s", (int)len, text);
    int got = sscanf(word, "v%4d.%4d%c", &major, &minor, &rest);
    if (got != 2 && (got != 1 || strchr(word, '.') || sscanf(word, "v%4d%c", &major, &rest) != 1))
        return false;
    *ret_major = major;
    *ret_minor = minor;
    return true;
}

/* "http://host" and so many bytes of a path, without slashes at the end; owned. */
static char *before_of(const char *origin, const char *path, size_t len)
{
    while (len > 0 && path[len - 1] == '/')
        len--;
    return mir_format("%s%.*s", origin, (int)len, path);
}

int os_address_split(const char *url, struct os_address *ret, struct mir_error *err)
{
    struct mir_url parsed;
    if (mir_url_parse(url, &parsed, err))
        return -1;
    const char *path = strstr(url, "://") + 3;
    path += strcspn(path, "/?#");
    if (strpbrk(path, "?#"))
        return mir_fail(err, MIR_USAGE, "'%.200s': a path at most may follow the host", url);
    size_t len = strlen(path);
    while (len > 0 && path[len - 1] == '/')
        len--;
    *ret = (struct os_address){0};
    /* The last part that looks like one: what is before it may look so, too. */
    for (size_t end = len; end > 0; end--) {
        size_t at = end;
        while (path[at - 1] != '/')
            at--;
        if (is_version(path + at, end - at, &ret->major, &ret->minor)) {
            ret->before = before_of(parsed.origin, path, at);
            ret->version = mir_format("%.*s", (int)(end - at), path + at);
            ret->behind = mir_format("%.*s", (int)(len - end), path + end);
            return 0;
        }
        end = at;
    }
    ret->before = before_of(parsed.origin, path, len);
    ret->behind = mir_strdup("");
    return 0;
}

void os_address_clear(struct os_address *address)
{
    free(address->before);
    free(address->version);
    free(address->behind);
    *address = (struct os_address){0};
}

/* --- documents --- */

/* The N of "2.N"; 0: it is none. */
static int micro_of(const char *text)
{
    int major = 0, minor = 0;
    char rest;
    return text && sscanf(text, "%4d.%6d%c", &major, &minor, &rest) == 2 && major == 2 ? minor : 0;
}

/* The last part of the version's own address, when it is a version: documents give relative
 * addresses, and those of hosts that only the cloud itself can reach; so nothing else is taken. */
static void take_segment(const json_t *links, struct os_version *row)
{
    for (size_t i = 0; i < json_array_size(links); i++) {
        const json_t *link = json_array_get(links, i);
        const char *rel = json_string_value(json_object_get(link, "rel"));
        const char *href = json_string_value(json_object_get(link, "href"));
        if (!href || (rel && strcmp(rel, "self") != 0))
            continue;
        size_t len = strlen(href);
        while (len > 0 && href[len - 1] == '/')
            len--;
        size_t at = len;
        while (at > 0 && href[at - 1] != '/')
            at--;
        int major, minor;
        if (is_version(href + at, len - at, &major, &minor) && major == row->major)
            snprintf(row->segment, sizeof row->segment, "%.*s", (int)(len - at), href + at);
    }
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static void read_one(const json_t *json, struct os_versions *ret)
{
    struct os_version row = {.major = 0};
    const char *id = text_of(json, "id");
    if (ret->count == OS_VERSIONS_MAX || !is_version(id, strlen(id), &row.major, &row.minor))
        return;
    mir_copy(row.id, sizeof row.id, id);
    mir_copy(row.status, sizeof row.status, text_of(json, "status"));
    const char *most = text_of(json, "max_version");
    row.micro_max = micro_of(*most ? most : text_of(json, "version"));
    row.micro_min = micro_of(text_of(json, "min_version"));
    take_segment(json_object_get(json, "links"), &row);
    ret->rows[ret->count++] = row;
}

int os_versions_read(const json_t *json, struct os_versions *ret, struct mir_error *err)
{
    const json_t *one = json_object_get(json, "version"), *all = json_object_get(json, "versions");
    if (json_is_object(all)) /* Keystone */
        all = json_object_get(all, "values");
    ret->count = 0;
    if (json_is_object(one))
        read_one(one, ret);
    else if (json_is_object(json) && !all)
        read_one(json, ret);
    for (size_t i = 0; i < json_array_size(all); i++)
        read_one(json_array_get(all, i), ret);
    return ret->count ? 0 : mir_fail(err, MIR_CORRUPT, "the answer names no version");
}

const struct os_version *os_versions_newest(const struct os_versions *versions, int major)
{
    const struct os_version *best = NULL;
    for (size_t i = 0; i < versions->count; i++) {
        const struct os_version *row = &versions->rows[i];
        if (row->major == major && strcasecmp(row->status, "EXPERIMENTAL") != 0 &&
            (!best || row->minor > best->minor))
            best = row;
    }
    return best;
}

/* --- microversions --- */

static int pin_refused(const struct os_version *version, const char *pin, struct mir_error *err)
{
    mir_fail(err, MIR_USAGE, "the cloud's compute API has no version %.32s: it has 2.%d to 2.%d",
             pin, version->micro_min, version->micro_max);
    return mir_error_hint(err, "leave out OS_COMPUTE_API_VERSION and compute_default_microversion");
}

/* The N that the user asks for; 0: none in particular; -1: it is no version. */
static int pinned(const char *pin)
{
    if (!pin || !*pin || !strcmp(pin, "2") || !strcmp(pin, "latest"))
        return 0;
    int micro = micro_of(pin);
    return micro ? micro : -1;
}

int os_micro_choose(const struct os_version *version, const char *pin, int *ret,
                    struct mir_error *err)
{
    int most = version->micro_max, least = version->micro_min ? version->micro_min : OS_MICRO_MIN;
    int wanted = pinned(pin);
    if (wanted < 0)
        return mir_fail(err, MIR_USAGE, "'%.32s' is no version of the compute API", pin);
    if (!most) { /* one that has none yet: 2.0, or a document without them */
        *ret = 0;
        return wanted <= OS_MICRO_MIN ? 0 : pin_refused(version, pin, err);
    }
    if (wanted && (wanted < least || wanted > most))
        return pin_refused(version, pin, err);
    int best = OS_MICRO_BEST < least ? least : OS_MICRO_BEST > most ? most : OS_MICRO_BEST;
    *ret = wanted ? wanted : best;
    return 0;
}
