/* SPDX-License-Identifier: ISC */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/memory.h"

struct row {
    char name[80]; /* "ec2.RunInstances" */
    char region[24];
    char code[64], fault[24];
    int64_t at_ms;
    int status;
};

struct fc_calls {
    uint64_t count;
    json_t *by_operation;
    struct row *rows; /* a ring of FC_CALLS_KEPT */
};

struct fc_calls *fc_calls_new(void)
{
    struct fc_calls *calls = mir_calloc(1, sizeof *calls);
    calls->by_operation = json_object();
    calls->rows = mir_calloc(FC_CALLS_KEPT, sizeof *calls->rows);
    return calls;
}

void fc_calls_free(struct fc_calls *calls)
{
    if (!calls)
        return;
    json_decref(calls->by_operation);
    free(calls->rows);
    free(calls);
}

uint64_t fc_calls_add(struct fc_calls *calls, const char *service, const char *operation,
                      const char *region, int64_t now_ms)
{
    struct row *row = &calls->rows[calls->count % FC_CALLS_KEPT];
    *row = (struct row){.at_ms = now_ms};
    snprintf(row->name, sizeof row->name, "%.15s.%.60s", service, operation);
    mir_copy(row->region, sizeof row->region, region);
    json_int_t before = json_integer_value(json_object_get(calls->by_operation, row->name));
    json_object_set_new(calls->by_operation, row->name, json_integer(before + 1));
    return ++calls->count;
}

void fc_calls_result(struct fc_calls *calls, uint64_t number, int status, const char *code,
                     const char *fault)
{
    if (calls->count - number >= FC_CALLS_KEPT)
        return;
    struct row *row = &calls->rows[(number - 1) % FC_CALLS_KEPT];
    row->status = status;
    mir_copy(row->code, sizeof row->code, code);
    mir_copy(row->fault, sizeof row->fault, fault);
}

json_t *fc_calls_json(const struct fc_calls *calls)
{
    json_t *list = json_array();
    uint64_t first = calls->count > FC_CALLS_KEPT ? calls->count - FC_CALLS_KEPT : 0;
    for (uint64_t i = first; i < calls->count; i++) {
        const struct row *row = &calls->rows[i % FC_CALLS_KEPT];
        json_array_append_new(list, json_pack("{s:I,s:I,s:s,s:s,s:i,s:s,s:s}", "number",
                                              (json_int_t)(i + 1), "at_ms", (json_int_t)row->at_ms,
                                              "call", row->name, "region", row->region, "status",
                                              row->status, "code", row->code, "fault", row->fault));
    }
    return json_pack("{s:I,s:O,s:o}", "count", (json_int_t)calls->count, "by_operation",
                     calls->by_operation, "calls", list);
}
