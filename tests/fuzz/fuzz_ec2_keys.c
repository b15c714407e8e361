/* SPDX-License-Identifier: ISC */
/* What programs and services print as credentials, and lines that are split into words. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_keys(const char *text, size_t len, enum ec2_key_names names)
{
    struct ec2_credentials c = {0};
    struct mir_error err = {0};
    if (!ec2_keys_from_json(text, len, names, "it", "source", &c, &err)) {
        for (const char *p = c.access_key_id; *p; p++)
            if (!isgraph((unsigned char)*p))
                abort(); /* it goes into a header */
        if (!*c.access_key_id || mir_secret_empty(&c.secret) ||
            strpbrk(mir_secret_text(&c.session_token), "\r\n "))
            abort();
    } else if (!err.kind || !*err.text || c.secret.text) {
        abort();
    }
    ec2_credentials_clear(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    size_t count = 0;
    read_keys(text, size, EC2_KEYS_PROCESS);
    read_keys(text, size, EC2_KEYS_SERVICE);
    char **words = ec2_words_split(text, size, &count, NULL);
    if (words && (count > EC2_WORDS_MAX || words[count]))
        abort();
    ec2_words_free(words);
    return 0;
}
