/* SPDX-License-Identifier: ISC */
/* What is asked of a cloud, from a request's JSON. What is taken is within its limits, and the same
 * again after a round trip; and so is an amount of money. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "api/place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool so)
{
    if (!so)
        abort();
}

static void money(const char *text)
{
    char out[MIR_MONEY_TEXT];
    int64_t micro = 0, again = 0;
    if (mir_money_parse(text, &micro, NULL))
        return;
    must(micro > 0 && micro <= MIR_MONEY_MAX);
    mir_money_format(micro, out);
    must(!mir_money_parse(out, &again, NULL) && again == micro);
}

static void round_trip(const struct mir_place *place)
{
    struct mir_place again;
    json_t *json = mir_place_to_json(place);
    must(!mir_place_from_json(json, &again, NULL));
    json_t *same = mir_place_to_json(&again);
    must(json_equal(json, same));
    json_decref(same);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mir_place place;
    struct mir_error err = {0};
    char *text = mir_calloc(size + 1, 1);
    if (size)
        memcpy(text, data, size);
    money(text);
    json_t *json = mir_json_parse(text, size, 1 << 16, &err);
    if (json && !mir_place_from_json(json, &place, &err)) {
        must(place.open_count <= MIR_OPEN_MAX && place.budget_micro >= 0);
        round_trip(&place);
    } else {
        must(err.kind == MIR_USAGE && *err.text);
    }
    json_decref(json);
    free(text);
    return 0;
}
