/* SPDX-License-Identifier: ISC */
/* Servers, and which of them is whose. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "stack.h"

bool stack_over(const struct os_server *row)
{
    return !strcmp(row->status, "DELETED");
}

bool stack_blind(const struct os_server *row)
{
    return !row->metadata_count && !row->name && !stack_over(row);
}

/* --- of a token --- */

bool stack_server_is_of(struct stack *stack, const struct os_server *row, const char *token)
{
    struct mir_tags tags;
    struct stack_seen seen;
    stack_marks_read(row->metadata, row->metadata_count, &tags);
    return stack_is_of(stack, &tags, token) ||
           (stack_recall(stack, token, &seen) && *seen.server && !strcmp(seen.server, row->id));
}

/* What has begun to run goes before what has failed; of two, the older. */
static bool before(const struct os_server *a, const struct os_server *b)
{
    bool a_over = stack_over(a) || !strcmp(a->status, "ERROR");
    bool b_over = stack_over(b) || !strcmp(b->status, "ERROR");
    return a_over != b_over ? b_over : a->created_s < b->created_s;
}

/* Rows of others are left in the list: whoever goes through it asks by the marks. */
static int list_named(struct stack *stack, struct stack_site *site, const char *token, bool by_name,
                      int64_t until_ms, struct os_servers *ret, const struct os_server **ret_row,
                      struct mir_error *err)
{
    const struct os_list_servers args = {.name = by_name ? token : NULL};
    size_t blind = 0;
    if (os_server_list(site->session, &args, until_ms, ret, err))
        return -1;
    *ret_row = NULL;
    for (size_t i = 0; i < ret->count; i++) {
        const struct os_server *row = &ret->rows[i];
        blind += stack_blind(row);
        if (stack_server_is_of(stack, row, token) && (!*ret_row || before(row, *ret_row)))
            *ret_row = row;
    }
    if (*ret_row || by_name || !blind)
        return 0;
    os_servers_clear(ret);
    mir_fail(err, MIR_UNAVAILABLE,
             "a part of the cloud does not answer, and %zu servers there "
             "cannot be told apart",
             blind);
    err->retry = MIR_RETRY_SERVER;
    return mir_error_hint(err, "that passes; nothing is taken for gone meanwhile");
}

/* No listing shows it: it may have been made a moment ago. */
static int get_new(struct stack *stack, struct stack_site *site, const char *token,
                   int64_t until_ms, struct os_servers *ret, const struct os_server **ret_row,
                   struct mir_error *err)
{
    struct stack_seen seen;
    struct mir_error said = {0};
    if (!stack_recall(stack, token, &seen) || !*seen.server)
        return 0;
    struct os_server *row = mir_calloc(1, sizeof *row);
    if (!os_server_get(site->session, seen.server, until_ms, row, &said)) {
        os_servers_clear(ret);
        *ret = (struct os_servers){.rows = row, .count = 1};
        *ret_row = row;
        return 0;
    }
    free(row);
    if (said.kind == MIR_NOT_FOUND)
        stack_remember_server(stack, token, "");
    return stack_gone(-1, &said, err);
}

/* The name that we gave has the token in it, and Nova looks for it. Somebody may have given it
 * another one: what is not found so is looked for among all of the project's. */
int stack_find_server(struct stack *stack, struct stack_site *site, const char *token,
                      int64_t until_ms, struct os_servers *ret, const struct os_server **ret_row,
                      struct mir_error *err)
{
    if (list_named(stack, site, token, true, until_ms, ret, ret_row, err))
        return -1;
    if (*ret_row)
        return 0;
    os_servers_clear(ret);
    if (list_named(stack, site, token, false, until_ms, ret, ret_row, err))
        return -1;
    return *ret_row ? 0 : get_new(stack, site, token, until_ms, ret, ret_row, err);
}

/* --- as the provider's noun --- */

static enum mir_instance_state state_of(const struct os_server *row)
{
    static const struct {
        const char *status;
        enum mir_instance_state state;
    } states[] = {
        {"BUILD", MIR_INSTANCE_STARTING}, {"ACTIVE", MIR_INSTANCE_RUNNING},
        {"SHUTOFF", MIR_INSTANCE_ENDED},  {"ERROR", MIR_INSTANCE_ENDED},
        {"DELETED", MIR_INSTANCE_ENDED},  {"SOFT_DELETED", MIR_INSTANCE_ENDED},
    };
    static const char *const stops[] = {"deleting", "soft-deleting", "powering-off"};
    for (size_t i = 0; i < MIR_NELEMS(stops); i++)
        if (!strcmp(row->task_state, stops[i]) && strcmp(row->status, "ERROR") != 0)
            return MIR_INSTANCE_STOPPING;
    for (size_t i = 0; i < MIR_NELEMS(states); i++)
        if (!strcmp(states[i].status, row->status))
            return states[i].state;
    return MIR_INSTANCE_RUNNING; /* paused, shelved, or a state that nobody knows yet: it costs */
}

static void reason_of(const struct os_server *row, char *out, size_t size)
{
    if (row->fault && *row->fault)
        snprintf(out, size, "%.150s", row->fault);
    else if (!strcmp(row->status, "SHUTOFF"))
        mir_copy(out, size, "powered off");
    else
        snprintf(out, size, "%.60s %.60s", row->status, row->task_state);
}

/* "port ID,security-group ID": what was made before the server was. */
void stack_things_read(const char *text, struct mir_instance *ret)
{
    char kind[16], id[OS_ID_TEXT];
    while (text && *text) {
        size_t len = strcspn(text, ",");
        mir_auto_free char *one = mir_format("%.*s", (int)len, text);
        if (sscanf(one, "%15s %71s", kind, id) == 2)
            stack_add_object(ret, kind, id);
        text += len + (text[len] == ',');
    }
}

/* The first of that version of IP; "" none. */
static const char *address_of(const struct os_server *row, int version)
{
    for (size_t i = 0; i < row->network_count; i++)
        for (size_t j = 0; j < row->networks[i].address_count; j++)
            if (row->networks[i].addresses[j].version == version)
                return row->networks[i].addresses[j].address;
    return "";
}

/* The floating one, or its own of IPv4, is what it is reached at; of IPv6, where there is no
 * other. */
static void read_address(const struct os_server *row, struct mir_instance *ret)
{
    const char *kept = os_pair_value(row->metadata, row->metadata_count, MARK_ADDRESS);
    const char *first = kept && *kept ? kept : address_of(row, 4), *sixth = address_of(row, 6);
    if (!*first) {
        first = sixth;
        sixth = "";
    }
    if (mir_copy(ret->address, sizeof ret->address, first))
        ret->address[0] = '\0';
    if (mir_copy(ret->address6, sizeof ret->address6, sixth))
        ret->address6[0] = '\0';
}

void stack_server_read(const struct os_server *row, struct mir_instance *ret)
{
    const char *name = os_pair_value(row->metadata, row->metadata_count, MARK_NAME);
    *ret = (struct mir_instance){.state = state_of(row), .started_ms = row->created_s * 1000};
    mir_copy(ret->id, sizeof ret->id, row->id);
    mir_copy(ret->name, sizeof ret->name, name ? name : "");
    stack_marks_read(row->metadata, row->metadata_count, &ret->tags);
    read_address(row, ret);
    if (ret->state == MIR_INSTANCE_ENDED || ret->state == MIR_INSTANCE_STOPPING)
        reason_of(row, ret->end_reason, sizeof ret->end_reason);
    stack_things_read(os_pair_value(row->metadata, row->metadata_count, MARK_THINGS), ret);
    for (size_t i = 0; i < row->volume_count; i++)
        if (row->volumes[i].delete_on_termination)
            stack_add_object(ret, "volume", row->volumes[i].id);
}
