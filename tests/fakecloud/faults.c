/* SPDX-License-Identifier: ISC */
#include "faults.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"

#define FAULTS_MAX 1000u

static const struct mode {
    const char *name;
    enum fc_fault_when when;
    enum fc_fault_act act;
    int64_t ms; /* unless another is given */
} modes[] = {
    {"fail-before", FC_FAULT_BEFORE, FC_ACT_ERROR, 0},
    {"fail-after", FC_FAULT_AFTER, FC_ACT_ERROR, 0},
    {"html", FC_FAULT_BEFORE, FC_ACT_HTML, 0},
    {"html-after", FC_FAULT_AFTER, FC_ACT_HTML, 0},
    {"reset", FC_FAULT_BEFORE, FC_ACT_RESET, 0},
    {"lose", FC_FAULT_AFTER, FC_ACT_RESET, 0},
    {"hang", FC_FAULT_BEFORE, FC_ACT_HANG, -1},
    {"hang-after", FC_FAULT_AFTER, FC_ACT_HANG, -1},
    {"delay", FC_FAULT_BEFORE, FC_ACT_DELAY, 1000},
    {"delay-after", FC_FAULT_AFTER, FC_ACT_DELAY, 1000},
    {"garble", FC_FAULT_AFTER, FC_ACT_GARBLE, 0},
    {"truncate", FC_FAULT_AFTER, FC_ACT_TRUNCATE, 0},
    {"drip", FC_FAULT_AFTER, FC_ACT_DRIP, 50},
};

struct entry {
    struct entry *next;
    json_t *json; /* as it was set */
    const struct mode *mode;
    const char *service, *operation; /* borrowed from json; shell patterns */
    json_t *where;                   /* borrowed from json; NULL */
    long long number, times, call, matched, struck;
    int64_t ms;
    struct fc_refusal refusal;
};

struct fc_faults {
    struct entry *first;
    unsigned count;
};

struct fc_faults *fc_faults_new(void)
{
    return mir_calloc(1, sizeof(struct fc_faults));
}

static void free_entries(struct entry *entry)
{
    while (entry) {
        struct entry *next = entry->next;
        json_decref(entry->json);
        free(entry);
        entry = next;
    }
}

void fc_faults_clear(struct fc_faults *faults)
{
    free_entries(faults->first);
    *faults = (struct fc_faults){0};
}

void fc_faults_free(struct fc_faults *faults)
{
    if (faults)
        fc_faults_clear(faults);
    free(faults);
}

static int find_mode(const char *name, const struct mode **ret, struct mir_error *err)
{
    for (size_t i = 0; name && i < MIR_NELEMS(modes); i++)
        if (!strcmp(modes[i].name, name)) {
            *ret = &modes[i];
            return 0;
        }
    return mir_fail(err, MIR_USAGE, "no mode of a fault: %.40s", name ? name : "none is given");
}

static int read_numbers(struct entry *entry, const json_t *json, struct mir_error *err)
{
    long long status = 500, ms = entry->mode->ms;
    if (mir_json_get_int(json, "number", &entry->number, err) ||
        mir_json_get_int(json, "times", &entry->times, err) ||
        mir_json_get_int(json, "call", &entry->call, err) ||
        mir_json_get_int(json, "status", &status, err) || mir_json_get_int(json, "ms", &ms, err))
        return -1;
    if (entry->number < 1 || entry->times < 0 || entry->call < 0 || status < 200 || status > 599)
        return mir_fail(err, MIR_USAGE,
                        "number is from 1, times and call from 0, status from 200 to 599");
    entry->ms = ms;
    entry->refusal.status = (int)status;
    return 0;
}

/* An entry that owns json's reference; NULL: it makes no sense. */
static struct entry *read_entry(json_t *json, struct mir_error *err)
{
    static const char *const members[] = {"service", "operation", "number", "times",
                                          "mode",    "status",    "code",   "message",
                                          "ms",      "where",     "call"};
    struct entry *entry = mir_calloc(1, sizeof *entry);
    const char *mode = NULL, *code = "InternalError", *message = "a scripted fault";
    entry->json = json_incref(json);
    entry->service = entry->operation = "*";
    entry->number = entry->times = 1;
    if (!mir_json_only(json, members, MIR_NELEMS(members), err) &&
        !mir_json_get_text(json, "mode", &mode, err) && !find_mode(mode, &entry->mode, err) &&
        !mir_json_get_text(json, "service", &entry->service, err) &&
        !mir_json_get_text(json, "operation", &entry->operation, err) &&
        !mir_json_get_text(json, "code", &code, err) &&
        !mir_json_get_text(json, "message", &message, err) && !read_numbers(entry, json, err)) {
        entry->where = json_object_get(json, "where");
        fc_refuse(&entry->refusal, entry->refusal.status, code, "%s", message);
        return entry;
    }
    free_entries(entry);
    return NULL;
}

int fc_faults_set(struct fc_faults *faults, json_t *json, struct mir_error *err)
{
    bool list = json_is_array(json);
    size_t count = list ? json_array_size(json) : 1;
    struct entry *first = NULL, **end = &first;
    if (faults->count + count > FAULTS_MAX)
        return mir_fail(err, MIR_USAGE, "more than %u faults", FAULTS_MAX);
    for (size_t i = 0; i < count; i++) {
        *end = read_entry(list ? json_array_get(json, i) : json, err);
        if (!*end) {
            free_entries(first);
            return -1;
        }
        end = &(*end)->next;
    }
    *end = faults->first; /* the newest count first */
    faults->first = first;
    faults->count += (unsigned)count;
    return 0;
}

json_t *fc_faults_json(const struct fc_faults *faults)
{
    json_t *list = json_array();
    for (const struct entry *e = faults->first; e; e = e->next) {
        json_t *one = json_copy(e->json);
        json_object_set_new(one, "matched", json_integer(e->matched));
        json_object_set_new(one, "struck", json_integer(e->struck));
        json_array_append_new(list, one);
    }
    return list;
}

static bool where_matches(const json_t *where, fc_parameter_fn *parameter, void *ctx)
{
    const char *name;
    const json_t *wanted;
    json_object_foreach((json_t *)(uintptr_t)where, name, wanted)
    {
        const char *value = parameter(ctx, name), *pattern = json_string_value(wanted);
        if (!value || !pattern || fnmatch(pattern, value, 0))
            return false;
    }
    return true;
}

static bool strikes(struct entry *entry, uint64_t call)
{
    entry->matched++;
    if (entry->call ? (uint64_t)entry->call != call : entry->matched < entry->number)
        return false;
    if (entry->times && entry->struck >= entry->times)
        return false;
    entry->struck++;
    return true;
}

void fc_faults_take(struct fc_faults *faults, const char *service, const char *operation,
                    uint64_t call, fc_parameter_fn *parameter, void *ctx, struct fc_fault *ret)
{
    *ret = (struct fc_fault){.mode = ""};
    for (struct entry *e = faults->first; e; e = e->next) {
        if (fnmatch(e->service, service, 0) || fnmatch(e->operation, operation, 0) ||
            (e->where && !where_matches(e->where, parameter, ctx)))
            continue;
        if (!strikes(e, call) || ret->when)
            continue;
        *ret = (struct fc_fault){.when = e->mode->when,
                                 .act = e->mode->act,
                                 .mode = e->mode->name,
                                 .ms = e->ms,
                                 .refusal = e->refusal};
    }
}
