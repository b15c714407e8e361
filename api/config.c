/* SPDX-License-Identifier: ISC */
#include "api/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"

struct mir_config {
    struct mir_config_entry *entries; /* fields owned, file names by `files` */
    size_t count;
    char *files[3];
    size_t file_count;
};

struct mir_config *mir_config_new(void)
{
    return mir_calloc(1, sizeof(struct mir_config));
}

void mir_config_free(struct mir_config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->count; i++) {
        free((char *)(uintptr_t)config->entries[i].section);
        free((char *)(uintptr_t)config->entries[i].key);
        free((char *)(uintptr_t)config->entries[i].value);
    }
    for (size_t i = 0; i < config->file_count; i++)
        free(config->files[i]);
    free(config->entries);
    free(config);
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

static void add(struct mir_config *config, const char *section, const char *key, const char *value,
                const char *file, unsigned line)
{
    config->entries = mir_realloc(config->entries, config->count + 1, sizeof *config->entries);
    config->entries[config->count++] = (struct mir_config_entry){
        mir_strdup(section), mir_strdup(key), mir_strdup(value), file, line};
}

/* One line; *section is the head under which it stands and may change. */
static int parse_line(struct mir_config *config, char *text, char **section, const char *file,
                      unsigned line, struct mir_error *err)
{
    text = trim(text);
    size_t len = strlen(text);
    if (len == 0 || *text == '#' || *text == ';')
        return 0;
    if (*text == '[' && text[len - 1] == ']') {
        text[len - 1] = '\0';
        *section = trim(text + 1);
        return 0;
    }
    char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        mir_fail(err, MIR_USAGE, "%s:%u: not a setting: '%.80s'", file, line, text);
        return mir_error_hint(err, "write it as key = value, or [section]");
    }
    *equals = '\0';
    add(config, *section, trim(text), trim(equals + 1), file, line);
    return 0;
}

static int parse_file(struct mir_config *config, const char *path, struct mir_error *err)
{
    mir_auto_free char *text = NULL;
    if (mir_file_read(path, MIR_CONFIG_FILE_MAX, &text, NULL, err))
        return -1;
    char *file = config->files[config->file_count++] = mir_strdup(path);
    char empty[] = "", *section = empty, *next = text;
    for (unsigned line = 1; next; line++) {
        char *here = next;
        next = strchr(here, '\n');
        if (next)
            *next++ = '\0';
        if (parse_line(config, here, &section, file, line, err))
            return -1;
    }
    return 0;
}

int mir_config_load_file(const char *path, struct mir_config **ret_config, struct mir_error *err)
{
    struct mir_config *config = mir_config_new();
    if (parse_file(config, path, err)) {
        mir_config_free(config);
        return -1;
    }
    *ret_config = config;
    return 0;
}

static char *user_file(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && *xdg == '/')
        return mir_format("%s/mirage-deploy/config", xdg);
    return home ? mir_format("%s/.config/mirage-deploy/config", home) : NULL;
}

int mir_config_load(struct mir_config **ret_config, struct mir_error *err)
{
    const char *only = getenv("MIRAGE_DEPLOY_CONFIG");
    if (only && *only)
        return mir_config_load_file(only, ret_config, err);
    mir_auto_free char *user = user_file();
    const char *paths[] = {"./mirage-deploy.ini", user, "/etc/mirage-deploy/config"};
    struct mir_config *config = mir_config_new();
    for (size_t i = 0; i < MIR_NELEMS(paths); i++) {
        struct mir_error local = {0};
        if (!paths[i] || !parse_file(config, paths[i], &local))
            continue;
        if (local.sys_errno == ENOENT || local.sys_errno == ENOTDIR)
            continue;
        if (err)
            *err = local;
        mir_config_free(config);
        return -1;
    }
    *ret_config = config;
    return 0;
}

const char *mir_config_get(const struct mir_config *config, const char *section, const char *key)
{
    for (size_t i = 0; config && i < config->count; i++)
        if (!strcmp(config->entries[i].section, section) && !strcmp(config->entries[i].key, key))
            return config->entries[i].value;
    return NULL;
}

const char *mir_config_said(const struct mir_config *config, const char *section, const char *key)
{
    const char *value = mir_config_get(config, section, key);
    return value && *value ? value : NULL;
}

int mir_config_texts(const struct mir_config *config, const char *section,
                     const struct mir_config_text *rows, size_t count, bool *ret_any,
                     struct mir_error *err)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const char *value = mir_config_said(config, section, rows[i].key);
        if (value && mir_copy(rows[i].field, rows[i].size, value))
            return mir_fail(err, MIR_USAGE, "[%s] %s = is too long", section, rows[i].key);
        any |= value != NULL;
    }
    if (ret_any)
        *ret_any = any;
    return 0;
}

/* "a, b or c"; one that is "" cannot be said. */
static void list_choices(const char *const *choices, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; choices[i] && len < size; i++) {
        const char *between = !len ? "" : choices[i + 1] ? ", " : " or ";
        len += (size_t)snprintf(out + len, size - len, "%s%s", between, choices[i]);
    }
}

int mir_config_choice(const struct mir_config *config, const char *section, const char *key,
                      const char *const *choices, int *ret, struct mir_error *err)
{
    const char *value = mir_config_said(config, section, key);
    char list[128];
    int chosen = 0;
    while (value && choices[chosen] && strcmp(value, choices[chosen]) != 0)
        chosen++;
    if (!choices[chosen]) {
        list_choices(choices, list, sizeof list);
        return mir_fail(err, MIR_USAGE, "[%s] %s = %.32s: has to be %s", section, key, value, list);
    }
    *ret = chosen;
    return 0;
}

const struct mir_config_entry *mir_config_entries(const struct mir_config *config,
                                                  size_t *ret_count)
{
    *ret_count = config->count;
    return config->entries;
}
