/* SPDX-License-Identifier: ISC */
/* `regions`, a list of names or of names with values; `region_name`, one or several. */
#include <stdlib.h>
#include <string.h>

#include "api/buf.h"
#include "api/cleanup.h"
#include "api/memory.h"
#include "api/suggest.h"
#include "config_inside.h"

#define REGIONS_MAX 64

/* What is known of regions; texts borrowed but for what was cut out of a list. */
struct regions {
    const char *names[REGIONS_MAX];
    json_t *values[REGIONS_MAX]; /* borrowed; NULL: none */
    size_t count;
    const char *origin;
    char *cut; /* owned */
};

static int too_many(const struct regions *regions, struct mir_error *err)
{
    return mir_fail(err, MIR_USAGE, "%s: more than %d regions", regions->origin, REGIONS_MAX);
}

static int add_one(struct regions *regions, json_t *entry, struct mir_error *err)
{
    const char *key;
    json_t *unused, *values = json_object_get(entry, "values");
    const char *name =
        json_string_value(json_is_object(entry) ? json_object_get(entry, "name") : entry);
    bool strange = !name || !*name || (values && !json_is_object(values) && !json_is_null(values));
    json_object_foreach(entry, key, unused) strange =
        strange || (strcmp(key, "name") != 0 && strcmp(key, "values") != 0);
    if (strange) {
        mir_fail(err, MIR_USAGE, "%s: entry %zu of the regions makes no sense", regions->origin,
                 regions->count + 1);
        return mir_error_hint(err, "write a name, or a mapping of `name` and `values`");
    }
    if (regions->count == REGIONS_MAX)
        return too_many(regions, err);
    regions->values[regions->count] = json_is_object(values) ? values : NULL;
    regions->names[regions->count++] = name;
    return 0;
}

static int add_list(struct regions *regions, const json_t *list, struct mir_error *err)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (add_one(regions, json_array_get(list, i), err))
            return -1;
    return 0;
}

/* "a,b" */
static int add_words(struct regions *regions, const char *text, struct mir_error *err)
{
    char *rest = regions->cut = mir_strdup(text);
    for (const char *name; (name = strsep(&rest, ","));) {
        if (regions->count == REGIONS_MAX)
            return too_many(regions, err);
        regions->names[regions->count++] = name;
    }
    return 0;
}

/* Of these settings; nothing said is no region. */
static int known(const struct os_settings *settings, struct regions *ret, struct mir_error *err)
{
    const json_t *list = os_settings_get(settings, "regions");
    const json_t *name = os_settings_get(settings, "region_name");
    ret->origin = os_settings_origin(settings, list ? "regions" : "region_name");
    if (list && !json_is_array(list)) {
        mir_fail(err, MIR_USAGE, "%s: `regions` has to be a list", ret->origin);
        return mir_error_hint(err, "write `region_name` for a single one");
    }
    if (list || json_is_array(name))
        return add_list(ret, list ? list : name, err);
    if (name && !json_is_string(name))
        return mir_fail(err, MIR_USAGE, "%s: `region_name` has to be a text", ret->origin);
    return name ? add_words(ret, json_string_value(name), err) : 0;
}

static int not_there(const struct regions *regions, const char *name, const char *by,
                     struct mir_error *err)
{
    mir_auto_buf struct mir_buf list;
    mir_buf_init(&list, 200);
    for (size_t i = 0; i < regions->count; i++)
        mir_buf_addf(&list, "%s%s", i ? ", " : "", regions->names[i]);
    const char *meant = mir_suggest(name, regions->names, regions->count);
    mir_fail(err, MIR_USAGE, "there is no region '%.64s' (%s) in %s: %s", name, by, regions->origin,
             mir_buf_text(&list));
    if (meant)
        return mir_error_hint(err, "did you mean '%.64s'?", meant);
    return mir_error_hint(err, "choose one of them");
}

/* The variable chooses among the regions of a cloud of the files; in the variables' own cloud it is
 * a value like any other. */
static const char *wished(const struct os_config *config, const char **ret_by)
{
    *ret_by = config->wish.region ? "chosen" : "OS_REGION_NAME";
    if (config->wish.region)
        return config->wish.region;
    bool own = config->variables && !strcmp(config->chosen, config->of_variables);
    return own ? NULL : os_config_variable(config, "OS_REGION_NAME");
}

static int choose(const struct os_config *config, const struct regions *regions,
                  struct os_settings *all, struct mir_error *err)
{
    const char *by, *name = wished(config, &by);
    size_t at = 0;
    while (name && at < regions->count && strcmp(regions->names[at], name) != 0)
        at++;
    if (at == regions->count && at > 0)
        return not_there(regions, name, by, err);
    mir_auto_free char *origin = mir_strdup(name ? by : regions->origin);
    mir_auto_free char *chosen = mir_strdup(regions->count ? regions->names[at] : name);
    if (regions->count && regions->values[at]) {
        mir_auto_free char *place = mir_format("%s, region %s", regions->origin, chosen);
        if (os_settings_add(all, regions->values[at], NULL, place, false, err))
            return -1;
    }
    if (chosen)
        os_settings_set(all, "region_name", chosen, origin);
    else
        os_settings_remove(all, "region_name");
    os_settings_remove(all, "regions");
    return 0;
}

int os_config_region(struct os_config *config, const struct os_settings *own,
                     struct os_settings *all, struct mir_error *err)
{
    struct regions regions = {0};
    int rc = known(own, &regions, err);
    if (!rc && regions.count == 0)
        rc = known(all, &regions, err);
    if (!rc) {
        json_t *list = json_incref(json_object_get(all->values, "regions")); /* of the profile's */
        json_t *name = json_incref(json_object_get(all->values, "region_name"));
        rc = choose(config, &regions, all, err);
        json_decref(list);
        json_decref(name);
    }
    free(regions.cut);
    return rc;
}
