/* SPDX-License-Identifier: ISC */
#include "api/suggest.h"

#include <string.h>

#define NAME_MAX_LEN 64

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Edits (insert, delete, change, swap of neighbours) from a to b; both at most NAME_MAX_LEN. */
static size_t edits(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    size_t rows[3][NAME_MAX_LEN + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= lb; j++)
        last[j] = j;
    for (size_t i = 1; i <= la; i++) {
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        size_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[lb];
}

const char *mir_suggest(const char *wrong, const char *const *names, size_t count)
{
    size_t len = strlen(wrong);
    if (len == 0 || len > NAME_MAX_LEN)
        return NULL;
    const char *best = NULL;
    size_t best_edits = len / 3 > 0 ? len / 3 : 1;
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) > NAME_MAX_LEN)
            continue;
        size_t n = edits(wrong, names[i]);
        if (n < best_edits || (n == best_edits && !best)) {
            best = names[i];
            best_edits = n;
        }
    }
    return best;
}
