/* SPDX-License-Identifier: ISC */
/*
 * Configuration files: `key = value` lines under optional [section] heads, `#` or `;` comments.
 * Several files are read, the later ones shadowed by the earlier; every value knows the file and
 * line it came from, for `config list --show-origin` and for error messages.
 *
 * Immutable after loading; any thread may read.
 */
#ifndef API_CONFIG_H
#define API_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "api/error.h"

#define MIR_CONFIG_FILE_MAX 65536 /* bytes of one file */

struct mir_config; /* opaque */

struct mir_config_entry {
    const char *section; /* "" for the head of the file */
    const char *key;
    const char *value;
    const char *file;
    unsigned line;
};

/* Reads ./mirage-deploy.ini, then $XDG_CONFIG_HOME (or ~/.config)/mirage-deploy/config, then
 * /etc/mirage-deploy/config; the first to name a key wins. MIRAGE_DEPLOY_CONFIG names one file to
 * read instead of the three. Absent files are skipped. Unparsable lines give MIR_USAGE with file
 * and line. Returns owned. */
int mir_config_load(struct mir_config **ret_config, struct mir_error *err);
int mir_config_load_file(const char *path, struct mir_config **ret_config, struct mir_error *err);
struct mir_config *mir_config_new(void); /* an empty one */
void mir_config_free(struct mir_config *config);

/* The winning value, borrowed; NULL when no file names it. section "" is the head. */
const char *mir_config_get(const struct mir_config *config, const char *section, const char *key);

/* The same of one that may be empty: NULL, too, when nothing stands there, or there is no config.
 */
const char *mir_config_said(const struct mir_config *config, const char *section, const char *key);

/* A text that is copied to a place of the caller's. */
struct mir_config_text {
    const char *key;
    char *field;
    size_t size;
};

/* Fields of what nobody said stay as they are. *ret_any (NULL allowed): something was said.
 * MIR_USAGE: longer than its place. */
int mir_config_texts(const struct mir_config *config, const char *section,
                     const struct mir_config_text *rows, size_t count, bool *ret_any,
                     struct mir_error *err);

/* Which of them was said (choices end with NULL); the first where nobody said anything. MIR_USAGE:
 * another word, with those there are. */
int mir_config_choice(const struct mir_config *config, const char *section, const char *key,
                      const char *const *choices, int *ret, struct mir_error *err);

/* All entries, winners before those they shadow. Borrowed. */
const struct mir_config_entry *mir_config_entries(const struct mir_config *config,
                                                  size_t *ret_count);

#endif
