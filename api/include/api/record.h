/* SPDX-License-Identifier: ISC */
/*
 * Structs described by tables: which member is which parameter of a request, or which element of a
 * reply. One writer and two readers serve every call; tests hold the names of each
 * table against the service's own model (tests/ec2/model.py).
 *
 * A request's lists are flat in EC2's protocol ("Filter.1.Value.2"). A reply's path may go through
 * lists ("reservationSet/item/instancesSet/item"): what it leads to is gathered over all of them.
 * A JSON object whose members' names are somebody's own is a map: one row for each member, in which
 * the field "*" is the member's name and all others are read from its value ("": the value itself).
 * Pure; any thread.
 */
#ifndef API_RECORD_H
#define API_RECORD_H

#include <jansson.h>
#include <stdint.h>

#include "api/buf.h"
#include "api/xml.h"

#define MIR_ROWS_MAX 100000 /* of one list of a reply */

enum mir_field_kind {
    /* in requests */
    MIR_PUT_TEXT = 1, /* const char *; NULL or "": left out */
    MIR_PUT_NUMBER,   /* int64_t; 0: left out */
    MIR_PUT_ALWAYS,   /* int64_t; 0 is sent, too */
    MIR_PUT_TRUE,     /* bool; sent when true */
    MIR_PUT_FLAG,     /* enum mir_flag */
    MIR_PUT_TIME,     /* int64_t UTC s; 0: left out */
    MIR_PUT_BASE64,   /* const void *, its length (size_t) in count_at */
    MIR_PUT_EMPTY,    /* const char *; NULL: left out, "" is sent */
    MIR_PUT_IDS,      /* as MIR_PUT_TEXTS; what is named is not asked for in pages */
    MIR_PUT_TEXTS,    /* const char *const *, how many (size_t) in count_at */
    MIR_PUT_LIST,     /* const struct x *, how many (size_t) in count_at */
    /* in JSON alone */
    MIR_PUT_NULL, /* const char *; NULL is sent as null */
    MIR_PUT_JSON, /* const json_t *; NULL: left out */
    MIR_PUT_MAP,  /* as MIR_PUT_LIST, with a table of "*" and "": an object of texts. Under the name
                     "" its members stand among the others */
    /* in replies */
    MIR_GET_TEXT,   /* char[size]; a longer text makes the reply a damaged one */
    MIR_GET_CUT,    /* char[size]; a longer text is cut (for people) */
    MIR_GET_OWNED,  /* char *; NULL when absent */
    MIR_GET_NUMBER, /* int64_t */
    MIR_GET_TRUE,   /* bool */
    MIR_GET_TIME,   /* int64_t UTC s */
    MIR_GET_SECRET, /* struct mir_secret */
    MIR_GET_BASE64, /* char * (owned, terminated), its length (size_t) in count_at */
    MIR_GET_LIST,   /* struct x * (owned), how many (size_t) in count_at; replies are appended */
    MIR_GET_MAP,    /* likewise, of an object's members; JSON alone */
    MIR_GET_SIMPLE, /* likewise, without those whose value is a list or an object */
    MIR_FIELD_KIND_COUNT
};

struct mir_table;

struct mir_field {
    const char *name; /* parameter with its dots, or path with its slashes ("": the node itself) */
    enum mir_field_kind kind;
    size_t at, size;            /* of the member */
    size_t count_at;            /* of the member that counts */
    bool required;              /* a reply without it is a damaged one; a request is not sent */
    const struct mir_table *of; /* for lists */
};

struct mir_table {
    const struct mir_field *fields;
    size_t count;
    size_t size; /* of the struct */
};

#define MIR_TABLE(type, array)                                                                     \
    {                                                                                              \
        array, MIR_NELEMS(array), sizeof(type)                                                     \
    }

/* Rows of a table: MIR_ROW(struct ec2_run, image_id, "ImageId", MIR_PUT_TEXT) and so on. */
#define MIR_ROW(type, member, name, kind)                                                          \
    {                                                                                              \
        name, kind, offsetof(type, member), sizeof(((type *)0)->member), 0, false, NULL            \
    }
#define MIR_MUST(type, member, name, kind)                                                         \
    {                                                                                              \
        name, kind, offsetof(type, member), sizeof(((type *)0)->member), 0, true, NULL             \
    }
#define MIR_MANY(type, member, counter, name, kind, table)                                         \
    {                                                                                              \
        name, kind, offsetof(type, member), sizeof(((type *)0)->member), offsetof(type, counter),  \
            false, table                                                                           \
    }

/* Is it a list of plain texts? */
static inline bool mir_kind_texts(enum mir_field_kind kind)
{
    return kind == MIR_PUT_TEXTS || kind == MIR_PUT_IDS;
}

/* Are rows of a table read into it? */
static inline bool mir_kind_rows(enum mir_field_kind kind)
{
    return kind == MIR_GET_LIST || kind == MIR_GET_MAP || kind == MIR_GET_SIMPLE;
}

/* Appends "&Name=value" for each parameter that is set. */
void mir_form_write(struct mir_buf *out, const struct mir_table *table, const void *args);
void mir_form_add(struct mir_buf *out, const char *name, const char *value);

/* The members of a JSON object; a name's dots are objects within objects. New reference. */
json_t *mir_json_write(const struct mir_table *table, const void *args);

/* Into a zeroed (or, for more pages, filled) struct. MIR_CORRUPT leaves it to be cleared. */
int mir_xml_read(const struct mir_table *table, const struct mir_xml_node *node, void *ret,
                 struct mir_error *err);
/* One more row of a list of the table, from the element that its path leads to. */
int mir_xml_read_row(const struct mir_field *list, const struct mir_xml_node *node, void *ret,
                     struct mir_error *err);
int mir_json_read(const struct mir_table *table, const json_t *json, void *ret,
                  struct mir_error *err);

/* The paths of a reply's table and of those in it, as struct mir_xml_wanted has them: so many as
 * `max` are written to `ret`. Returns how many there are. */
size_t mir_table_paths(const struct mir_table *table, const char *ret[], size_t max);

/* Moves the rows of each list of `from` behind those of `to`: the next page. */
void mir_record_append(const struct mir_table *table, void *to, void *from);

/* Frees what a struct owns, wipes its secrets and zeroes it. */
void mir_record_clear(const struct mir_table *table, void *record);

#endif
