/* SPDX-License-Identifier: ISC */
/*
 * Structs described by tables: which member is which parameter of a request, or which element of a
 * reply. One writer and two readers serve every call; tests/ec2/model.py holds each name of each
 * table against AWS's own service model.
 *
 * A request's lists are flat in EC2's protocol ("Filter.1.Value.2"). A reply's path may go through
 * lists ("reservationSet/item/instancesSet/item"): what it leads to is gathered over all of them.
 * Pure; any thread.
 */
#ifndef EC2_RECORD_H
#define EC2_RECORD_H

#include <jansson.h>
#include <stdint.h>

#include "api/buf.h"
#include "api/xml.h"

#define EC2_ROWS_MAX 100000 /* of one list of a reply */

enum ec2_kind {
    /* in requests */
    EC2_PUT_TEXT = 1, /* const char *; NULL or "": left out */
    EC2_PUT_NUMBER,   /* int64_t; 0: left out */
    EC2_PUT_ALWAYS,   /* int64_t; 0 is sent, too */
    EC2_PUT_TRUE,     /* bool; sent when true */
    EC2_PUT_FLAG,     /* enum ec2_flag */
    EC2_PUT_TIME,     /* int64_t UTC s; 0: left out */
    EC2_PUT_BASE64,   /* const void *, its length (size_t) in count_at */
    EC2_PUT_EMPTY,    /* const char *; NULL: left out, "" is sent */
    EC2_PUT_IDS,      /* as EC2_PUT_TEXTS; what is named is not asked for in pages */
    EC2_PUT_TEXTS,    /* const char *const *, how many (size_t) in count_at */
    EC2_PUT_LIST,     /* const struct x *, how many (size_t) in count_at */
    /* in replies */
    EC2_GET_TEXT,   /* char[size]; a longer text makes the reply a damaged one */
    EC2_GET_CUT,    /* char[size]; a longer text is cut (for people) */
    EC2_GET_OWNED,  /* char *; NULL when absent */
    EC2_GET_NUMBER, /* int64_t */
    EC2_GET_TRUE,   /* bool */
    EC2_GET_TIME,   /* int64_t UTC s */
    EC2_GET_SECRET, /* struct mir_secret */
    EC2_GET_BASE64, /* char * (owned, terminated), its length (size_t) in count_at */
    EC2_GET_LIST,   /* struct x * (owned), how many (size_t) in count_at; replies are appended */
    EC2_KIND_COUNT
};

struct ec2_table;

struct ec2_field {
    const char *name; /* parameter with its dots, or path with its slashes ("": the node itself) */
    enum ec2_kind kind;
    size_t at, size;            /* of the member */
    size_t count_at;            /* of the member that counts */
    bool required;              /* a reply without it is a damaged one; a request is not sent */
    const struct ec2_table *of; /* for lists */
};

struct ec2_table {
    const struct ec2_field *fields;
    size_t count;
    size_t size; /* of the struct */
};

#define EC2_TABLE(type, array)                                                                     \
    {                                                                                              \
        array, MIR_NELEMS(array), sizeof(type)                                                     \
    }

/* Rows of a table: EC2_ROW(struct ec2_run, image_id, "ImageId", EC2_PUT_TEXT) and so on. */
#define EC2_ROW(type, member, name, kind)                                                          \
    {                                                                                              \
        name, kind, offsetof(type, member), sizeof(((type *)0)->member), 0, false, NULL            \
    }
#define EC2_MUST(type, member, name, kind)                                                         \
    {                                                                                              \
        name, kind, offsetof(type, member), sizeof(((type *)0)->member), 0, true, NULL             \
    }
#define EC2_MANY(type, member, counter, name, kind, table)                                         \
    {                                                                                              \
        name, kind, offsetof(type, member), sizeof(((type *)0)->member), offsetof(type, counter),  \
            false, table                                                                           \
    }

/* Is it a list of plain texts? */
static inline bool ec2_kind_texts(enum ec2_kind kind)
{
    return kind == EC2_PUT_TEXTS || kind == EC2_PUT_IDS;
}

/* Appends "&Name=value" for each parameter that is set. */
void ec2_form_write(struct mir_buf *out, const struct ec2_table *table, const void *args);
void ec2_form_add(struct mir_buf *out, const char *name, const char *value);

/* The members of a JSON object; a name's dots are objects within objects. New reference. */
json_t *ec2_json_write(const struct ec2_table *table, const void *args);

/* Into a zeroed (or, for more pages, filled) struct. MIR_CORRUPT leaves it to be cleared. */
int ec2_xml_read(const struct ec2_table *table, const struct mir_xml_node *node, void *ret,
                 struct mir_error *err);
int ec2_json_read(const struct ec2_table *table, const json_t *json, void *ret,
                  struct mir_error *err);

/* Frees what a struct owns, wipes its secrets and zeroes it. */
void ec2_record_clear(const struct ec2_table *table, void *record);

#endif
