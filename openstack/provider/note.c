/* SPDX-License-Identifier: ISC */
/* What a mirage-reap elsewhere leaves for the daemon: a property of an image without bytes, in the
 * usual project of both. Every cloud has Glance; such an image takes no room, and nobody but the
 * project sees it. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "openstack/identity.h"
#include "stack.h"

#define MARK_NOTE "mirage-deploy:note"
#define MARK_SEEN "mirage-deploy:seen" /* of a server: a reaper may write to it */

static int usual(void *ctx, struct stack_site **ret, int64_t *ret_until_ms, struct mir_error *err)
{
    if (stack_site(ctx, "", "", ret, err))
        return -1;
    *ret_until_ms = os_until((*ret)->session, STACK_LOOK_MS);
    return 0;
}

int stack_caller(void *ctx, struct mir_caller *ret, struct mir_error *err)
{
    os_auto_who struct os_who who = {.user_name = NULL};
    struct stack_site *site;
    int64_t until_ms;
    if (usual(ctx, &site, &until_ms, err) || os_who_am_i(site->session, until_ms, &who, err))
        return -1;
    struct mir_caller made = {.account = ""};
    mir_copy(made.account, sizeof made.account, who.project_id);
    snprintf(made.name, sizeof made.name, "%.100s of %.100s", who.user_name ? who.user_name : "?",
             who.project_name ? who.project_name : who.project_id);
    *ret = made;
    return 0;
}

/* --- what the last whole sweep has seen --- */

/* Whoever may list may not be allowed to end, and nothing can be asked for without doing it here:
 * but who may write to a server of ours has the role by which it is ended, too. */
static int may_end(const struct stack_swept *swept, struct mir_error *err)
{
    static const struct os_pair seen = {MARK_SEEN, "yes"};
    struct mir_error said = {0};
    if (!*swept->server)
        return 0;
    const struct os_session *session = swept->site->session;
    int rc = os_server_set_metadata(swept->site->session, swept->server, &seen, 1,
                                    os_until(session, STACK_LOOK_MS), &said);
    return stack_gone(rc, &said, err)
               ? mir_error_wrap(err, "%s in cloud %s", swept->server, swept->site->cloud)
               : 0;
}

int stack_covered(void *ctx, char ret_places[MIR_PLACES_TEXT], struct mir_error *err)
{
    struct stack *stack = ctx;
    pthread_mutex_lock(&stack->lock);
    struct stack_swept swept = stack->swept;
    pthread_mutex_unlock(&stack->lock);
    if (may_end(&swept, err))
        return -1;
    mir_copy(ret_places, MIR_PLACES_TEXT, swept.places);
    return 0;
}

/* --- the note --- */

static void name_note(const struct stack *stack, char out[STACK_NAME_TEXT])
{
    snprintf(out, STACK_NAME_TEXT, "mirage-deploy-reaper-%.32s", stack->installation);
}

/* ret->count 0: there is none. Somebody may have made a second one; the newest counts. */
static int find(struct stack *stack, struct stack_site *site, int64_t until_ms,
                struct os_images *ret, const struct os_image **ret_row, struct mir_error *err)
{
    char name[STACK_NAME_TEXT], project[OS_ID_TEXT];
    const struct os_list_images args = {.name = name, .owner = project};
    name_note(stack, name);
    if (stack_project(stack, site, until_ms, project, err) ||
        os_image_list(site->session, &args, until_ms, ret, err))
        return -1;
    *ret_row = NULL;
    for (size_t i = 0; i < ret->count; i++)
        if (!*ret_row || ret->rows[i].updated_s > (*ret_row)->updated_s)
            *ret_row = &ret->rows[i];
    return 0;
}

static int make(struct stack *stack, struct stack_site *site, const char *text, int64_t until_ms,
                struct mir_error *err)
{
    os_auto_image struct os_image made = {.name = NULL};
    char name[STACK_NAME_TEXT];
    const struct os_pair note = {MARK_NOTE, text};
    const struct os_create_image args = {.name = name,
                                         .disk_format = "raw",
                                         .container_format = "bare",
                                         .visibility = "private",
                                         .properties = &note,
                                         .property_count = 1};
    name_note(stack, name);
    return os_image_create(site->session, &args, until_ms, &made, err);
}

int stack_note_put(void *ctx, const char *text, struct mir_error *err)
{
    os_auto_images struct os_images found = {.rows = NULL};
    const struct os_pair note = {MARK_NOTE, text};
    const struct os_image *row;
    struct stack_site *site;
    int64_t until_ms;
    if (usual(ctx, &site, &until_ms, err) || find(ctx, site, until_ms, &found, &row, err))
        return -1;
    return row ? os_image_set(site->session, row->id, &note, 1, until_ms, NULL, err)
               : make(ctx, site, text, until_ms, err);
}

int stack_note_get(void *ctx, struct mir_buf *out, struct mir_error *err)
{
    os_auto_images struct os_images found = {.rows = NULL};
    const struct os_image *row;
    struct stack_site *site;
    int64_t until_ms;
    if (usual(ctx, &site, &until_ms, err) || find(ctx, site, until_ms, &found, &row, err))
        return -1;
    const char *text = row ? os_pair_value(row->properties, row->property_count, MARK_NOTE) : NULL;
    if (!text || !*text)
        return mir_fail(err, MIR_NOT_FOUND, "no mirage-reap has left a note");
    if (strlen(text) > MIR_NOTE_MAX)
        return mir_fail(err, MIR_CORRUPT, "image %s holds more than a note is", row->id);
    mir_buf_adds(out, text);
    return 0;
}
