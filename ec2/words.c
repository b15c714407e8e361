/* SPDX-License-Identifier: ISC */
#include "words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"

/* Where a line is split. */
struct splitter {
    const char *at, *end;
    char *word; /* room for the whole line */
    size_t len;
};

void ec2_words_free(char **words)
{
    for (char **word = words; word && *word; word++)
        free(*word);
    free(words);
}

static bool separates(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void keep(struct splitter *s, char c)
{
    s->word[s->len++] = c;
}

/* A backslash: in double quotes it hides only those and itself. */
static int escaped(struct splitter *s, char quote, struct mir_error *err)
{
    if (s->at == s->end)
        return mir_fail(err, MIR_USAGE, "a backslash with nothing behind it");
    char c = *s->at++;
    if (quote && c != quote && c != '\\')
        keep(s, '\\');
    keep(s, c);
    return 0;
}

static int quoted(struct splitter *s, char quote, struct mir_error *err)
{
    while (s->at < s->end) {
        char c = *s->at++;
        if (c == quote)
            return 0;
        if (c != '\\' || quote == '\'')
            keep(s, c);
        else if (escaped(s, quote, err))
            return -1;
    }
    return mir_fail(err, MIR_USAGE, "a quote that is not closed");
}

/* One word, which begins here. */
static int next_word(struct splitter *s, struct mir_error *err)
{
    s->len = 0;
    while (s->at < s->end && !separates(*s->at)) {
        char c = *s->at++;
        int rc = 0;
        if (c == '\'' || c == '"')
            rc = quoted(s, c, err);
        else if (c == '\\')
            rc = escaped(s, 0, err);
        else
            keep(s, c);
        if (rc)
            return -1;
    }
    keep(s, '\0');
    return 0;
}

char **ec2_words_split(const char *text, size_t len, size_t *ret_count, struct mir_error *err)
{
    struct splitter s = {text, text + len, mir_calloc(len + 1, 1), 0};
    char **words = mir_calloc(EC2_WORDS_MAX + 1, sizeof *words);
    size_t count = 0;
    int rc = 0;
    for (;;) {
        while (s.at < s.end && separates(*s.at))
            s.at++;
        if (s.at == s.end)
            break;
        if (count == EC2_WORDS_MAX)
            rc = mir_fail(err, MIR_USAGE, "more than %d words", EC2_WORDS_MAX);
        if (rc || (rc = next_word(&s, err)))
            break;
        words[count++] = mir_strdup(s.word);
    }
    free(s.word);
    if (rc) {
        ec2_words_free(words);
        return NULL;
    }
    *ret_count = count;
    return words;
}
