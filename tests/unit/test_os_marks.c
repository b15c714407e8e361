/* SPDX-License-Identifier: ISC */
/* What tells that a thing is ours, both ways; and that half of it is nobody's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/memory.h"
#include "stack.h"

#define INSTALLATION "0123456789abcdef0123456789abcdef"
#define TOKEN "fedcba9876543210fedcba9876543210"
#define SIGNATURE "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"

static struct mir_tags ours(void)
{
    struct mir_tags tags = {.expires_s = 1796065507};
    mir_copy(tags.installation, sizeof tags.installation, INSTALLATION);
    mir_copy(tags.deployment, sizeof tags.deployment, TOKEN);
    mir_copy(tags.signature, sizeof tags.signature, SIGNATURE);
    return tags;
}

static void text_there_and_back(void **state)
{
    const struct mir_tags tags = ours();
    struct mir_tags back;
    char text[STACK_TEXT];
    stack_text_make(&tags, text);
    assert_string_equal(text,
                        "mirage-deploy " INSTALLATION " " TOKEN " 2026-11-30T19:05:07Z " SIGNATURE);
    assert_true(strlen(text) <= 255); /* Neutron's descriptions */
    stack_text_read(text, &back);
    assert_memory_equal(&back, &tags, sizeof tags);
    /* The longest there can be. */
    struct mir_tags forever = tags;
    forever.expires_s = MIR_FOREVER_S;
    stack_text_make(&forever, text);
    stack_text_read(text, &back);
    assert_memory_equal(&back, &forever, sizeof forever);
}

static void text_of_others(void **state)
{
    static const char *const texts[] = {
        NULL,
        "",
        "default security group",
        "mirage-deploy",
        "mirage-deploy ",
        "mirage-deploy " INSTALLATION,
        "mirage-deploy " INSTALLATION " " TOKEN " 2026-11-30T19:05:07Z",
        "mirage-deploy " INSTALLATION " " TOKEN " 2026-11-30T19:05:07Z ",
        "mirage-deploy " INSTALLATION " " TOKEN " soon " SIGNATURE,
        "mirage-deploy " INSTALLATION " " TOKEN " 2026-11-30T19:05:07Z " SIGNATURE " more",
        "mirage-deploy " INSTALLATION " " TOKEN " 2026-11-30T19:05:07Z " SIGNATURE "0",
        "mirage-deploy  " TOKEN " 2026-11-30T19:05:07Z " SIGNATURE,
        "Mirage-deploy " INSTALLATION " " TOKEN " 2026-11-30T19:05:07Z " SIGNATURE,
        "mirage-deploy " INSTALLATION INSTALLATION INSTALLATION " " TOKEN
        " 2026-11-30T19:05:07Z " SIGNATURE,
    };
    for (size_t i = 0; i < MIR_NELEMS(texts); i++) {
        struct mir_tags tags = ours();
        stack_text_read(texts[i], &tags);
        if (*tags.deployment)
            fail_msg("taken for ours: %s", texts[i]);
    }
}

static void pairs(void **state)
{
    const struct mir_tags tags = ours();
    struct stack_marks marks;
    struct os_found_pair found[STACK_MARKS_MAX];
    struct mir_tags back;
    stack_marks_fill(&marks, &tags, "one");
    assert_int_equal(marks.count, 5);
    for (size_t i = 0; i < marks.count; i++) { /* borrowed, for the test alone */
        found[i].name = (char *)(uintptr_t)marks.rows[i].name;
        found[i].value = (char *)(uintptr_t)marks.rows[i].value;
    }
    stack_marks_read(found, marks.count, &back);
    assert_memory_equal(&back, &tags, sizeof tags);
    /* Each of the four is needed; the name is not. */
    for (size_t i = 0; i < marks.count; i++) {
        char *value = found[i].value;
        found[i].value = NULL;
        stack_marks_read(found, marks.count, &back);
        assert_int_equal(*back.deployment != '\0', i == 4);
        found[i].value = value;
    }
    for (size_t i = 0; i < 2 * STACK_MARKS_MAX; i++)
        stack_marks_add(&marks, "a", "b");
    assert_int_equal(marks.count, STACK_MARKS_MAX);
}

static void whose(void **state)
{
    struct stack stack = {.installation = INSTALLATION};
    struct mir_tags tags = ours(), none = {.expires_s = 0};
    assert_true(stack_is_of(&stack, &tags, NULL));
    assert_true(stack_is_of(&stack, &tags, TOKEN));
    assert_false(stack_is_of(&stack, &tags, INSTALLATION));
    assert_false(stack_is_of(&stack, &none, NULL));
    stack.installation[0] = 'f';
    assert_false(stack_is_of(&stack, &tags, NULL));
}

/* Where the key is known, nothing else is by anybody's word. */
static void signed_by_whom(void **state)
{
    static const unsigned char key[32] = "ours", another[32] = "another";
    struct stack stack = {.installation = INSTALLATION, .tag_key = key};
    struct mir_tags tags = ours();
    assert_false(stack_is_of(&stack, &tags, TOKEN));
    mir_tags_sign(&tags, another);
    assert_false(stack_is_of(&stack, &tags, TOKEN));
    mir_tags_sign(&tags, key);
    assert_true(stack_is_of(&stack, &tags, TOKEN));
    tags.expires_s++;
    assert_false(stack_is_of(&stack, &tags, TOKEN));
}

static void lease_names(void **state)
{
    static const unsigned char key[32] = {1}, another[32] = {2};
    struct stack stack = {.tag_key = key}, other = {.tag_key = another}, elsewhere, blind = {0};
    char name[STACK_LEASE_NAME], wrong[STACK_LEASE_NAME + 8], token[MIR_ID_TEXT];
    mir_copy(stack.installation, sizeof stack.installation, INSTALLATION);
    mir_copy(other.installation, sizeof other.installation, INSTALLATION);
    elsewhere = (struct stack){.tag_key = key};
    mir_copy(elsewhere.installation, sizeof elsewhere.installation, TOKEN);
    stack_lease_name(&stack, TOKEN, name);
    assert_int_equal(strlen(name), 80); /* Blazar takes no more */
    assert_int_equal(strncmp(name, "mirage-" TOKEN "-", 40), 0);
    stack_lease_token(&stack, name, token);
    assert_string_equal(token, TOKEN);
    /* Of another key, of another installation, without a key: nobody's. */
    const struct stack *const strangers[] = {&other, &elsewhere, &blind};
    for (size_t i = 0; i < MIR_NELEMS(strangers); i++) {
        stack_lease_token(strangers[i], name, token);
        assert_string_equal(token, "");
    }
    stack_lease_name(&blind, TOKEN, wrong);
    assert_string_equal(wrong, "mirage-" TOKEN);
    /* Not one byte of it may be another. */
    for (size_t i = 0; i < strlen(name); i++) {
        mir_copy(wrong, sizeof wrong, name);
        wrong[i] = wrong[i] == 'x' ? 'y' : 'x';
        stack_lease_token(&stack, wrong, token);
        assert_string_equal(token, "");
    }
    const char *const others[] = {NULL, "", "mirage-", "mirage-" TOKEN, name + 1};
    for (size_t i = 0; i < MIR_NELEMS(others); i++) {
        stack_lease_token(&stack, others[i], token);
        assert_string_equal(token, "");
    }
    snprintf(wrong, sizeof wrong, "%sx", name);
    stack_lease_token(&stack, wrong, token);
    assert_string_equal(token, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_there_and_back),
        cmocka_unit_test(text_of_others),
        cmocka_unit_test(lease_names),
        cmocka_unit_test(pairs),
        cmocka_unit_test(whose),
        cmocka_unit_test(signed_by_whom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
