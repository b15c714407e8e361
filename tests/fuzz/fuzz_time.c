/* SPDX-License-Identifier: ISC */
/* Times and durations as people write them. What is taken is within its limits, and a time that is
 * written again is the same time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mir_calloc(size + 1, 1);
    if (size)
        memcpy(text, data, size);
    int64_t s = 0, again = 0;
    char out[MIR_TIME_SIZE];
    if (!mir_duration_parse(text, &s, NULL)) {
        if (s <= 0 || s > MIR_DURATION_MAX_S)
            abort();
        mir_duration_format(s, out);
    }
    if (!mir_time_parse(text, &s, NULL)) {
        mir_time_format(s, out);
        if (mir_time_parse(out, &again, NULL) == 0 && again != s)
            abort();
    }
    free(text);
    return 0;
}
