/* SPDX-License-Identifier: ISC */
/* Prints every call of the OpenStack bindings as one line of JSON: what it is called, where it
 * goes, and each name that it sends or reads. For tests/openstack/names.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "operations.h"

/* "server.networks[].uuid", "servers[]/addresses{}[]/addr": what is in lists and maps is behind
 * them.
 */
static void add_names(json_t *list, const char *before, const struct mir_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct mir_field *f = &table->fields[i];
        bool map = f->kind == MIR_GET_MAP || f->kind == MIR_GET_SIMPLE || f->kind == MIR_PUT_MAP;
        bool many = f->kind == MIR_GET_LIST || f->kind == MIR_PUT_LIST || mir_kind_texts(f->kind);
        mir_auto_free char *name = mir_format("%s%s", before, f->name);
        json_array_append_new(list, json_string(name));
        mir_auto_free char *inside = mir_format("%s%s/", name, map ? "{}" : "[]");
        if ((map || many) && f->of)
            add_names(list, inside, f->of);
    }
}

static json_t *names_of(const struct mir_table *table)
{
    json_t *list = json_array();
    if (table)
        add_names(list, "", table);
    return list;
}

int main(void)
{
    for (size_t i = 0; os_operation_lists[i]; i++)
        for (const struct os_operation *o = os_operation_lists[i]; o->name; o++) {
            json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:o,s:o}", "name", o->name,
                                     "service", os_service_name(o->service), "method", o->method,
                                     "path", o->path, "result", o->result ? o->result : "", "next",
                                     o->page_next ? o->page_next : "", "page", o->page, "sends",
                                     names_of(o->request), "reads", names_of(o->reply));
            mir_auto_free char *text = json_dumps(json, JSON_COMPACT);
            puts(text);
            json_decref(json);
        }
    return 0;
}
