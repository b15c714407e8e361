/* SPDX-License-Identifier: ISC */
#include "carrier_word.h"

#include <stdio.h>
#include <string.h>

#include "api/memory.h"

#define HEAD "carrier["
#define SAYS "] power off: "

/* The first words of images/carrier/init/off.c. */
static const char *const reasons[] = {"deadline",      "ttl",    "guest ended", "guest failed",
                                      "configuration", "memory", "no network",  "start failed"};

/* "12.345" at p, within len; its length, or 0. */
static size_t seconds_len(const char *p, size_t len)
{
    static const char digits[] = "0123456789";
    size_t n = 0, point;
    while (n < len && strchr(digits, p[n]) && p[n])
        n++;
    point = n;
    if (!n || n >= len || p[n++] != '.')
        return 0;
    while (n < len && strchr(digits, p[n]) && p[n])
        n++;
    return n > point + 1 ? n : 0;
}

/* Stands behind the reason: nothing, or what it is about. */
static bool is_reason(const char *text, size_t len)
{
    for (size_t i = 0; i < MIR_NELEMS(reasons); i++) {
        size_t n = strlen(reasons[i]);
        if (len >= n && !memcmp(text, reasons[i], n) &&
            (len == n || (len > n + 2 && !memcmp(text + n, ": ", 2))))
            return true;
    }
    return false;
}

static bool take_line(const char *line, size_t len, char out[MIRD_CARRIER_WORD_MAX])
{
    const size_t head = sizeof HEAD - 1, says = sizeof SAYS - 1;
    if (len < head || memcmp(line, HEAD, head) != 0)
        return false;
    size_t at = seconds_len(line + head, len - head);
    if (!at || len - head - at < says || memcmp(line + head + at, SAYS, says) != 0)
        return false;
    const char *text = line + head + at + says;
    size_t left = len - head - at - says;
    if (!is_reason(text, left))
        return false;
    size_t n = left < MIRD_CARRIER_WORD_MAX ? left : MIRD_CARRIER_WORD_MAX - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(text[i] ? text[i] : '?');
    out[n] = '\0';
    mird_text_clean(out);
    return true;
}

bool mird_carrier_word(const char *console, size_t len, char out[MIRD_CARRIER_WORD_MAX])
{
    bool found = false;
    size_t begin = 0;
    for (size_t end = 0; end <= len; end++)
        if (end == len || console[end] == '\n' || console[end] == '\r') {
            found = take_line(console + begin, end - begin, out) || found;
            begin = end + 1;
        }
    return found;
}

void mird_carrier_word_join(const char word[MIRD_CARRIER_WORD_MAX], struct mir_instance *instance)
{
    char joined[sizeof instance->end_reason];
    const char *said = *instance->end_reason ? instance->end_reason : "powered off";
    if (!strcmp(said, "deadline"))
        return;
    if (!strcmp(word, "deadline") || !strncmp(word, "deadline: ", 10))
        snprintf(joined, sizeof joined, "deadline");
    else
        snprintf(joined, sizeof joined, "%.60s: %s", said, word);
    mir_copy(instance->end_reason, sizeof instance->end_reason, joined);
}
