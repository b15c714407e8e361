/* SPDX-License-Identifier: ISC */
/* What comes from AWS or from whoever answers in its place: as the reply of every call that a table
 * describes, and as an error. Whatever is refused says why; whatever is read is given back whole.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "errors.h"
#include "operations.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_error(const char *text, size_t len, int status)
{
    struct mir_http_response r = {.status = status};
    struct mir_error err = {0};
    mir_buf_init(&r.headers, 4096);
    mir_buf_init(&r.body, 1 << 20);
    if (len > 0 && text[0] == 'X')
        mir_buf_addf(&r.headers, "X-Amzn-ErrorType: %.*s\r\n", (int)strcspn(text, "\r\n"), text);
    mir_buf_add(&r.body, text, len);
    ec2_error_read(&r, "ec2", "Fuzz", false, &err);
    if (!*err.text || (!*err.provider_code && err.outcome != MIR_OUTCOME_UNKNOWN))
        abort();
    for (const char *p = err.text; *p; p++)
        if ((unsigned char)*p < ' ')
            abort();
    mir_http_response_clear(&r);
}

static void as_reply(const struct ec2_operation *operation, const struct mir_xml_node *root,
                     const json_t *json)
{
    if (!operation->reply)
        return;
    struct mir_error err = {0};
    void *record = mir_calloc(1, operation->reply->size);
    bool xml = operation->protocol == EC2_QUERY;
    const struct mir_xml_node *node =
        mir_xml_find(root, operation->result ? operation->result : "");
    int rc = xml    ? mir_xml_read(operation->reply, node, record, &err)
             : json ? mir_json_read(operation->reply, json, record, &err)
                    : 0;
    if (rc && (!err.kind || !*err.text))
        abort();
    mir_record_clear(operation->reply, record);
    for (size_t i = 0; i < operation->reply->size; i++)
        if (((char *)record)[i])
            abort();
    free(record);
}

static int count_row(void *ctx, const struct mir_xml_node *node, struct mir_error *err)
{
    ++*(size_t *)ctx;
    return 0;
}

static size_t count_below(const struct mir_xml_node *node, const char *path)
{
    if (!*path)
        return 1;
    size_t len = strcspn(path, "/"), count = 0;
    mir_auto_free char *name = mir_format("%.*s", (int)len, path);
    for (const struct mir_xml_node *n = mir_xml_first(node, name); n; n = mir_xml_next(n, name))
        count += count_below(n, path + len + (path[len] == '/'));
    return count;
}

/* Row by row, or from the tree: as many of them, and the same documents are refused. */
static void row_by_row(const char *text, size_t size, const struct mir_xml *whole)
{
    static const char *const paths[] = {"reservationSet/item/instancesSet/item", "nextToken"};
    size_t count = 0;
    const struct mir_xml_wanted wanted = {.paths = paths,
                                          .path_count = size % 2 ? MIR_NELEMS(paths) : 0,
                                          .each = paths[0],
                                          .row = count_row,
                                          .ctx = &count};
    mir_auto_xml struct mir_xml *xml = mir_xml_parse_wanted(text, size, 1 << 20, &wanted, NULL);
    if (!xml != !whole)
        abort();
    if (!xml)
        return;
    const char *next = mir_xml_get(mir_xml_root(xml), paths[1]);
    if (count != count_below(mir_xml_root(whole), paths[0]) ||
        count_below(mir_xml_root(xml), paths[0]) ||
        strcmp(next, mir_xml_get(mir_xml_root(whole), paths[1])) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mir_auto_free char *text = mir_calloc(size + 1, 1);
    memcpy(text, data, size);
    struct mir_error err = {0};
    mir_auto_xml struct mir_xml *xml = mir_xml_parse(text, size, 1 << 20, &err);
    if (!xml && (err.kind != MIR_CORRUPT || !*err.text))
        abort();
    row_by_row(text, size, xml);
    json_t *json = mir_json_parse(text, size, 1 << 20, NULL);
    for (size_t i = 0; ec2_operation_lists[i]; i++)
        for (const struct ec2_operation *o = ec2_operation_lists[i]; o->name; o++)
            as_reply(o, xml ? mir_xml_root(xml) : NULL, json);
    json_decref(json);
    static const int statuses[] = {200, 400, 403, 404, 412, 500, 503};
    as_error(text, size, statuses[size % MIR_NELEMS(statuses)]);
    return 0;
}
