/* SPDX-License-Identifier: ISC */
/* Lines that come over the keeper's socket, either way, and what QEMU says to the keeper. */
#include <stdint.h>
#include <stdlib.h>

#include "api/memory.h"
#include "ctl.h"
#include "qmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct local_ctl_request request;
    struct local_ctl_reply reply;
    struct mir_error err = {0};
    /* What was taken has to come back the same. */
    if (!local_ctl_parse_request(text, size, &request, &err)) {
        struct local_ctl_request back;
        char *line = local_ctl_request_text(&request);
        size_t len = 0;
        while (line[len] != '\n')
            len++;
        if (local_ctl_parse_request(line, len, &back, NULL) || back.op != request.op ||
            back.deadline_s != request.deadline_s)
            abort();
        free(line);
    }
    if (!local_ctl_parse_reply(text, size, &reply, &err))
        free(local_ctl_reply_text(&reply));
    struct local_qmp *qmp = mir_calloc(1, sizeof *qmp);
    local_qmp_feed(qmp, text, size / 2);
    local_qmp_feed(qmp, text + size / 2, size - size / 2);
    free(qmp);
    return 0;
}
