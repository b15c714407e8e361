/* SPDX-License-Identifier: ISC */
/* Descriptions and lists that anybody in a project may write: what is taken for ours is written
 * again as it was read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char key[32] = {1};
    const struct stack stack = {.tag_key = key, .installation = "i"};
    char *text = mir_calloc(1, size + 1), again[STACK_TEXT], token[MIR_ID_TEXT];
    struct mir_tags tags, back;
    struct mir_instance instance = {.object_count = 0};
    int64_t micro;
    if (size)
        memcpy(text, data, size);
    stack_text_read(text, &tags);
    if (*tags.deployment) {
        stack_text_make(&tags, again);
        stack_text_read(again, &back);
        if (memcmp(&tags, &back, sizeof tags) != 0)
            abort();
    }
    stack_lease_token(&stack, text, token);
    if (*token) /* nobody makes 160 bits that are right */
        abort();
    stack_things_read(text, &instance);
    (void)stack_price_of(text, "m1.tiny", &micro);
    free(text);
    return 0;
}
