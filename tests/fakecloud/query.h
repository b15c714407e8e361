/* SPDX-License-Identifier: ISC */
/*
 * The parameters of Query calls: each operation has a table of the names that it takes, "#" in
 * place of a list's numbers, and what came is held against it and shaped into JSON:
 * Filter.1.Value.2=x becomes {"Filter": [{"Value": [..., "x"]}]}.
 */
#ifndef FAKECLOUD_QUERY_H
#define FAKECLOUD_QUERY_H

#include <jansson.h>

#include "refusal.h"
#include "request.h"

enum fc_type { FC_TEXT = 0, FC_INT, FC_BOOL, FC_BASE64, FC_TIME };

struct fc_param {
    const char *name; /* "Filter.#.Value.#" */
    enum fc_type type;
    bool required;
};

/* UnknownParameter, MissingParameter, InvalidParameterValue, MalformedQueryString. */
int fc_query_shape(const struct fc_pairs *form, const struct fc_param *params, json_t **ret,
                   struct fc_refusal *refusal);

#endif
