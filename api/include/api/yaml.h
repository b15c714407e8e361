/* SPDX-License-Identifier: ISC */
/*
 * YAML that people write, as JSON: one document in memory, read with limits. api/yaml.c is the only
 * file that calls libyaml.
 *
 * A plain null (~, null, nothing) and a plain boolean (true, yes, on, false, no, off; YAML 1.1) are
 * JSON's; every other scalar is the text that was written, numbers too: 2.10 stays "2.10", and
 * 0123 is no 83. Aliases are copies. Merge keys (<<) give what the mapping itself does not say.
 *
 * Refused (MIR_USAGE, with line and reason): what is no YAML, more than one document, a key that is
 * said twice or is no scalar, an alias of nothing or of what it stands in, a tag other than !!str
 * (and !!map, !!seq), a NUL in a text, nesting deeper than MIR_YAML_DEPTH_MAX, more nodes than
 * MIR_YAML_NODES_MAX with the copies counted.
 *
 * Any thread. Blocking the first time (libyaml is loaded).
 */
#ifndef API_YAML_H
#define API_YAML_H

#include <jansson.h>
#include <stddef.h>

#include "api/error.h"

#define MIR_YAML_DEPTH_MAX 32
#define MIR_YAML_NODES_MAX 20000

/* *ret is a new reference, JSON's null for an empty document. *ret_lines (may be NULL): the lines
 * of its keys. For a mapping it is an object with "<key>#", the line of each key, and under <key>
 * the same of the mapping or list that stands there; for a list, a list with null for the scalars.
 * What came through << has the line where the mapping begins. MIR_USAGE, MIR_UNAVAILABLE (no
 * libyaml). */
int mir_yaml_parse(const char *text, size_t len, size_t max_bytes, json_t **ret, json_t **ret_lines,
                   struct mir_error *err);

/* Zeroes every text of a tree that holds secrets and that nobody else holds, and lets go of it;
 * NULL allowed. */
void mir_json_wipe(json_t *tree);

#endif
