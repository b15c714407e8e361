/* SPDX-License-Identifier: ISC */
/* What the files of openstack/config.h share: values with their origins, and how they are read. */
#ifndef OPENSTACK_CONFIG_INSIDE_H
#define OPENSTACK_CONFIG_INSIDE_H

#include <jansson.h>

#include "openstack/config.h"

#define OS_CONFIG_FILE_MAX 262144 /* bytes of one file */
#define OS_CONFIG_WARNINGS_MAX 16

/* A cloud's keys, '-' made '_'; `auth` is an object of such keys. origins is flat: "region_name",
 * "auth.password" to the place where it was said. Both owned; os_settings_clear. */
struct os_settings {
    json_t *values, *origins;
};

void os_settings_init(struct os_settings *settings);
void os_settings_clear(struct os_settings *settings); /* wipes; zeroed or initialised */

/* Lays what a mapping says over what there is, null excepted: `auth` member by member, and every
 * other mapping, too, if `deep`. lines: of the mapping (api/yaml.h), NULL: none are known.
 * MIR_USAGE where `auth` is no mapping. */
int os_settings_add(struct os_settings *settings, json_t *mapping, const json_t *lines,
                    const char *path, bool deep, struct mir_error *err);
/* key may be "auth.x". */
void os_settings_set(struct os_settings *settings, const char *key, const char *text,
                     const char *origin);
void os_settings_over(struct os_settings *below, const struct os_settings *above);
void os_settings_remove(struct os_settings *settings, const char *key);
/* What is said under the older name counts, in the place of what is said under the other. */
void os_settings_rename(struct os_settings *settings, const char *older, const char *name);

/* NULL: not said. key may be "auth.x". */
const json_t *os_settings_get(const struct os_settings *settings, const char *key);
const char *os_settings_origin(const struct os_settings *settings,
                               const char *key); /* never NULL */

/* *ret becomes owned text, or NULL: not said. MIR_USAGE: it is no text. */
int os_settings_text(const struct os_settings *settings, const char *key, char **ret,
                     struct mir_error *err);
/* 1, 0, or `otherwise`: not said. */
int os_settings_flag(const struct os_settings *settings, const char *key, int otherwise, int *ret,
                     struct mir_error *err);
/* A boolean, or the word for one, in any case; -1: neither. */
int os_settings_truth(const json_t *value);
/* A text with {key} filled in from what is said; owned. MIR_USAGE: nothing is said of it. */
char *os_settings_fill(const struct os_settings *settings, const char *text, const char *origin,
                       struct mir_error *err);

/* One of the kinds of files: clouds, secure, clouds-public. */
struct os_config_file {
    char *path; /* owned; NULL: there is none */
    json_t *tree, *lines;
};

/* The named cloud of the files. */
struct os_named_cloud {
    char *name;
    struct os_settings settings;
};

struct os_config {
    struct os_config_wish wish;
    struct os_config_file clouds_file, secure_file, public_file;
    struct os_named_cloud *clouds;
    size_t cloud_count;
    char *of_variables; /* name of the cloud of the variables; borrowed by none */
    bool variables;     /* there is one */
    struct os_settings client;
    char *warnings[OS_CONFIG_WARNINGS_MAX];
    size_t warning_count;
    char *chosen;           /* cloud; NULL: none yet */
    const char *chosen_by;  /* static */
    struct os_settings now; /* all that counts for it */
};

/* A variable that is set and not empty; NULL. */
const char *os_config_variable(const struct os_config *config, const char *name);
void os_config_warn(struct os_config *config, const char *fmt, ...) MIR_PRINTF(2, 3);

/* config_files.c: reads the first file of that kind that is there. */
int os_config_find(struct os_config *config, const char *stem, const char *variable,
                   struct os_config_file *ret, struct mir_error *err);
void os_config_file_clear(struct os_config_file *file);
/* Lays the mapping that the names lead to over `to`; nothing there is nothing said. */
int os_config_lay(const struct os_config_file *file, const char *first, const char *second,
                  bool deep, struct os_settings *to, struct mir_error *err);

/* config_profile.c: the settings of that profile. */
int os_config_profile(struct os_config *config, const char *name, struct os_settings *ret,
                      struct mir_error *err);
/* vendors.c: a known one's, laid over `to`. */
bool os_vendor_known(const char *name);
void os_vendor_lay(const char *name, const char *origin, struct os_settings *to);

/* config_region.c: chooses the region and lays its values over the cloud's. */
int os_config_region(struct os_config *config, const struct os_settings *own,
                     struct os_settings *all, struct mir_error *err);

/* config_read.c: from all that counts. */
int os_config_read(const struct os_config *config, struct os_cloud *ret, struct mir_error *err);

#endif
