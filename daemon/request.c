/* SPDX-License-Identifier: ISC */
/* A deploy request from its JSON, strictly; and the policy from the configuration. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/clock.h"
#include "api/json.h"
#include "api/memory.h"
#include "daemon/plan.h"
#include "images/block.h"

static int read_text(json_t *body, const char *name, char *field, size_t size,
                     struct mir_error *err)
{
    const char *text = NULL;
    if (mir_json_get_text(body, name, &text, err))
        return -1;
    if (!text)
        return 0;
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return mir_fail(err, MIR_USAGE, "field '%s' holds a control character", name);
    if (mir_copy(field, size, text))
        return mir_fail(err, MIR_USAGE, "field '%s' is too long; %zu bytes are taken", name,
                        size - 1);
    return 0;
}

static int read_port_number(json_t *port, const char *name, uint16_t *ret, struct mir_error *err)
{
    long long value = 0;
    if (mir_json_get_int(port, name, &value, err))
        return -1;
    if (value < 0 || value > 65535)
        return mir_fail(err, MIR_USAGE, "port %lld is not between 0 and 65535", value);
    *ret = (uint16_t)value;
    return 0;
}

static int read_port(json_t *row, struct mir_port *ret, struct mir_error *err)
{
    static const char *const allowed[] = {"host", "guest", "address"};
    struct mir_port port = {0};
    if (mir_json_only(row, allowed, MIR_NELEMS(allowed), err) ||
        read_port_number(row, "host", &port.host_port, err) ||
        read_port_number(row, "guest", &port.guest_port, err) ||
        read_text(row, "address", port.address, sizeof port.address, err))
        return -1;
    if (!port.guest_port)
        return mir_fail(err, MIR_USAGE, "a port needs a 'guest' number");
    *ret = port;
    return 0;
}

static int read_ports(json_t *body, struct mird_request *ret, struct mir_error *err)
{
    json_t *list = json_object_get(body, "ports");
    if (!list || json_is_null(list))
        return 0;
    if (!json_is_array(list))
        return mir_fail(err, MIR_USAGE, "field 'ports' has to be a list");
    if (json_array_size(list) > MIR_PORTS_MAX)
        return mir_fail(err, MIR_USAGE, "%zu ports are asked for; at most %d are taken",
                        json_array_size(list), MIR_PORTS_MAX);
    ret->ports_given = true;
    ret->port_count = (unsigned)json_array_size(list);
    for (unsigned i = 0; i < ret->port_count; i++)
        if (read_port(json_array_get(list, i), &ret->ports[i], err))
            return -1;
    return 0;
}

static int read_arguments(json_t *body, struct mird_request *ret, struct mir_error *err)
{
    json_t *list = json_object_get(body, "arguments");
    if (!list || json_is_null(list))
        return 0;
    if (!json_is_array(list))
        return mir_fail(err, MIR_USAGE, "field 'arguments' has to be a list of texts");
    size_t len = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text)
            return mir_fail(err, MIR_USAGE, "field 'arguments' has to be a list of texts");
        for (const char *p = text; *p; p++)
            if ((unsigned char)*p < 0x20 || *p == 0x7f)
                return mir_fail(err, MIR_USAGE, "a kernel argument holds a control character");
        int n =
            snprintf(ret->arguments + len, sizeof ret->arguments - len, "%s%s", i ? " " : "", text);
        len += (size_t)n;
        if (len >= sizeof ret->arguments)
            return mir_fail(err, MIR_USAGE, "the kernel arguments are longer than %d bytes",
                            MIR_ARGS_MAX - 1);
    }
    return 0;
}

/* Whoever wants no end says why. */
static int read_forever(json_t *body, struct mird_request *ret, struct mir_error *err)
{
    int forever = 0;
    const char *reason = NULL;
    if (mir_json_get_bool(body, "forever", &forever, err) ||
        mir_json_get_text(body, "reason", &reason, err))
        return -1;
    if (reason && !forever)
        return mir_fail(err, MIR_USAGE, "a reason is given without forever; only that needs one");
    if (forever && mir_reason_check(reason ? reason : "", err))
        return mir_error_wrap(err, "forever");
    ret->forever = forever;
    mir_copy(ret->reason, sizeof ret->reason, reason ? reason : "");
    return 0;
}

static int read_times(json_t *body, struct mird_request *ret, struct mir_error *err)
{
    const char *ttl = NULL, *until = NULL;
    if (mir_json_get_text(body, "ttl", &ttl, err) || mir_json_get_text(body, "until", &until, err))
        return -1;
    if (ttl && until)
        return mir_fail(err, MIR_USAGE, "both ttl and until are given; one says it all");
    if (ret->forever && (ttl || until))
        return mir_fail(err, MIR_USAGE, "both forever and %s are given; one says it all",
                        ttl ? "ttl" : "until");
    if (ttl && mir_duration_parse(ttl, &ret->ttl_s, err))
        return mir_error_wrap(err, "ttl");
    if (until && mir_time_parse(until, &ret->until_s, err))
        return mir_error_wrap(err, "until");
    return 0;
}

static int read_switches(json_t *body, struct mird_request *ret, struct mir_error *err)
{
    long long memory = 0;
    int list = 1, anyway = 0, prove = 0, answer = 0;
    if (mir_json_get_int(body, "memory_bytes", &memory, err) ||
        mir_json_get_bool(body, "list", &list, err) ||
        mir_json_get_bool(body, "anyway", &anyway, err) ||
        mir_json_get_bool(body, "prove", &prove, err) ||
        mir_json_get_bool(body, "answer_ownership", &answer, err))
        return -1;
    if (memory < 0 || (memory > 0 && memory < (1 << 20)))
        return mir_fail(err, MIR_USAGE, "memory_bytes has to be 1048576 or more");
    ret->memory_bytes = (uint64_t)memory;
    ret->list = list;
    ret->anyway = anyway;
    ret->prove = prove;
    ret->answer_ownership = answer;
    return 0;
}

static int check_request(const struct mird_request *request, struct mir_error *err)
{
    if (!*request->provider)
        return mir_fail(err, MIR_USAGE, "field 'provider' is missing");
    if (!*request->kernel)
        return mir_fail(err, MIR_USAGE, "field 'kernel' is missing");
    if (!mir_sha256_valid(request->kernel))
        return mir_fail(err, MIR_USAGE, "field 'kernel' has to be a SHA-256 in 64 hex digits");
    if (*request->name && !mir_name_valid(request->name)) {
        mir_fail(err, MIR_USAGE, "'%s' is not a name", request->name);
        return mir_error_hint(err, "names are made of a-z, 0-9 and '-', with no '-' at the ends");
    }
    if (*request->url && strncmp(request->url, "http://", 7) &&
        strncmp(request->url, "https://", 8))
        return mir_fail(err, MIR_USAGE, "the url has to begin with http:// or https://");
    return 0;
}

static int read_carrier(json_t *body, struct mird_request *ret, struct mir_error *err)
{
    const char *text = NULL;
    if (mir_json_get_text(body, "carrier", &text, err))
        return -1;
    int wish = text ? img_carrier_wish_by_name(text) : IMG_CARRIER_AUTOMATIC;
    if (wish < 0) {
        mir_fail(err, MIR_USAGE, "'%.40s' is no way to use a carrier", text);
        return mir_error_hint(err, "there is: auto, never, always");
    }
    ret->carrier = (enum img_carrier_wish)wish;
    return 0;
}

static int read_blocks(json_t *body, struct mird_request *ret, struct mir_error *err)
{
    const char *names[MIR_BLOCKS_MAX];
    if (mir_blocks_from_json(json_object_get(body, "blocks"), &ret->blocks, err))
        return -1;
    for (unsigned i = 0; i < ret->blocks.count; i++) {
        names[i] = ret->blocks.list[i].name;
        if (img_block_name_check(names, i, names[i], err))
            return -1;
    }
    return 0;
}

static int read_carried(json_t *body, struct mird_request *ret, struct mir_error *err)
{
    return read_carrier(body, ret, err) || read_blocks(body, ret, err) ? -1 : 0;
}

int mird_request_from_json(json_t *body, struct mird_request *ret, struct mir_error *err)
{
    static const char *const allowed[] = {
        "provider",  "kernel", "name",    "ttl",    "until",           "ports",  "memory_bytes",
        "arguments", "url",    "list",    "anyway", "forever",         "reason", "machine",
        "place",     "prove",  "carrier", "blocks", "answer_ownership"};
    struct mird_request request = {0};
    if (mir_json_only(body, allowed, MIR_NELEMS(allowed), err) ||
        read_text(body, "provider", request.provider, sizeof request.provider, err) ||
        read_text(body, "kernel", request.kernel, sizeof request.kernel, err) ||
        read_text(body, "name", request.name, sizeof request.name, err) ||
        read_text(body, "url", request.url, sizeof request.url, err) ||
        read_forever(body, &request, err) || read_times(body, &request, err) ||
        read_switches(body, &request, err) || read_ports(body, &request, err) ||
        mir_machine_from_json(json_object_get(body, "machine"), &request.machine, err) ||
        mir_place_from_json(json_object_get(body, "place"), &request.place, err) ||
        read_carried(body, &request, err) || read_arguments(body, &request, err) ||
        check_request(&request, err))
        return -1;
    *ret = request;
    return 0;
}

/* --- policy --- */

/* "512M", "2G", or bytes. */
static int parse_size(const char *text, int64_t *ret, struct mir_error *err)
{
    static const char units[] = "KMGT";
    char *end;
    long long value = strtoll(text, &end, 10);
    const char *unit = *end ? strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end) : NULL;
    if (unit) {
        value = value > 0 && value < (1 << 20) ? value << (10 * (unit - units + 1)) : 0;
        end++;
    }
    if (end == text || *end || value <= 0)
        return mir_fail(err, MIR_USAGE, "'%.40s' is not a size", text);
    *ret = value;
    return 0;
}

static int parse_count(const char *text, int64_t *ret, struct mir_error *err)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < 1 || value > 1000000)
        return mir_fail(err, MIR_USAGE, "'%.40s' is not a number between 1 and 1000000", text);
    *ret = value;
    return 0;
}

static int parse_yes(const char *text, int64_t *ret, struct mir_error *err)
{
    static const char *const words[] = {"no", "yes", "off", "on", "false", "true", "0", "1"};
    for (size_t i = 0; i < MIR_NELEMS(words); i++)
        if (!strcasecmp(text, words[i])) {
            *ret = i & 1;
            return 0;
        }
    return mir_fail(err, MIR_USAGE, "'%.40s' is neither yes nor no", text);
}

/* Name the file and line that the value came from. */
static int blame(const struct mir_config *config, const char *key, struct mir_error *err)
{
    size_t count;
    const struct mir_config_entry *entries = mir_config_entries(config, &count);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(entries[i].section, "policy") && !strcmp(entries[i].key, key))
            return mir_error_wrap(err, "%s:%u: %s", entries[i].file, entries[i].line, key);
    return mir_error_wrap(err, "%s", key);
}

int mird_policy_load(const struct mir_config *config, struct mird_policy *ret,
                     struct mir_error *err)
{
    int64_t ttl = 3600, ttl_max = 30 * 86400, ttl_min = 10, memory = 64 << 20,
            memory_max = (int64_t)4 << 30, deployments_max = 64, allow_forever = 0, budget = 0;
    const struct {
        const char *key;
        int (*parse)(const char *text, int64_t *ret, struct mir_error *err);
        int64_t *value;
    } rows[] = {
        {"ttl", mir_duration_parse, &ttl},
        {"ttl_max", mir_duration_parse, &ttl_max},
        {"ttl_min", mir_duration_parse, &ttl_min},
        {"memory", parse_size, &memory},
        {"memory_max", parse_size, &memory_max},
        {"deployments_max", parse_count, &deployments_max},
        {"allow_forever", parse_yes, &allow_forever},
        {"budget", mir_money_parse, &budget},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        const char *text = mir_config_get(config, "policy", rows[i].key);
        if (text && rows[i].parse(text, rows[i].value, err))
            return blame(config, rows[i].key, err);
    }
    *ret = (struct mird_policy){.ttl_default_s = ttl,
                                .ttl_max_s = ttl_max,
                                .ttl_min_s = ttl_min,
                                .memory_default_bytes = (uint64_t)memory,
                                .memory_max_bytes = (uint64_t)memory_max,
                                .deployments_max = (unsigned)deployments_max,
                                .allow_forever = allow_forever != 0,
                                .budget_micro = budget};
    return 0;
}
