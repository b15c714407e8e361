/* SPDX-License-Identifier: ISC */
/* libyaml says what it meets, event by event, and a tree is made of it. */
#include "api/yaml.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "api/secret.h"
#include "library.h"

#define ANCHORS_MAX 1000

/* A mapping or list that is not closed yet. */
struct level {
    json_t *value, *lines;
    char *key; /* owned; of a mapping, whose value comes next; NULL: a key does */
    unsigned key_line;
    char *anchor;          /* owned; NULL: none */
    json_t *merged;        /* list of the mappings that << names; NULL: none */
    size_t nodes_before;   /* that had been read when it began */
    unsigned height, line; /* of the tallest in it; where it begins */
    bool merging;          /* the key is << */
};

/* What an alias may stand for. */
struct anchor {
    char *name;
    json_t *value, *lines;
    size_t nodes;
    unsigned height;
};

struct reader {
    yaml_parser_t parser;
    json_t *root, *root_lines;
    struct level levels[MIR_YAML_DEPTH_MAX];
    unsigned depth;
    struct anchor *anchors;
    size_t anchor_count;
    size_t nodes;
    unsigned documents;
    unsigned line; /* of the event */
    struct mir_error *err;
};

/* A complete value on its way into the tree: both owned, lines NULL for a scalar. */
struct piece {
    json_t *value, *lines;
    unsigned height;
};

/* --- libyaml --- */

#define FUNCTIONS(X)                                                                               \
    X(yaml_event_delete)                                                                           \
    X(yaml_parser_delete)                                                                          \
    X(yaml_parser_initialize)                                                                      \
    X(yaml_parser_parse)                                                                           \
    X(yaml_parser_set_input_string)

static struct {
    FUNCTIONS(MIR_LIBRARY_MEMBER)
} loaded;

static const struct mir_library_symbol symbols[] = {FUNCTIONS(MIR_LIBRARY_SYMBOL)};

static struct mir_library libyaml = {.file = "libyaml-0.so.2",
                                     .package = "libyaml-0-2",
                                     .symbols = symbols,
                                     .count = MIR_NELEMS(symbols),
                                     .lock = PTHREAD_MUTEX_INITIALIZER};

/* --- helpers --- */

static void wipe_inside(json_t *tree)
{
    const char *key;
    size_t at;
    json_t *value;
    if (json_is_string(tree))
        mir_wipe((char *)(uintptr_t)json_string_value(tree), json_string_length(tree));
    json_object_foreach(tree, key, value) wipe_inside(value);
    json_array_foreach(tree, at, value) wipe_inside(value);
}

void mir_json_wipe(json_t *tree)
{
    wipe_inside(tree);
    json_decref(tree);
}

static int refuse(const struct reader *r, const char *why)
{
    return mir_fail(r->err, MIR_USAGE, "line %u: %s", r->line, why);
}

static int refuse_key(const struct reader *r, const char *key, const char *why)
{
    return mir_fail(r->err, MIR_USAGE, "line %u: '%.64s' %s", r->line, key, why);
}

static void drop(struct piece *piece)
{
    mir_json_wipe(piece->value);
    json_decref(piece->lines);
}

static bool one_of(const char *text, const char *const *words)
{
    while (*words && strcmp(text, *words) != 0)
        words++;
    return *words != NULL;
}

/* --- into the tree --- */

/* "<key>#" in the lines of a mapping. */
static void note_line(json_t *lines, const char *key, unsigned line)
{
    mir_auto_free char *name = mir_format("%s#", key);
    json_object_set_new(lines, name, json_integer(line));
}

static int add_merged(struct reader *r, struct level *level, struct piece *piece)
{
    bool list = json_is_array(piece->value);
    bool good = list || json_is_object(piece->value);
    size_t at;
    json_t *value;
    json_array_foreach(piece->value, at, value) good = good && json_is_object(value);
    if (!good) {
        drop(piece);
        return refuse(r, "<< takes a mapping, or a list of them");
    }
    level->merged = list ? piece->value : json_pack("[o]", piece->value);
    json_decref(piece->lines);
    return 0;
}

static int add_member(struct reader *r, struct level *level, struct piece *piece)
{
    mir_auto_free char *key = level->key;
    level->key = NULL;
    if (level->merging)
        return add_merged(r, level, piece);
    note_line(level->lines, key, level->key_line);
    if (piece->lines)
        json_object_set_new(level->lines, key, piece->lines);
    json_object_set_new(level->value, key, piece->value);
    return 0;
}

/* Takes the piece. */
static int add(struct reader *r, struct piece piece)
{
    struct level *level = r->depth ? &r->levels[r->depth - 1] : NULL;
    if (!level) {
        r->root = piece.value;
        r->root_lines = piece.lines;
        return 0;
    }
    if (level->height < piece.height + 1)
        level->height = piece.height + 1;
    if (json_is_object(level->value))
        return add_member(r, level, &piece);
    json_array_append_new(level->value, piece.value);
    json_array_append_new(level->lines, piece.lines ? piece.lines : json_null());
    return 0;
}

static bool key_comes(const struct reader *r)
{
    const struct level *level = r->depth ? &r->levels[r->depth - 1] : NULL;
    return level && json_is_object(level->value) && !level->key;
}

static int count(struct reader *r, size_t nodes)
{
    r->nodes += nodes;
    return r->nodes > MIR_YAML_NODES_MAX ? refuse(r, "there is too much in it") : 0;
}

static int remember(struct reader *r, const char *name, const struct piece *piece, size_t nodes)
{
    if (!name)
        return 0;
    if (r->anchor_count == ANCHORS_MAX)
        return refuse(r, "it has too many anchors");
    r->anchors = mir_realloc(r->anchors, r->anchor_count + 1, sizeof *r->anchors);
    r->anchors[r->anchor_count++] =
        (struct anchor){mir_strdup(name), json_deep_copy(piece->value),
                        json_deep_copy(piece->lines), nodes, piece->height};
    return 0;
}

/* --- events --- */

static int read_key(struct reader *r, const yaml_event_t *event)
{
    struct level *level = &r->levels[r->depth - 1];
    const char *key = (const char *)event->data.scalar.value;
    bool merging = event->data.scalar.plain_implicit && !strcmp(key, "<<");
    if (merging ? level->merged != NULL : json_object_get(level->value, key) != NULL)
        return refuse_key(r, key, "is said twice");
    level->key = mir_strdup(key);
    level->key_line = r->line;
    level->merging = merging;
    return 0;
}

static json_t *scalar_value(const yaml_event_t *event)
{
    static const char *const nothing[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes",
                                      "YES",  "on",   "On",   "ON",  NULL};
    static const char *const no[] = {"false", "False", "FALSE", "no",  "No",
                                     "NO",    "off",   "Off",   "OFF", NULL};
    const char *text = (const char *)event->data.scalar.value;
    bool plain = event->data.scalar.plain_implicit != 0;
    if (plain && one_of(text, nothing))
        return json_null();
    if (plain && (one_of(text, yes) || one_of(text, no)))
        return json_boolean(one_of(text, yes));
    return json_stringn(text, event->data.scalar.length);
}

static int read_scalar(struct reader *r, const yaml_event_t *event)
{
    static const char *const tags[] = {"!", YAML_STR_TAG, NULL};
    const char *tag = (const char *)event->data.scalar.tag;
    if (count(r, 1))
        return -1;
    if (tag && !one_of(tag, tags))
        return refuse_key(r, tag, "is a tag that is not read here");
    if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
        return refuse(r, "there is a NUL in a text");
    if (key_comes(r))
        return read_key(r, event);
    struct piece piece = {.value = scalar_value(event)};
    if (!piece.value)
        return refuse(r, "a text is no UTF-8");
    if (remember(r, (const char *)event->data.scalar.anchor, &piece, 1)) {
        drop(&piece);
        return -1;
    }
    return add(r, piece);
}

static int open_level(struct reader *r, bool mapping, const yaml_char_t *anchor,
                      const yaml_char_t *tag)
{
    static const char *const tags[] = {"!", YAML_MAP_TAG, YAML_SEQ_TAG, NULL};
    if (count(r, 1))
        return -1;
    if (tag && !one_of((const char *)tag, tags))
        return refuse_key(r, (const char *)tag, "is a tag that is not read here");
    if (key_comes(r))
        return refuse(r, "a key has to be a text");
    if (r->depth == MIR_YAML_DEPTH_MAX)
        return refuse(r, "it is nested too deeply");
    r->levels[r->depth++] = (struct level){.value = mapping ? json_object() : json_array(),
                                           .lines = mapping ? json_object() : json_array(),
                                           .anchor = mir_strdup((const char *)anchor),
                                           .line = r->line,
                                           .nodes_before = r->nodes - 1};
    return 0;
}

/* What << names, where the mapping says nothing itself; the first of several counts. */
static void merge(struct level *level)
{
    size_t at;
    const char *key;
    json_t *mapping, *value;
    json_array_foreach(level->merged, at, mapping)
    {
        json_object_foreach(mapping, key, value)
        {
            if (json_object_get(level->value, key))
                continue;
            json_object_set(level->value, key, value);
            note_line(level->lines, key, level->line);
        }
    }
}

static int close_level(struct reader *r)
{
    struct level level = r->levels[--r->depth];
    struct piece piece = {level.value, level.lines, level.height};
    merge(&level);
    json_decref(level.merged);
    int rc = remember(r, level.anchor, &piece, r->nodes - level.nodes_before);
    free(level.anchor);
    if (!rc)
        return add(r, piece);
    drop(&piece);
    return -1;
}

static int read_alias(struct reader *r, const char *name)
{
    size_t at = r->anchor_count;
    while (at > 0 && strcmp(r->anchors[at - 1].name, name) != 0)
        at--;
    if (at == 0)
        return refuse_key(r, name, "is an alias of nothing that stands before it");
    const struct anchor *anchor = &r->anchors[at - 1];
    if (key_comes(r))
        return refuse(r, "a key has to be a text");
    if (r->depth + anchor->height >= MIR_YAML_DEPTH_MAX)
        return refuse(r, "it is nested too deeply");
    if (count(r, anchor->nodes))
        return -1;
    return add(r, (struct piece){json_deep_copy(anchor->value), json_deep_copy(anchor->lines),
                                 anchor->height});
}

static int take(struct reader *r, const yaml_event_t *event)
{
    r->line = (unsigned)event->start_mark.line + 1;
    switch ((int)event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return r->documents++ ? refuse(r, "a second document begins") : 0;
    case YAML_SCALAR_EVENT:
        return read_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_level(r, false, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return open_level(r, true, event->data.mapping_start.anchor, event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_level(r);
    case YAML_ALIAS_EVENT:
        return read_alias(r, (const char *)event->data.alias.anchor);
    default: /* where the stream and its document begin and end */
        return 0;
    }
}

static int why_not(struct reader *r)
{
    const yaml_parser_t *parser = &r->parser;
    bool reading = parser->error == YAML_READER_ERROR; /* which knows no line */
    r->line = (unsigned)(reading ? parser->mark.line : parser->problem_mark.line) + 1;
    return refuse(r, parser->problem ? parser->problem : "it is no YAML");
}

static int read_all(struct reader *r)
{
    yaml_event_type_t type = YAML_NO_EVENT;
    while (type != YAML_STREAM_END_EVENT) {
        yaml_event_t event;
        if (!loaded.yaml_parser_parse(&r->parser, &event))
            return why_not(r);
        type = event.type;
        int rc = take(r, &event);
        loaded.yaml_event_delete(&event);
        if (rc)
            return -1;
    }
    return 0;
}

static void clear(struct reader *r)
{
    while (r->depth > 0) {
        struct level *level = &r->levels[--r->depth];
        mir_json_wipe(level->value);
        mir_json_wipe(level->merged);
        json_decref(level->lines);
        free(level->key);
        free(level->anchor);
    }
    for (size_t i = 0; i < r->anchor_count; i++) {
        mir_json_wipe(r->anchors[i].value);
        json_decref(r->anchors[i].lines);
        free(r->anchors[i].name);
    }
    free(r->anchors);
    loaded.yaml_parser_delete(&r->parser);
}

int mir_yaml_parse(const char *text, size_t len, size_t max_bytes, json_t **ret, json_t **ret_lines,
                   struct mir_error *err)
{
    if (len > max_bytes)
        return mir_fail(err, MIR_USAGE, "YAML document of %zu bytes; at most %zu are taken", len,
                        max_bytes);
    if (mir_library_need(&libyaml, err))
        return -1;
    struct reader r = {.err = err};
    if (!loaded.yaml_parser_initialize(&r.parser))
        mir_memory_out();
    loaded.yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    int rc = read_all(&r);
    if (!rc) {
        *ret = r.root ? r.root : json_null();
        if (ret_lines)
            *ret_lines = r.root_lines ? r.root_lines : json_object();
        else
            json_decref(r.root_lines);
    } else {
        mir_json_wipe(r.root);
        json_decref(r.root_lines);
    }
    clear(&r);
    return rc;
}
