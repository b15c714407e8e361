/* SPDX-License-Identifier: ISC */
#include "openstack/pair.h"

#include <string.h>

#include "tables.h"

static const struct mir_field pair_fields[] = {
    MIR_ROW(struct os_pair, name, "*", MIR_PUT_TEXT),
    MIR_ROW(struct os_pair, value, "", MIR_PUT_EMPTY),
};
const struct mir_table os_pair_table = MIR_TABLE(struct os_pair, pair_fields);

static const struct mir_field found_pair_fields[] = {
    MIR_ROW(struct os_found_pair, name, "*", MIR_GET_OWNED),
    MIR_ROW(struct os_found_pair, value, "", MIR_GET_OWNED),
};
const struct mir_table os_found_pair_table = MIR_TABLE(struct os_found_pair, found_pair_fields);

static const struct mir_field word_fields[] = {
    MIR_ROW(struct os_word, text, "", MIR_GET_OWNED),
};
const struct mir_table os_word_table = MIR_TABLE(struct os_word, word_fields);

const char *os_pair_value(const struct os_found_pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (pairs[i].name && !strcmp(pairs[i].name, name))
            return pairs[i].value ? pairs[i].value : "";
    return NULL;
}
