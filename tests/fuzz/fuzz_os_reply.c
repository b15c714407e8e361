/* SPDX-License-Identifier: ISC */
/* What comes from an OpenStack or from whoever answers in its place: as the reply of every call
 * that a table describes, as a list of Swift's, as an error of every service, as a discovery
 * document, as a token, and as an address of an endpoint. Whatever is refused says why; whatever is
 * read is given back whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "catalog.h"
#include "errors.h"
#include "operations.h"
#include "versions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool met)
{
    if (!met)
        abort();
}

static void as_error(const char *text, size_t len, int status, enum os_service service)
{
    struct mir_http_response r = {.status = status};
    struct mir_error err = {0}, look = {0};
    struct os_said said;
    mir_buf_init(&r.headers, 4096);
    mir_buf_init(&r.body, 1 << 20);
    if (len > 0 && text[0] == 'X')
        mir_buf_addf(&r.headers, "X-Openstack-Request-Id: %.*s\r\n", (int)strcspn(text, "\r\n"),
                     text);
    mir_buf_add(&r.body, text, len);
    os_error_read(&r, service, "Fuzz", false, &err);
    os_error_read(&r, service, "Fuzz", true, &look);
    os_said_read(&r, &said);
    need(*err.text && err.kind && look.outcome == MIR_DID_NOT_HAPPEN);
    /* Only a service refuses; and no 5xx is a refusal but two that say it. */
    bool refused = err.outcome == MIR_DID_NOT_HAPPEN;
    need(!refused || said.service || status == 401 || status == 429);
    need(!refused || status < 500 || status == 501 || err.kind == MIR_THROTTLED ||
         strstr(said.message, "Keystone service is temporarily") || err.kind == MIR_POLICY ||
         err.kind == MIR_UNAVAILABLE);
    for (const char *p = err.text; *p; p++)
        need((unsigned char)*p >= ' ');
    mir_http_response_clear(&r);
}

static void as_record(const struct mir_table *table, const json_t *json)
{
    struct mir_error err = {0};
    void *record = mir_calloc(1, table->size);
    int rc = mir_json_read(table, json, record, &err);
    need(!rc || (err.kind == MIR_CORRUPT && *err.text));
    mir_record_clear(table, record);
    for (size_t i = 0; i < table->size; i++)
        need(!((char *)record)[i]);
    free(record);
}

static void as_reply(const struct os_operation *operation, const json_t *json)
{
    char next[256];
    struct mir_error err = {0};
    const json_t *result = operation->result ? json_object_get(json, operation->result) : json;
    if (operation->reply && result)
        as_record(operation->reply, result);
    if (os_page_next(operation, json, next, sizeof next, &err))
        need(err.kind == MIR_CORRUPT);
    else
        need(strcspn(next, "#\r\n ") == strlen(next));
}

static void as_token(const json_t *json)
{
    static const struct os_cloud cloud = {.name = NULL};
    struct os_who who = {.user_id = ""};
    struct mir_error err = {0};
    const json_t *token = json_object_get(json, "token");
    if (!mir_json_read(&os_who_table, token ? token : json, &who, &err))
        for (unsigned i = 0; i < OS_SERVICE_COUNT; i++) {
            const struct os_found_endpoint *found =
                os_catalog_find(&who, &cloud, (enum os_service)i, &err);
            need(found ? found->url != NULL : err.kind == MIR_USAGE);
        }
    os_who_clear(&who);
}

static void as_versions(const json_t *json)
{
    struct os_versions versions;
    struct mir_error err = {0};
    if (os_versions_read(json, &versions, &err)) {
        need(err.kind == MIR_CORRUPT);
        return;
    }
    need(versions.count > 0 && versions.count <= OS_VERSIONS_MAX);
    for (int major = 1; major < 4; major++) {
        const struct os_version *v = os_versions_newest(&versions, major);
        int micro = 0;
        if (v && !os_micro_choose(v, NULL, &micro, NULL))
            need(!v->micro_max || micro <= v->micro_max || v->micro_min > v->micro_max);
        need(!v || !*v->segment || v->segment[0] == 'v');
    }
}

static void as_address(const char *text)
{
    struct os_address address;
    struct mir_error err = {0};
    if (os_address_split(text, &address, &err)) {
        need(err.kind == MIR_USAGE);
        return;
    }
    size_t len = strlen(address.before);
    need(len > 0 && address.before[len - 1] != '/' && address.behind);
    os_address_clear(&address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 300, 400, 401, 403, 404, 409, 413, 429, 500, 501, 503};
    mir_auto_free char *text = mir_calloc(size + 1, 1);
    memcpy(text, data, size);
    json_t *json = mir_json_parse(text, size, 1 << 20, NULL);
    if (json) {
        for (size_t i = 0; os_operation_lists[i]; i++)
            for (const struct os_operation *o = os_operation_lists[i]; o->name; o++)
                as_reply(o, json);
        for (size_t i = 0; os_object_tables[i]; i++)
            as_record(os_object_tables[i], json);
        as_token(json);
        as_versions(json);
    }
    json_decref(json);
    as_error(text, size, statuses[size % MIR_NELEMS(statuses)],
             (enum os_service)(size % OS_SERVICE_COUNT));
    as_address(text);
    return 0;
}
