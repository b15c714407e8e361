/* SPDX-License-Identifier: ISC */
/*
 * The whole inspection of a file in memory: every probe, the description, the table, and the answer
 * written as JSON and read back, which has to give the same kernel.
 */
#include <stdlib.h>
#include <string.h>

#include "images/inspect.h"
#include "images/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct krn_limits limits = {
    .keep_elf_bytes = 64 << 10,
    .keep_other_bytes = 16 << 10,
    .max_unpacked_bytes = 256 << 10,
    .max_ratio = 1000,
    .ratio_from_bytes = 64 << 10,
};

static void check(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mir_kernel kernel, again;
    struct mir_error err = {0};
    if (krn_inspect_memory(data, size, &limits, &kernel, &err)) {
        check(err.kind == MIR_USAGE || err.kind == MIR_CORRUPT || err.kind == MIR_FAILED);
        check(err.text[0] != '\0');
        return 0;
    }
    check(kernel.boots_count == 4 && kernel.description[0]);
    json_t *json = mir_kernel_to_json(&kernel);
    check(json && !mir_kernel_from_json(json, &again, &err));
    check(!strcmp(kernel.sha256, again.sha256) && kernel.format == again.format &&
          kernel.entry == again.entry && kernel.device_count == again.device_count &&
          kernel.min_memory_bytes == again.min_memory_bytes);
    json_decref(json);
    struct mir_buf out;
    mir_buf_init(&out, 64 << 10);
    img_report(&kernel, "fuzz", &out);
    check(!out.full);
    mir_buf_clear(&out);
    return 0;
}
