/* SPDX-License-Identifier: ISC */
/* YAML that people write: whatever it is, a tree within the limits, or a reason. */
#include "api/yaml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t nodes(json_t *tree, unsigned depth)
{
    size_t count = 1, at;
    const char *key;
    json_t *value;
    if (depth > MIR_YAML_DEPTH_MAX || json_is_number(tree))
        abort();
    if (json_is_string(tree) && strlen(json_string_value(tree)) != json_string_length(tree))
        abort();
    json_object_foreach(tree, key, value) count += nodes(value, depth + 1);
    json_array_foreach(tree, at, value) count += nodes(value, depth + 1);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *tree = NULL, *lines = NULL;
    struct mir_error err = {0};
    if (mir_yaml_parse((const char *)data, size, 65536, &tree, &lines, &err)) {
        if (tree || lines || !err.kind || !strncmp(err.text, "line 0", 6))
            abort(); /* every failure says where and why, and leaves nothing */
        return 0;
    }
    /* What << names is there once more for each that names it. */
    if (nodes(tree, 0) > (size_t)MIR_YAML_NODES_MAX * 2 ||
        (json_is_object(tree) && !json_is_object(lines)))
        abort();
    mir_json_wipe(tree);
    json_decref(lines);
    return 0;
}
