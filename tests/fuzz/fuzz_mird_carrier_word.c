/* SPDX-License-Identifier: ISC */
/* Arbitrary bytes as the end of a console: a word that is found has no control character, begins
 * with a reason, and stands behind "power off: " in what was given; with "guest| " in front of each
 * line none is found. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "carrier_word.h"

#define CONSOLE_MAX 4096
#define PREFIX "guest| "

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds)
        abort();
}

static size_t prefixed(const char *text, size_t len, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i == 0 || text[i - 1] == '\n' || text[i - 1] == '\r') {
            memcpy(out + n, PREFIX, sizeof PREFIX - 1);
            n += sizeof PREFIX - 1;
        }
        if (i < len)
            out[n++] = text[i];
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char guest[CONSOLE_MAX * sizeof PREFIX + sizeof PREFIX];
    const char *text = (const char *)data;
    char word[MIRD_CARRIER_WORD_MAX];
    struct mir_instance instance = {.state = MIR_INSTANCE_ENDED};
    if (size > CONSOLE_MAX)
        return 0;
    if (mird_carrier_word(text, size, word)) {
        must(strlen(word) >= 3 && strlen(word) < sizeof word);
        for (const char *p = word; *p; p++)
            must((unsigned char)*p >= 0x20 && *p != 0x7f);
        must(memmem(text, size, "] power off: ", 13) != NULL);
        mird_carrier_word_join(word, &instance);
        must(*instance.end_reason != '\0');
    }
    must(!mird_carrier_word(guest, prefixed(text, size, guest), word));
    return 0;
}
