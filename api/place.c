/* SPDX-License-Identifier: ISC */
#include "api/place.h"

#include <string.h>

#include "api/json.h"
#include "api/memory.h"

/* --- what may be asked for --- */

static int check_text(const char *text, const char *what, const char *also, struct mir_error *err)
{
    size_t len = strlen(text);
    if (len >= MIR_PLACE_TEXT)
        return mir_fail(err, MIR_USAGE, "'%.40s...' is too long for a %s; %d bytes are taken", text,
                        what, MIR_PLACE_TEXT - 1);
    bool bare = len && (text[0] == ' ' || text[len - 1] == ' ');
    for (const char *p = text; *p && !bare; p++)
        bare = !(*p >= '0' && *p <= '9') && !(*p >= 'a' && *p <= 'z') &&
               !(*p >= 'A' && *p <= 'Z') && !strchr(also, *p);
    if (!bare)
        return 0;
    mir_fail(err, MIR_USAGE, "'%s' is not a %s", text, what);
    return mir_error_hint(err, "such names are made of letters, digits and '%s'", also);
}

int mir_cloud_check(const char *text, struct mir_error *err)
{
    return check_text(text, "cloud", "-_.", err);
}

int mir_region_check(const char *text, struct mir_error *err)
{
    return check_text(text, "region", "-_.", err);
}

int mir_type_check(const char *text, struct mir_error *err)
{
    return check_text(text, "machine type", "-_. ", err);
}

const char *mir_place_asked(const struct mir_place *place)
{
    return *place->cloud         ? "cloud"
           : *place->region      ? "region"
           : *place->type        ? "type"
           : place->spot         ? "spot"
           : place->ipv6_only    ? "ipv6-only"
           : place->keep_address ? "keep-address"
           : place->open_given   ? "open"
                                 : NULL;
}

void mir_place_default_open(struct mir_place *place)
{
    if (place->open_given)
        return;
    place->open_count = 2;
    place->open[0] = 80;
    place->open[1] = 443;
}

bool mir_place_opens(const struct mir_place *place, unsigned port)
{
    for (unsigned i = 0; i < place->open_count; i++)
        if (place->open[i] == port)
            return true;
    return false;
}

/* --- JSON --- */

static void set_text(json_t *json, const char *name, const char *text)
{
    if (*text)
        json_object_set_new(json, name, json_string(text));
}

static void set_flag(json_t *json, const char *name, bool flag)
{
    if (flag)
        json_object_set_new(json, name, json_true());
}

json_t *mir_place_to_json(const struct mir_place *place)
{
    json_t *json = json_object();
    set_text(json, "cloud", place->cloud);
    set_text(json, "region", place->region);
    set_text(json, "type", place->type);
    set_flag(json, "spot", place->spot);
    set_flag(json, "ipv6_only", place->ipv6_only);
    set_flag(json, "keep_address", place->keep_address);
    if (place->open_given || place->open_count) {
        json_t *open = json_array();
        for (unsigned i = 0; i < place->open_count; i++)
            json_array_append_new(open, json_integer(place->open[i]));
        json_object_set_new(json, "open", open);
    }
    if (place->budget_micro) {
        char text[MIR_MONEY_TEXT];
        mir_money_format(place->budget_micro, text);
        json_object_set_new(json, "budget", json_string(text));
    }
    return json;
}

static int read_text(const json_t *json, const char *name,
                     int (*check)(const char *text, struct mir_error *err),
                     char ret[MIR_PLACE_TEXT], struct mir_error *err)
{
    const char *text = NULL;
    if (mir_json_get_text(json, name, &text, err) || (text && check(text, err)))
        return -1;
    mir_copy(ret, MIR_PLACE_TEXT, text ? text : "");
    return 0;
}

static int read_flag(const json_t *json, const char *name, bool *ret, struct mir_error *err)
{
    int flag = 0;
    if (mir_json_get_bool(json, name, &flag, err))
        return -1;
    *ret = flag != 0;
    return 0;
}

static int read_open(const json_t *json, struct mir_place *place, struct mir_error *err)
{
    const json_t *list = json_object_get(json, "open");
    size_t count = json_array_size(list);
    if (!list || json_is_null(list))
        return 0;
    if (!json_is_array(list))
        return mir_fail(err, MIR_USAGE, "field 'open' has to be a list of ports");
    if (count > MIR_OPEN_MAX)
        return mir_fail(err, MIR_USAGE, "%zu open ports are asked for; at most %d are taken", count,
                        MIR_OPEN_MAX);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        json_int_t port = json_integer_value(item);
        if (!json_is_integer(item) || port < 1 || port > 65535)
            return mir_fail(err, MIR_USAGE,
                            "field 'open' has to be a list of numbers between 1 and 65535");
        if (mir_place_opens(place, (unsigned)port))
            return mir_fail(err, MIR_USAGE, "port %d is opened twice", (int)port);
        place->open[place->open_count++] = (uint16_t)port;
    }
    place->open_given = true;
    return 0;
}

static int read_budget(const json_t *json, int64_t *ret_micro, struct mir_error *err)
{
    const char *text = NULL;
    if (mir_json_get_text(json, "budget", &text, err))
        return mir_error_hint(err, "amounts are texts, in US dollars: \"2.50\"");
    if (text && mir_money_parse(text, ret_micro, err))
        return mir_error_wrap(err, "budget");
    return 0;
}

int mir_place_from_json(const json_t *json, struct mir_place *ret, struct mir_error *err)
{
    static const char *const allowed[] = {"cloud",     "region",       "type", "spot",
                                          "ipv6_only", "keep_address", "open", "budget"};
    struct mir_place place = {0};
    if (json && !json_is_null(json) && !json_is_object(json))
        return mir_fail(err, MIR_USAGE, "field 'place' has to be an object");
    bool given = json_is_object(json);
    if (given && (mir_json_only((json_t *)(uintptr_t)json, allowed, MIR_NELEMS(allowed), err) ||
                  read_text(json, "cloud", mir_cloud_check, place.cloud, err) ||
                  read_text(json, "region", mir_region_check, place.region, err) ||
                  read_text(json, "type", mir_type_check, place.type, err) ||
                  read_flag(json, "spot", &place.spot, err) ||
                  read_flag(json, "ipv6_only", &place.ipv6_only, err) ||
                  read_flag(json, "keep_address", &place.keep_address, err) ||
                  read_open(json, &place, err) || read_budget(json, &place.budget_micro, err)))
        return mir_error_wrap(err, "place");
    *ret = place;
    return 0;
}
