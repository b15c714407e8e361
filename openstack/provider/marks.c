/* SPDX-License-Identifier: ISC */
/* What tells that a thing is ours, both ways: pairs where the service has them, one text where it
 * has a description alone. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "stack.h"

#define TEXT_HEAD "mirage-deploy"
#define NAME_HEAD "mirage-"
#define NAME_MAC 40 /* hex digits: 160 bits */

void stack_marks_add(struct stack_marks *marks, const char *name, const char *value)
{
    if (marks->count < STACK_MARKS_MAX)
        marks->rows[marks->count++] = (struct os_pair){.name = name, .value = value};
}

void stack_marks_fill(struct stack_marks *ret, const struct mir_tags *tags, const char *name)
{
    ret->count = 0;
    mir_time_format(tags->expires_s, ret->expires);
    stack_marks_add(ret, MARK_INSTALLATION, tags->installation);
    stack_marks_add(ret, MARK_DEPLOYMENT, tags->deployment);
    stack_marks_add(ret, MARK_EXPIRES, ret->expires);
    stack_marks_add(ret, MARK_SIGNATURE, tags->signature);
    if (name && *name)
        stack_marks_add(ret, MARK_NAME, name);
}

/* Each of the four has to be there and fit: half of them are nobody's. */
static void read_four(const char *const texts[4], struct mir_tags *ret)
{
    struct mir_tags tags = {.expires_s = 0};
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < 4; i++)
        if (!texts[i] || !*texts[i])
            return;
    if (mir_copy(tags.installation, sizeof tags.installation, texts[0]) ||
        mir_copy(tags.deployment, sizeof tags.deployment, texts[1]) ||
        mir_time_parse(texts[2], &tags.expires_s, NULL) ||
        mir_copy(tags.signature, sizeof tags.signature, texts[3]))
        return;
    *ret = tags;
}

void stack_marks_read(const struct os_found_pair *pairs, size_t count, struct mir_tags *ret)
{
    const char *const texts[4] = {os_pair_value(pairs, count, MARK_INSTALLATION),
                                  os_pair_value(pairs, count, MARK_DEPLOYMENT),
                                  os_pair_value(pairs, count, MARK_EXPIRES),
                                  os_pair_value(pairs, count, MARK_SIGNATURE)};
    read_four(texts, ret);
}

void stack_text_make(const struct mir_tags *tags, char out[STACK_TEXT])
{
    char expires[MIR_TIME_SIZE];
    mir_time_format(tags->expires_s, expires);
    snprintf(out, STACK_TEXT, TEXT_HEAD " %s %s %s %s", tags->installation, tags->deployment,
             expires, tags->signature);
}

void stack_text_read(const char *text, struct mir_tags *ret)
{
    char words[4][80] = {"", "", "", ""};
    size_t len = strlen(TEXT_HEAD);
    memset(ret, 0, sizeof *ret);
    if (!text || strncmp(text, TEXT_HEAD " ", len + 1) != 0)
        return;
    const char *p = text + len;
    for (size_t i = 0; i < MIR_NELEMS(words) && *p == ' '; i++) {
        size_t word = strcspn(++p, " ");
        if (word >= sizeof words[i])
            return;
        memcpy(words[i], p, word);
        p += word;
    }
    const char *const texts[4] = {words[0], words[1], words[2], words[3]};
    if (!*p)
        read_four(texts, ret);
}

void stack_thing_name(const char *token, char out[STACK_NAME_TEXT])
{
    snprintf(out, STACK_NAME_TEXT, NAME_HEAD "%.32s", token);
}

/* What a signature of tags would say of no moment at all, as much of it as there is room for. No
 * tags say that moment, so none can be made of it. */
static void sign_name(const struct stack *stack, const char *token, char out[NAME_MAC + 1])
{
    struct mir_tags tags = {.expires_s = 0};
    mir_copy(tags.installation, sizeof tags.installation, stack->installation);
    mir_copy(tags.deployment, sizeof tags.deployment, token);
    mir_tags_sign(&tags, stack->tag_key);
    snprintf(out, NAME_MAC + 1, "%.*s", NAME_MAC, tags.signature);
}

void stack_lease_name(const struct stack *stack, const char *token, char out[STACK_LEASE_NAME])
{
    char mac[NAME_MAC + 1] = "";
    if (stack->tag_key)
        sign_name(stack, token, mac);
    snprintf(out, STACK_LEASE_NAME, NAME_HEAD "%.32s%s%s", token, *mac ? "-" : "", mac);
}

void stack_lease_token(const struct stack *stack, const char *name, char ret[MIR_ID_TEXT])
{
    char token[MIR_ID_TEXT] = "", right[STACK_LEASE_NAME];
    ret[0] = '\0';
    if (!stack->tag_key || !name || strlen(name) != STACK_LEASE_NAME - 1)
        return;
    snprintf(token, sizeof token, "%s", name + strlen(NAME_HEAD));
    stack_lease_name(stack, token, right);
    if (strlen(right) == STACK_LEASE_NAME - 1 && !CRYPTO_memcmp(name, right, STACK_LEASE_NAME - 1))
        mir_copy(ret, MIR_ID_TEXT, token);
}

bool stack_is_of(const struct stack *stack, const struct mir_tags *tags, const char *token)
{
    return *tags->deployment && !strcmp(tags->installation, stack->installation) &&
           (!token || !strcmp(tags->deployment, token)) &&
           (!stack->tag_key || mir_tags_verify(tags, stack->tag_key));
}
