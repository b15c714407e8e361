/* SPDX-License-Identifier: ISC */
/* What there is of an upload: images with the deployment's marks, of which a kernel that the cloud
 * loads by itself has two. An image that another deployment of this installation has made is only
 * borrowed. */
#include <string.h>

#include "api/memory.h"
#include "stack.h"

int stack_images_find(struct stack *stack, struct stack_site *site, int64_t until_ms,
                      struct os_images *ret, struct mir_error *err)
{
    static const char *const tags[] = {STACK_TAG};
    char project[OS_ID_TEXT];
    const struct os_list_images args = {.owner = project, .tags = tags, .tag_count = 1};
    return stack_project(stack, site, until_ms, project, err) ||
                   os_image_list(site->session, &args, until_ms, ret, err)
               ? -1
               : 0;
}

static bool is_of(const struct stack *stack, const struct os_image *row, const char *token,
                  struct mir_tags *tags)
{
    stack_marks_read(row->properties, row->property_count, tags);
    return stack_is_of(stack, tags, token) && strcmp(row->status, "deleted") != 0;
}

static void read_images(const struct stack *stack, const struct os_images *found, const char *token,
                        struct mir_instance *ret)
{
    *ret = (struct mir_instance){.kind = MIR_OBJECT_IMAGE, .state = MIR_INSTANCE_ABSENT};
    for (size_t i = 0; i < found->count; i++) {
        const struct os_image *row = &found->rows[i];
        struct mir_tags tags;
        if (!is_of(stack, row, token, &tags))
            continue;
        if (ret->state == MIR_INSTANCE_ABSENT) {
            mir_copy(ret->id, sizeof ret->id, row->id);
            ret->tags = tags;
            ret->state = MIR_INSTANCE_RUNNING;
        }
        stack_add_object(ret, "image", row->id);
    }
}

static int look_at(struct stack *stack, struct stack_site *site, const char *token,
                   int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    os_auto_images struct os_images found = {.rows = NULL};
    if (stack_images_find(stack, site, until_ms, &found, err))
        return -1;
    read_images(stack, &found, token, ret);
    return 0;
}

/* What a server that is just ending still uses is a matter of time; what somebody has protected is
 * told. */
static int delete_at(struct stack *stack, struct stack_site *site, const char *token,
                     int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    os_auto_images struct os_images found = {.rows = NULL};
    struct mir_error first = {0};
    if (stack_images_find(stack, site, until_ms, &found, err) || mir_fence_check(stack->fence, err))
        return -1;
    read_images(stack, &found, token, ret);
    for (size_t i = 0; i < found.count; i++) {
        struct mir_tags tags;
        struct mir_error said = {0};
        if (is_of(stack, &found.rows[i], token, &tags) &&
            os_image_delete(site->session, found.rows[i].id, until_ms, &said) &&
            said.kind != MIR_NOT_FOUND && said.kind != MIR_CONFLICT)
            stack_keep_first(-1, &said, &first);
    }
    return first.kind == MIR_OK ? 0 : stack_said(&first, err);
}

int stack_image_get(void *ctx, const char *token, struct mir_instance *ret, struct mir_error *err)
{
    return stack_somewhere(ctx, token, look_at, ret, err);
}

/* image_id may be another deployment's, which is borrowed: what is ours carries our token. */
int stack_image_delete(void *ctx, const char *token, const char *image_id, struct mir_error *err)
{
    struct mir_instance found;
    (void)image_id;
    return stack_somewhere(ctx, token, delete_at, &found, err);
}
