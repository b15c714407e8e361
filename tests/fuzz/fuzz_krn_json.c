/* SPDX-License-Identifier: ISC */
/*
 * The border at which the daemon stops trusting the inspector: any text, read as a kernel document.
 * What is taken has to survive being written and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mir_kernel kernel, again;
    struct mir_error err = {0};
    json_t *json = mir_json_parse((const char *)data, size, 256 << 10, &err);
    if (!json)
        return 0;
    if (!mir_kernel_from_json(json, &kernel, &err)) {
        json_t *written = mir_kernel_to_json(&kernel);
        if (!written || mir_kernel_from_json(written, &again, &err) ||
            memcmp(&kernel, &again, sizeof kernel) != 0)
            abort();
        json_decref(written);
    } else if (err.kind != MIR_CORRUPT || !err.text[0]) {
        abort();
    }
    json_decref(json);
    return 0;
}
