/* SPDX-License-Identifier: ISC */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/id.h"
#include "api/json.h"
#include "api/memory.h"

#define EVENTS_FILE "events.jsonl"
#define EVENTS_MAX ((size_t)1 << 30)
#define BUCKETS 16384u

struct fc_store {
    struct fc_object *first, *last;
    struct fc_object *first_of_kind[FC_KINDS], *last_of_kind[FC_KINDS];
    struct fc_object *dirty, **dirty_end;
    struct fc_object *buckets[BUCKETS];
    int fd; /* the events, for appending */
    uint64_t seq, event;
    int64_t due_ms; /* no object is due before */
};

/* --- the table --- */

static unsigned bucket_of(const struct fc_kind *kind, const char *region, const char *id)
{
    uint64_t hash = 14695981039346656037u ^ (uintptr_t)kind;
    for (const char *p = region; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    for (const char *p = id; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    return (unsigned)((hash ^ hash >> 32) % BUCKETS);
}

static bool forgotten(const struct fc_object *object)
{
    return object->forget_ms < 0;
}

static struct fc_object *find(const struct fc_store *store, const struct fc_kind *kind,
                              const char *region, const char *id)
{
    struct fc_object *object = store->buckets[bucket_of(kind, region, id)];
    while (object && (object->kind != kind || forgotten(object) || strcmp(object->id, id) != 0 ||
                      strcmp(object->region, region) != 0))
        object = object->in_bucket;
    return object;
}

static struct fc_object *append(struct fc_store *store, const struct fc_kind *kind,
                                const char *region, const char *id)
{
    struct fc_object *object = mir_calloc(1, sizeof *object);
    unsigned bucket = bucket_of(kind, region, id);
    object->kind = kind;
    object->region = mir_strdup(region);
    object->id = mir_strdup(id);
    object->seq = ++store->seq;
    object->in_bucket = store->buckets[bucket];
    store->buckets[bucket] = object;
    if (store->last)
        store->last->next = object;
    else
        store->first = object;
    store->last = object;
    struct fc_object **of_kind = &store->last_of_kind[fc_kind_index(kind)];
    if (*of_kind)
        (*of_kind)->next_of_kind = object;
    else
        store->first_of_kind[fc_kind_index(kind)] = object;
    *of_kind = object;
    return object;
}

static void free_object(struct fc_object *object)
{
    json_decref(object->doc);
    json_decref(object->before);
    free(object->region);
    free(object->id);
    free(object);
}

static void new_id(const struct fc_kind *kind, char out[64])
{
    char random[MIR_ID_TEXT];
    mir_id_new(mir_random_system(), random);
    random[0] = '0'; /* as today's ids look */
    snprintf(out, 64, "%s%.*s", kind->prefix, kind->digits ? (int)kind->digits : 32, random);
}

static void cause_text(char out[96], const struct fc_cause *cause)
{
    snprintf(out, 96, "%s %s", cause->call, cause->request);
}

struct fc_object *fc_store_add(struct fc_store *store, const char *kind_name, const char *region,
                               const char *id, json_t *doc, const struct fc_cause *cause)
{
    const struct fc_kind *kind = fc_kind_find(kind_name);
    char made[64];
    if (!id)
        new_id(kind, made);
    struct fc_object *object = append(store, kind, region, id ? id : made);
    object->doc = doc;
    object->created_ms = object->visible_ms = cause->now_ms;
    cause_text(object->created_by, cause);
    object->fresh = true;
    fc_store_touch(store, object);
    return object;
}

json_t *fc_store_edit(struct fc_store *store, struct fc_object *object, int64_t now_ms,
                      int64_t stale_ms)
{
    if (object->before && now_ms >= object->before_until_ms) {
        json_decref(object->before);
        object->before = NULL;
    }
    if (stale_ms > 0 && !object->before && !object->fresh) {
        object->before = json_deep_copy(object->doc);
        object->before_until_ms = now_ms + stale_ms;
    }
    fc_store_touch(store, object);
    return object->doc;
}

void fc_store_touch(struct fc_store *store, struct fc_object *object)
{
    if (object->dirty)
        return;
    object->dirty = true;
    object->next_dirty = NULL;
    *store->dirty_end = object;
    store->dirty_end = &object->next_dirty;
}

void fc_store_gone(struct fc_store *store, struct fc_object *object, const struct fc_cause *cause,
                   int64_t forget_ms)
{
    if (!object->gone_ms) {
        object->gone_ms = cause->now_ms;
        cause_text(object->gone_by, cause);
    }
    object->forget_ms = forget_ms ? forget_ms : -1;
    object->due_ms = forget_ms;
    fc_store_touch(store, object);
}

struct fc_object *fc_store_get(const struct fc_store *store, const char *kind, const char *region,
                               const char *id)
{
    return find(store, fc_kind_find(kind), region, id);
}

struct fc_object *fc_store_next(const struct fc_store *store, const struct fc_object *after)
{
    return after ? after->next : store->first;
}

struct fc_object *fc_store_each(const struct fc_store *store, const struct fc_object *after,
                                const char *kind_name, const char *region)
{
    struct fc_object *object =
        after ? after->next_of_kind : store->first_of_kind[fc_kind_index(fc_kind_find(kind_name))];
    while (object && (forgotten(object) || (region && strcmp(object->region, region) != 0)))
        object = object->next_of_kind;
    return object;
}

int64_t fc_store_due(const struct fc_store *store)
{
    return store->due_ms;
}

static void note_due(struct fc_store *store, const struct fc_object *object)
{
    if (object->due_ms && (!store->due_ms || object->due_ms < store->due_ms))
        store->due_ms = object->due_ms;
}

void fc_store_due_again(struct fc_store *store)
{
    store->due_ms = 0;
    for (const struct fc_object *o = store->first; o; o = o->next)
        note_due(store, o);
}

/* --- the file --- */

static json_t *event_of(struct fc_store *store, struct fc_object *object,
                        const struct fc_cause *cause)
{
    const char *what = object->fresh          ? "created"
                       : forgotten(object)    ? "forgotten"
                       : object->gone_ms != 0 ? "ended"
                                              : "changed";
    json_t *event = json_pack(
        "{s:I,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:O}", "n", (json_int_t)++store->event, "ms",
        (json_int_t)cause->now_ms, "call", cause->call, "request", cause->request, "what", what,
        "kind", object->kind->name, "region", object->region, "id", object->id, "doc", object->doc);
    const struct {
        const char *name;
        int64_t value;
    } times[] = {{"visible", object->visible_ms},
                 {"gone", object->gone_ms},
                 {"forget", object->forget_ms},
                 {"due", object->due_ms}};
    for (size_t i = 0; i < MIR_NELEMS(times); i++)
        if (times[i].value)
            json_object_set_new(event, times[i].name, json_integer(times[i].value));
    if (object->furniture)
        json_object_set_new(event, "furniture", json_true());
    return event;
}

int fc_store_commit(struct fc_store *store, const struct fc_cause *cause, struct mir_error *err)
{
    mir_auto_buf struct mir_buf lines;
    mir_buf_init(&lines, EVENTS_MAX);
    for (struct fc_object *o = store->dirty; o; o = o->next_dirty) {
        json_t *event = event_of(store, o, cause);
        mir_auto_free char *text = mir_json_text(event);
        mir_buf_addf(&lines, "%s\n", text);
        json_decref(event);
        o->dirty = o->fresh = false;
        note_due(store, o);
    }
    store->dirty = NULL;
    store->dirty_end = &store->dirty;
    if (lines.len && mir_write_all(store->fd, lines.data, lines.len))
        return mir_fail_errno(err, errno, "cannot append to " EVENTS_FILE);
    return 0;
}

static int64_t integer_of(const json_t *event, const char *name)
{
    return json_integer_value(json_object_get(event, name));
}

static void replay(struct fc_store *store, json_t *event)
{
    const char *kind_name = NULL, *region = NULL, *id = NULL, *call = "", *request = "";
    json_t *doc = NULL;
    if (json_unpack(event, "{s:s,s:s,s:s,s:o,s:s,s:s}", "kind", &kind_name, "region", &region, "id",
                    &id, "doc", &doc, "call", &call, "request", &request))
        return;
    const struct fc_kind *kind = fc_kind_find(kind_name);
    struct fc_cause cause = {.call = call, .request = request, .now_ms = integer_of(event, "ms")};
    struct fc_object *object = find(store, kind, region, id);
    if (!object) {
        object = append(store, kind, region, id);
        object->created_ms = cause.now_ms;
        cause_text(object->created_by, &cause);
    }
    json_decref(object->doc);
    object->doc = json_incref(doc);
    object->visible_ms = integer_of(event, "visible");
    object->forget_ms = integer_of(event, "forget");
    object->due_ms = integer_of(event, "due");
    object->furniture = json_is_true(json_object_get(event, "furniture"));
    if (integer_of(event, "gone") && !object->gone_ms)
        cause_text(object->gone_by, &cause);
    object->gone_ms = integer_of(event, "gone");
    store->event = (uint64_t)integer_of(event, "n");
}

/* A last line without an end was never acknowledged: it is cut off. */
static int replay_all(struct fc_store *store, const char *path, struct mir_error *err)
{
    mir_auto_free char *text = NULL;
    size_t len = 0;
    if (access(path, F_OK))
        return 0;
    if (mir_file_read(path, EVENTS_MAX, &text, &len, err))
        return -1;
    size_t at = 0;
    for (char *stop; (stop = memchr(text + at, '\n', len - at));) {
        size_t line = (size_t)(stop - text) - at;
        json_t *event = mir_json_parse(text + at, line, EVENTS_MAX, err);
        if (!event)
            return mir_error_wrap(err, "%s", path);
        replay(store, event);
        json_decref(event);
        at += line + 1;
    }
    if (at < len && truncate(path, (off_t)at))
        return mir_fail_errno(err, errno, "cannot cut %s", path);
    return 0;
}

int fc_store_open(const char *dir, struct fc_store **ret, struct mir_error *err)
{
    struct fc_store *store = mir_calloc(1, sizeof *store);
    mir_auto_free char *path = mir_format("%s/" EVENTS_FILE, dir);
    store->fd = -1;
    store->dirty_end = &store->dirty;
    if (replay_all(store, path, err)) {
        fc_store_close(store);
        return -1;
    }
    store->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (store->fd < 0) {
        mir_fail_errno(err, errno, "cannot open %s", path);
        fc_store_close(store);
        return -1;
    }
    fc_store_due_again(store);
    *ret = store;
    return 0;
}

void fc_store_close(struct fc_store *store)
{
    if (!store)
        return;
    for (struct fc_object *o = store->first; o;) {
        struct fc_object *next = o->next;
        free_object(o);
        o = next;
    }
    if (store->fd >= 0)
        close(store->fd);
    free(store);
}

/* --- the ledger --- */

static json_t *entry_of(const struct fc_object *object)
{
    json_t *entry = json_pack(
        "{s:s,s:s,s:s,s:I,s:s,s:b,s:O}", "kind", object->kind->name, "region", object->region, "id",
        object->id, "created_ms", (json_int_t)object->created_ms, "created_by", object->created_by,
        "free", (object->kind->flags & FC_KIND_FREE) != 0, "document", object->doc);
    if (object->gone_ms) {
        json_object_set_new(entry, "gone_ms", json_integer(object->gone_ms));
        json_object_set_new(entry, "gone_by", json_string(object->gone_by));
    }
    return entry;
}

json_t *fc_store_ledger(const struct fc_store *store)
{
    json_t *exists = json_array(), *existed = json_array();
    unsigned furniture = 0;
    for (const struct fc_object *o = store->first; o; o = o->next) {
        if (o->furniture)
            furniture++;
        else if (!(o->kind->flags & FC_KIND_HIDDEN))
            json_array_append_new(o->gone_ms ? existed : exists, entry_of(o));
    }
    return json_pack("{s:o,s:o,s:i}", "exists", exists, "existed", existed, "furniture",
                     (int)furniture);
}
