/* SPDX-License-Identifier: ISC */
/* spec.json and status.json, and what a program says on standard error. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "argv.h"
#include "reason.h"
#include "status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct local_spec *spec = mir_calloc(1, sizeof *spec);
    struct local_status status;
    if (!local_spec_parse(text, size, spec, NULL)) {
        struct local_argv argv;
        local_argv_build(spec, &argv);
        local_argv_clear(&argv);
        free(local_spec_text(spec));
    }
    if (!local_status_parse(text, size, &status, NULL))
        free(local_status_text(&status));
    char *complaint = mir_calloc(size + 1, 1), line[40];
    memcpy(complaint, data, size);
    local_last_line(complaint, line, sizeof line);
    struct mir_error err = {0};
    struct local_end end = {LOCAL_CAUSE_NONE, 256, "", complaint, complaint};
    local_start_failure(spec, &end, &err);
    free(complaint);
    free(spec);
    return 0;
}
