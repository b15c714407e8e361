/* SPDX-License-Identifier: ISC */
/* The console: its last 100 KiB at most, and only as long as the guest runs: when it has ended Nova
 * refuses it, so what the daemon has read by then is all there is. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "stack.h"

/* The copy begins at the beginning as long as it is shorter than what Nova keeps. */
static int hand_over(const char *text, uint64_t offset, struct mir_buf *out, uint64_t *ret_next,
                     struct mir_error *err)
{
    size_t whole = strlen(text), room = out->max - out->len;
    size_t fresh = whole > offset ? (size_t)(whole - offset) : 0;
    size_t len = fresh < room ? fresh : room;
    if (len && mir_buf_add(out, text + offset, len))
        return mir_fail(err, MIR_INTERNAL, "no room for the console");
    *ret_next = offset + len;
    return 0;
}

struct reading {
    uint64_t offset;
    struct mir_buf *out;
    uint64_t *ret_next;
};

static int read_at(struct stack *stack, struct stack_site *site, const char *token,
                   const struct reading *reading, struct mir_error *err)
{
    os_auto_servers struct os_servers found = {.rows = NULL};
    const struct os_server *row;
    struct mir_error said = {0};
    char *text = NULL;
    int64_t until_ms = os_until(site->session, STACK_LOOK_MS);
    if (stack_find_server(stack, site, token, until_ms, &found, &row, err))
        return -1;
    if (!row)
        return mir_fail(err, MIR_NOT_FOUND, "there is no server of %s", token);
    int rc = os_server_console(site->session, row->id, 0, until_ms, &text, &said);
    /* It has none yet, or none any more. */
    if (rc && (said.kind == MIR_NOT_FOUND || said.kind == MIR_CONFLICT)) {
        *reading->ret_next = reading->offset;
        return 0;
    }
    if (rc)
        return stack_said(&said, err);
    rc = hand_over(text, reading->offset, reading->out, reading->ret_next, err);
    free(text);
    return rc;
}

int stack_instance_console(void *ctx, const char *token, uint64_t offset, struct mir_buf *out,
                           uint64_t *ret_next, struct mir_error *err)
{
    struct stack *stack = ctx;
    struct stack_site *site;
    struct stack_seen seen = {.cloud = ""};
    struct mir_instance found;
    const struct reading reading = {.offset = offset, .out = out, .ret_next = ret_next};
    if (!stack_recall(stack, token, &seen) && stack_instance_get(stack, token, &found, err))
        return -1;
    (void)stack_recall(stack, token, &seen);
    return stack_site(stack, seen.cloud, seen.region, &site, err) ||
                   read_at(stack, site, token, &reading, err)
               ? -1
               : 0;
}
