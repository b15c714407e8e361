/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/id.h"
#include "api/memory.h"
#include "calls.h"
#include "os.h"

struct fos_call *fos_of(const struct fc_call *call)
{
    return call->own;
}

/* --- objects --- */

struct fc_object *fos_add(struct fc_call *call, const char *kind, const char *id, json_t *doc)
{
    if (!fc_at(doc, "_project"))
        json_object_set_new(doc, "_project", json_string(fos_of(call)->project));
    return fc_store_add(call->world->store, kind, call->region, id, doc, &call->cause);
}

bool fos_mine(const struct fc_call *call, const struct fc_object *object)
{
    const char *project = fc_text_at(object->doc, "_project");
    return !*project || !strcmp(project, fos_of(call)->project);
}

struct fc_object *fos_find(const struct fc_call *call, const char *kind, const char *id)
{
    struct fc_object *object = fc_store_get(call->world->store, kind, call->region, id);
    return object && !object->gone_ms && fc_visible(object, call->now_ms) && fos_mine(call, object)
               ? object
               : NULL;
}

json_t *fos_edit(struct fc_call *call, struct fc_object *object)
{
    return fc_store_edit(call->world->store, object, call->now_ms, call->world->settings.stale_ms);
}

unsigned fos_count(const struct fc_call *call, const char *kind)
{
    unsigned count = 0;
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, kind, call->region));)
        count += !o->gone_ms && !strcmp(fc_text_at(o->doc, "_project"), fos_of(call)->project);
    return count;
}

json_t *fos_public(const json_t *doc)
{
    json_t *out = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)doc, name, value)
    {
        if (*name != '_')
            json_object_set(out, name, value);
    }
    return out;
}

json_t *fos_array(const json_t *array)
{
    json_t *copy = json_deep_copy(array);
    return copy ? copy : json_array();
}

/* --- words --- */

json_t *fos_time(int64_t ms)
{
    char text[MIR_TIME_SIZE];
    mir_time_format(ms / 1000, text);
    return json_string(text);
}

json_t *fos_time_us(int64_t ms)
{
    char text[MIR_TIME_SIZE];
    mir_time_format(ms / 1000, text);
    return json_sprintf("%.19s.%03d000Z", text, (int)(ms % 1000));
}

void fos_hex_id(char out[33])
{
    mir_id_new(mir_random_system(), out);
}

bool fos_uuid_like(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    for (size_t i = 0; i < sizeof form; i++)
        if (form[i] == 'x' ? !text[i] || !strchr("0123456789abcdefABCDEF", text[i])
                           : text[i] != form[i])
            return false;
    return true;
}

const char *fos_text(const json_t *object, const char *path, const char *otherwise)
{
    const char *text = json_string_value(fc_at(object, path));
    return text ? text : otherwise;
}

const char *fos_stranger(const json_t *object, const char *const *allowed)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        size_t i = 0;
        while (allowed[i] && strcmp(allowed[i], name) != 0)
            i++;
        if (!allowed[i])
            return name;
    }
    return NULL;
}

json_t *fos_wrapped(const struct fc_call *call, const char *name)
{
    json_t *inner = json_object_get(call->params, name);
    return json_is_object(inner) ? inner : NULL;
}

/* --- pages --- */

int fos_cut(json_t *rows, const char *id, const struct fos_page *page, bool *ret_more)
{
    size_t at = 0;
    *ret_more = false;
    if (page->marker) {
        while (at < json_array_size(rows) &&
               strcmp(fc_text_at(json_array_get(rows, at), id), page->marker) != 0)
            at++;
        if (at == json_array_size(rows))
            return -1;
        at++;
    }
    while (at-- > 0)
        json_array_remove(rows, 0);
    while (json_array_size(rows) > (size_t)page->limit)
        json_array_remove(rows, json_array_size(rows) - 1);
    *ret_more = page->limit > 0 && json_array_size(rows) == (size_t)page->limit;
    return 0;
}

char *fos_next_query(const struct fc_call *call, const char *marker)
{
    const char *query = strchr(call->request->target, '?');
    struct mir_buf out;
    mir_buf_init(&out, 1 << 16);
    for (const char *at = query ? query + 1 : ""; *at;) {
        size_t len = strcspn(at, "&");
        if (len && strncmp(at, "marker=", 7) != 0)
            mir_buf_addf(&out, "%.*s&", (int)len, at);
        at += len + (at[len] == '&');
    }
    mir_buf_addf(&out, "marker=%s", marker);
    return mir_buf_take(&out);
}

/* --- what is done later --- */

static const char *of_object(void *ctx, const char *name)
{
    const struct fc_object *object = ctx;
    const char *value = json_string_value(fc_at(object->doc, name));
    if (!value)
        value = strcmp(name, "id") ? NULL : object->id;
    return value || strcmp(name, "region") != 0 ? value : object->region;
}

enum fc_fault_when fos_step(struct fc_world *world, const char *service, const char *step,
                            struct fc_object *object, const struct fc_cause *cause,
                            struct fc_fault *ret)
{
    uint64_t number = fc_calls_add(world->calls, service, step, object->region, cause->now_ms);
    fc_faults_take(world->faults, service, step, number, of_object, object, ret);
    fc_calls_result(world->calls, number, ret->when ? 500 : 200, "", ret->mode);
    return ret->when;
}
