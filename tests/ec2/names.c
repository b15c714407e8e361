/* SPDX-License-Identifier: ISC */
/* What tests/ec2/model.py holds against AWS's service model: every call that a table describes,
 * with each name that is sent and each path that is read, as JSON from the tables themselves. */
#include <stdio.h>

#include "api/json.h"
#include "api/memory.h"
#include "operations.h"

/* Names with dots, or paths with slashes; what is in a list stands behind "[]". */
static void add_names(json_t *names, const char *prefix, const struct mir_table *table,
                      const char *separator)
{
    for (size_t i = 0; table && i < table->count; i++) {
        const struct mir_field *field = &table->fields[i];
        bool inside = *prefix && *field->name;
        mir_auto_free char *name =
            mir_format("%s%s%s", prefix, inside ? separator : "", field->name);
        if (field->of) {
            mir_auto_free char *list = mir_format("%s[]", name);
            add_names(names, list, field->of, separator);
        } else {
            mir_auto_free char *list = mir_format("%s[]", name);
            json_array_append_new(names, json_string(mir_kind_texts(field->kind) ? list : name));
        }
    }
}

static void add_paging(json_t *json, const struct ec2_operation *o)
{
    if (o->page > 0) {
        json_array_append_new(json_object_get(json, "request"), json_string(o->page_size));
        json_array_append_new(json_object_get(json, "request"), json_string(o->page_token));
        json_array_append_new(json_object_get(json, "reply"), json_string(o->page_next));
        json_object_set_new(json, "page", json_integer(o->page));
    }
}

static json_t *describe(const struct ec2_operation *o)
{
    static const char *const protocols[] = {"query", "json", "rest-json"};
    const char *result = o->result ? o->result : "";
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:[], s:[]}", "operation", o->name,
                             "service", ec2_service_info(o->service)->name, "protocol",
                             protocols[o->protocol], "version", o->version ? o->version : "",
                             "result", result, "anonymous", o->anonymous, "request", "reply");
    if (o->method)
        json_object_set_new(json, "method", json_string(o->method));
    add_names(json_object_get(json, "request"), "", o->request, ".");
    add_names(json_object_get(json, "reply"), "", o->reply, "/");
    add_paging(json, o);
    return json;
}

int main(void)
{
    json_t *all = json_array();
    for (size_t i = 0; ec2_operation_lists[i]; i++)
        for (const struct ec2_operation *o = ec2_operation_lists[i]; o->name; o++)
            json_array_append_new(all, describe(o));
    mir_auto_free char *text = mir_json_text(all);
    puts(text);
    json_decref(all);
    return 0;
}
