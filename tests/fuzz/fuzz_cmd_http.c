/* SPDX-License-Identifier: ISC */
/* The response parser: the same bytes at once and one by one have to give the same answer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    size_t bytes;
    uint32_t sum;
};

static int on_body(void *ctx, const char *data, size_t len, struct mir_error *err)
{
    struct seen *seen = ctx;
    (void)err;
    for (size_t i = 0; i < len; i++)
        seen->sum = seen->sum * 31 + (unsigned char)data[i];
    seen->bytes += len;
    return 0;
}

static int run(const char *data, size_t size, size_t step, struct seen *seen, int *ret_status)
{
    struct cmd_http_parser parser;
    struct mir_error err = {0};
    cmd_http_parser_init(&parser, on_body, seen);
    int rc = 0;
    for (size_t i = 0; i < size && rc == 0; i += step)
        rc = cmd_http_feed(&parser, data + i, size - i < step ? size - i : step, &err);
    if (rc == 0)
        rc = cmd_http_finish(&parser, &err) ? -1 : 1;
    if (rc < 0 && (err.kind == MIR_OK || !*err.text))
        abort();
    *ret_status = parser.status;
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole = {0}, single = {0};
    int whole_status, single_status;
    /* An empty input has no place to point to. */
    const char *text = size ? (const char *)data : "";
    int whole_rc = run(text, size, size ? size : 1, &whole, &whole_status);
    int single_rc = run(text, size, 1, &single, &single_status);
    if (whole_rc != single_rc || whole_status != single_status || whole.bytes != single.bytes ||
        whole.sum != single.sum)
        abort();
    return 0;
}
