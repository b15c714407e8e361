/* SPDX-License-Identifier: ISC */
#include "sse.h"

#include <string.h>

#include "api/memory.h"

void cmd_sse_init(struct cmd_sse *sse, cmd_event_fn *fn, void *ctx)
{
    memset(sse, 0, sizeof *sse);
    mir_buf_init(&sse->line, CMD_SSE_MAX);
    mir_buf_init(&sse->data, CMD_SSE_MAX);
    sse->fn = fn;
    sse->ctx = ctx;
}

void cmd_sse_clear(struct cmd_sse *sse)
{
    mir_buf_clear(&sse->line);
    mir_buf_clear(&sse->data);
}

static int too_long(struct mir_error *err)
{
    return mir_fail(err, MIR_CORRUPT, "an event of more than %u bytes", CMD_SSE_MAX);
}

/* An empty line: the event is complete. */
static int dispatch(struct cmd_sse *sse, struct mir_error *err)
{
    int rc = 0;
    if (sse->has_data) {
        struct cmd_event event = {sse->type[0] ? sse->type : "message", sse->id,
                                  mir_buf_text(&sse->data), sse->data.len};
        rc = sse->fn(sse->ctx, &event, err);
    }
    sse->type[0] = '\0';
    sse->has_data = 0;
    mir_buf_reset(&sse->data);
    return rc;
}

static int field(struct cmd_sse *sse, const char *name, size_t name_len, const char *value,
                 struct mir_error *err)
{
    if (name_len == 4 && !memcmp(name, "data", 4)) {
        if (sse->has_data)
            mir_buf_adds(&sse->data, "\n");
        sse->has_data = 1;
        if (mir_buf_adds(&sse->data, value) || sse->data.full)
            return too_long(err);
    } else if (name_len == 5 && !memcmp(name, "event", 5)) {
        mir_copy(sse->type, sizeof sse->type, value);
    } else if (name_len == 2 && !memcmp(name, "id", 2)) {
        mir_copy(sse->id, sizeof sse->id, value);
    }
    return 0; /* comments and fields of the future are passed over */
}

static int end_line(struct cmd_sse *sse, struct mir_error *err)
{
    const char *line = mir_buf_text(&sse->line);
    int rc;
    if (!*line && sse->line.len == 0) {
        rc = dispatch(sse, err);
    } else {
        size_t name_len = strcspn(line, ":");
        const char *value = line + name_len;
        if (*value == ':')
            value++;
        if (*value == ' ')
            value++;
        rc = field(sse, line, name_len, value, err);
    }
    mir_buf_reset(&sse->line);
    return rc;
}

int cmd_sse_feed(void *ctx, const char *data, size_t len, struct mir_error *err)
{
    struct cmd_sse *sse = ctx;
    size_t i = 0;
    while (i < len) {
        if (sse->after_cr && data[i] == '\n') {
            sse->after_cr = 0;
            i++;
            continue;
        }
        sse->after_cr = 0;
        size_t n = 0;
        while (i + n < len && data[i + n] != '\n' && data[i + n] != '\r')
            n++;
        if (n > 0 && mir_buf_add(&sse->line, data + i, n))
            return too_long(err);
        i += n;
        if (i >= len)
            break;
        sse->after_cr = data[i++] == '\r';
        int rc = end_line(sse, err);
        if (rc)
            return rc;
    }
    return 0;
}
