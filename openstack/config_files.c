/* SPDX-License-Identifier: ISC */
/* Where clouds.yaml and its like are looked for, and how they are read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/json.h"
#include "api/memory.h"
#include "api/secret.h"
#include "api/yaml.h"
#include "config_inside.h"

#define FOLDERS_MAX 16

struct folders {
    char *at[FOLDERS_MAX];
    size_t count;
};

static void add_folder(struct folders *folders, char *path)
{
    if (folders->count < FOLDERS_MAX)
        folders->at[folders->count++] = path;
    else
        free(path);
}

/* Each of the colon-separated folders, with openstack/ in it. */
static void add_shared(struct folders *folders, const char *list)
{
    while (*list) {
        size_t len = strcspn(list, ":");
        if (len > 0)
            add_folder(folders, mir_format("%.*s/openstack", (int)len, list));
        list += len + (list[len] == ':');
    }
}

static void list_folders(const struct os_config *config, struct folders *ret)
{
    const char *home = os_config_variable(config, "HOME");
    const char *own = os_config_variable(config, "XDG_CONFIG_HOME");
    const char *shared = os_config_variable(config, "XDG_CONFIG_DIRS");
    const char *etc = config->wish.etc ? config->wish.etc : "/etc";
    mir_auto_free char *cwd = config->wish.folder ? NULL : getcwd(NULL, 0);
    mir_auto_free char *xdg = mir_format("%s/xdg", etc);
    const char *folder = cwd ? cwd : config->wish.folder;
    if (folder)
        add_folder(ret, mir_strdup(folder));
    if (own)
        add_folder(ret, mir_format("%s/openstack", own));
    if (home)
        add_folder(ret, mir_format("%s/.config/openstack", home));
    add_shared(ret, shared ? shared : xdg);
    add_folder(ret, mir_format("%s/openstack", etc));
}

/* Every message says which file. */
static int parse(struct os_config_file *file, const char *text, size_t len, struct mir_error *err)
{
    size_t path_len = strlen(file->path);
    bool json = path_len >= 4 && !strcmp(file->path + path_len - 4, "json");
    int rc = 0;
    if (json)
        rc = (file->tree = mir_json_parse(text, len, OS_CONFIG_FILE_MAX, err)) ? 0 : -1;
    else
        rc = mir_yaml_parse(text, len, OS_CONFIG_FILE_MAX, &file->tree, &file->lines, err);
    if (rc)
        return mir_error_wrap(err, "%s", file->path);
    if (!json_is_object(file->tree) && !json_is_null(file->tree))
        return mir_fail(err, MIR_USAGE, "%s: a mapping has to stand in it", file->path);
    return 0;
}

static int read_file(struct os_config *config, struct os_config_file *file, struct mir_error *err)
{
    char *text;
    size_t len;
    struct mir_error why = {0};
    if (mir_file_read(file->path, OS_CONFIG_FILE_MAX, &text, &len, &why)) {
        if (why.sys_errno != EACCES) {
            if (err)
                *err = why;
            return -1;
        }
        /* As the tools do: it is somebody else's. */
        os_config_warn(config, "%s is passed over: it may not be read", file->path);
        free(file->path);
        file->path = NULL;
        return 0;
    }
    int rc = parse(file, text, len, err);
    mir_wipe(text, len);
    free(text);
    return rc;
}

static int named_by_variable(struct os_config *config, const char *variable,
                             struct os_config_file *ret, struct mir_error *err)
{
    const char *path = os_config_variable(config, variable);
    if (!path)
        return 0;
    ret->path = mir_strdup(path);
    if (!access(path, F_OK))
        return read_file(config, ret, err);
    mir_fail(err, MIR_USAGE, "%s names %.200s, which is not there", variable, path);
    return mir_error_hint(err, "unset it, or write that file");
}

static int look_into(struct os_config *config, const char *folder, const char *stem,
                     struct os_config_file *ret, struct mir_error *err)
{
    static const char *const suffixes[] = {"yaml", "yml", "json"};
    for (size_t i = 0; i < MIR_NELEMS(suffixes) && !ret->path; i++) {
        char *path = mir_format("%s/%s.%s", folder, stem, suffixes[i]);
        if (access(path, F_OK)) {
            free(path);
            continue;
        }
        ret->path = path;
        if (read_file(config, ret, err))
            return -1;
    }
    return 0;
}

int os_config_find(struct os_config *config, const char *stem, const char *variable,
                   struct os_config_file *ret, struct mir_error *err)
{
    struct folders folders = {0};
    int rc = variable ? named_by_variable(config, variable, ret, err) : 0;
    list_folders(config, &folders);
    for (size_t i = 0; i < folders.count; i++) {
        if (!rc && !ret->path)
            rc = look_into(config, folders.at[i], stem, ret, err);
        free(folders.at[i]);
    }
    return rc;
}

void os_config_file_clear(struct os_config_file *file)
{
    free(file->path);
    mir_json_wipe(file->tree);
    json_decref(file->lines);
    *file = (struct os_config_file){0};
}

/* The mapping under that key; NULL in *ret: nothing is said there. */
static int enter(const struct os_config_file *file, json_t *tree, json_t *lines, const char *key,
                 json_t **ret, struct mir_error *err)
{
    json_t *value = json_object_get(tree, key);
    *ret = json_is_object(value) ? value : NULL;
    if (!value || json_is_null(value) || *ret)
        return 0;
    mir_auto_free char *name = mir_format("%s#", key);
    int line = (int)json_integer_value(json_object_get(lines, name));
    mir_auto_free char *where = line ? mir_format(":%d", line) : mir_strdup("");
    return mir_fail(err, MIR_USAGE, "%s%s: `%.64s` has to be a mapping", file->path, where, key);
}

int os_config_lay(const struct os_config_file *file, const char *first, const char *second,
                  bool deep, struct os_settings *to, struct mir_error *err)
{
    json_t *mapping, *lines = file->lines;
    if (enter(file, file->tree, lines, first, &mapping, err))
        return -1;
    if (!mapping)
        return 0;
    lines = json_object_get(lines, first);
    if (second) {
        json_t *outer = mapping;
        if (enter(file, outer, lines, second, &mapping, err))
            return -1;
        if (!mapping)
            return 0;
        lines = json_object_get(lines, second);
    }
    return os_settings_add(to, mapping, lines, file->path, deep, err);
}
