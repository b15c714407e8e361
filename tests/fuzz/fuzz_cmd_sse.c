/* SPDX-License-Identifier: ISC */
/* The event stream: the same bytes at once and one by one have to give the same events. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    size_t events;
    uint32_t sum;
};

static uint32_t mix(uint32_t sum, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + (unsigned char)text[i];
    return sum * 31 + 1;
}

static int on_event(void *ctx, const struct cmd_event *event, struct mir_error *err)
{
    struct seen *seen = ctx;
    (void)err;
    seen->events++;
    seen->sum = mix(seen->sum, event->data, event->len);
    seen->sum = mix(seen->sum, event->type, strlen(event->type));
    seen->sum = mix(seen->sum, event->id, strlen(event->id));
    return 0;
}

static int run(const char *data, size_t size, size_t step, struct seen *seen)
{
    struct cmd_sse sse;
    struct mir_error err = {0};
    cmd_sse_init(&sse, on_event, seen);
    int rc = 0;
    for (size_t i = 0; i < size && rc == 0; i += step)
        rc = cmd_sse_feed(&sse, data + i, size - i < step ? size - i : step, &err);
    cmd_sse_clear(&sse);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole = {0}, single = {0};
    const char *text = size ? (const char *)data : "";
    int whole_rc = run(text, size, size ? size : 1, &whole);
    int single_rc = run(text, size, 1, &single);
    if (whole_rc != single_rc || whole.events != single.events || whole.sum != single.sum)
        abort();
    return 0;
}
