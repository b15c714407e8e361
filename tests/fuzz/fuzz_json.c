/* SPDX-License-Identifier: ISC */
/* Documents from outside: a request's fields, and a kernel document from the sandboxed helper. What
 * is taken as a kernel has to survive a round trip. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const allowed[] = {"provider", "kernel", "ttl"};
    struct mir_error err = {0};
    json_t *json = mir_json_parse((const char *)data, size, 1 << 16, &err);
    if (!json && (!err.kind || !*err.text))
        abort(); /* every failure says why */
    if (!json)
        return 0;
    const char *text = NULL;
    long long number;
    int flag;
    mir_json_only(json, allowed, MIR_NELEMS(allowed), &err);
    mir_json_get_text(json, "provider", &text, &err);
    mir_json_get_int(json, "ttl", &number, &err);
    mir_json_get_bool(json, "kernel", &flag, &err);
    struct mir_kernel kernel, again;
    if (!mir_kernel_from_json(json, &kernel, &err)) {
        json_t *written = mir_kernel_to_json(&kernel);
        if (!written || mir_kernel_from_json(written, &again, &err) ||
            strcmp(kernel.sha256, again.sha256) != 0 || kernel.bytes != again.bytes)
            abort();
        json_decref(written);
    }
    free(mir_json_text(json));
    json_decref(json);
    return 0;
}
