/* SPDX-License-Identifier: ISC */
/* The console: its last 100 KiB at most, and only as long as the guest runs: when it has ended Nova
 * refuses it. So what was seen last is kept for a while, and as the beginning of what Nova shows
 * moves on, where that stands in all that there was is found by what was seen before. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "stack.h"

#define OVERLAP 256

static void kept_clear(struct stack_kept *kept)
{
    free(kept->text);
    *kept = (struct stack_kept){.text = NULL};
}

void stack_consoles_free(struct stack *stack)
{
    for (size_t i = 0; i < STACK_CONSOLES; i++)
        kept_clear(&stack->consoles[i]);
}

/* --- what was seen, with the lock held --- */

static struct stack_kept *kept_of(struct stack *stack, const char *token)
{
    for (size_t i = 0; i < STACK_CONSOLES; i++)
        if (!strcmp(stack->consoles[i].token, token))
            return &stack->consoles[i];
    return NULL;
}

/* Another one's place: that of the one that was asked for longest ago. */
static struct stack_kept *new_kept(struct stack *stack, const char *token)
{
    struct stack_kept *oldest = &stack->consoles[0];
    for (size_t i = 1; i < STACK_CONSOLES; i++)
        if (stack->consoles[i].used_ms < oldest->used_ms)
            oldest = &stack->consoles[i];
    kept_clear(oldest);
    mir_copy(oldest->token, sizeof oldest->token, token);
    return oldest;
}

/* How far the beginning of `text` has moved since. What does not overlap follows at once: how much
 * lies between nobody knows. */
static uint64_t moved(const char *before, const char *text)
{
    size_t len = strlen(before), tail = len < OVERLAP ? len : OVERLAP;
    if (!strncmp(before, text, len))
        return 0;
    const char *at = memmem(text, strlen(text), before + len - tail, tail);
    size_t shown = at ? (size_t)(at - text) + tail : 0;
    return len > shown ? len - shown : 0;
}

/* Takes text. */
static void keep(struct stack *stack, const char *token, char *text)
{
    struct stack_kept *kept = kept_of(stack, token);
    if (!kept)
        kept = new_kept(stack, token);
    if (kept->text)
        kept->base += moved(kept->text, text);
    free(kept->text);
    kept->text = text;
}

static int hand_over(const struct stack_kept *kept, uint64_t offset, struct mir_buf *out,
                     uint64_t *ret_next, struct mir_error *err)
{
    uint64_t from = offset > kept->base ? offset - kept->base : 0;
    size_t whole = strlen(kept->text), room = out->max - out->len;
    size_t fresh = whole > from ? whole - (size_t)from : 0;
    size_t len = fresh < room ? fresh : room;
    if (len && mir_buf_add(out, kept->text + from, len))
        return mir_fail(err, MIR_INTERNAL, "no room for the console");
    *ret_next = len ? kept->base + from + len : offset;
    return 0;
}

/* --- asking --- */

/* *ret NULL: it has none yet, or none any more. */
static int ask(struct stack *stack, struct stack_site *site, const char *token, char **ret,
               struct mir_error *err)
{
    os_auto_servers struct os_servers found = {.rows = NULL};
    const struct os_server *row;
    struct mir_error said = {0};
    int64_t until_ms = os_until(site->session, STACK_LOOK_MS);
    *ret = NULL;
    if (stack_find_server(stack, site, token, until_ms, &found, &row, err))
        return -1;
    if (!row)
        return mir_fail(err, MIR_NOT_FOUND, "there is no server of %s", token);
    int rc = os_server_console(site->session, row->id, 0, until_ms, ret, &said);
    if (rc && said.kind != MIR_NOT_FOUND && said.kind != MIR_CONFLICT)
        return stack_said(&said, err);
    return 0;
}

int stack_instance_console(void *ctx, const char *token, uint64_t offset, struct mir_buf *out,
                           uint64_t *ret_next, struct mir_error *err)
{
    struct stack *stack = ctx;
    struct stack_site *site;
    char *text;
    if (stack_site_of(stack, token, &site, err) || ask(stack, site, token, &text, err))
        return -1;
    int rc = 0;
    pthread_mutex_lock(&stack->lock);
    if (text)
        keep(stack, token, text);
    struct stack_kept *kept = kept_of(stack, token);
    *ret_next = offset;
    if (kept) {
        kept->used_ms = stack->clock->boot_ms(stack->clock->ctx);
        rc = hand_over(kept, offset, out, ret_next, err);
    }
    pthread_mutex_unlock(&stack->lock);
    return rc;
}
