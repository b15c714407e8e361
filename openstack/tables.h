/* SPDX-License-Identifier: ISC */
/* What the tables of the services' calls share: parts that occur in several requests and replies,
 * and the forms that nearly all of the calls have. */
#ifndef OPENSTACK_TABLES_H
#define OPENSTACK_TABLES_H

#include "openstack/pair.h"
#include "operations.h"

extern const struct mir_table os_pair_table;       /* in requests */
extern const struct mir_table os_found_pair_table; /* in replies */
extern const struct mir_table os_word_table;

/* Rows of requests. */
#define OS_ROW_TEXTS(type, member, counter, name)                                                  \
    MIR_MANY(type, member, counter, name, MIR_PUT_TEXTS, NULL)
#define OS_ROW_MAP(type, member, counter, name)                                                    \
    MIR_MANY(type, member, counter, name, MIR_PUT_MAP, &os_pair_table)
/* Rows of replies. */
#define OS_ROW_WORDS(type, member, counter, path)                                                  \
    MIR_MANY(type, member, counter, path, MIR_GET_LIST, &os_word_table)
#define OS_ROW_PAIRS(type, member, counter, path)                                                  \
    MIR_MANY(type, member, counter, path, MIR_GET_MAP, &os_found_pair_table)
#define OS_ROW_LIST(type, member, counter, path, table)                                            \
    MIR_MANY(type, member, counter, path, MIR_GET_LIST, table)

/* A table of a struct whose rows were declared right before: X_fields makes X_table. */
#define OS_TABLE(type, name)                                                                       \
    static const struct mir_table name##_table = MIR_TABLE(type, name##_fields)

/* A reply that is a list of `rows` and how many there are. */
#define OS_LIST_TABLE(type, name, member, of)                                                      \
    static const struct mir_field name##_fields[] = {                                              \
        OS_ROW_LIST(type, rows, count, member, of),                                                \
    };                                                                                             \
    OS_TABLE(type, name)

/* The public functions: they have nothing to add to their tables. */
#define OS_ACT_ON(function, operation)                                                             \
    int function(struct os_session *session, const char *id, int64_t until_ms,                     \
                 struct mir_error *err)                                                            \
    {                                                                                              \
        return os_operate(session, operation, &id, NULL, until_ms, NULL, err);                     \
    }
#define OS_GET_ONE(function, type, operation)                                                      \
    int function(struct os_session *session, const char *id, int64_t until_ms, type *ret,          \
                 struct mir_error *err)                                                            \
    {                                                                                              \
        return os_operate(session, operation, &id, NULL, until_ms, ret, err);                      \
    }
#define OS_LIST_ALL(function, args_type, type, operation)                                          \
    int function(struct os_session *session, const args_type *args, int64_t until_ms, type *ret,   \
                 struct mir_error *err)                                                            \
    {                                                                                              \
        return os_operate_all(session, operation, NULL, args, until_ms, ret, err);                 \
    }
#define OS_CREATE(function, args_type, type, operation)                                            \
    int function(struct os_session *session, const args_type *args, int64_t until_ms, type *ret,   \
                 struct mir_error *err)                                                            \
    {                                                                                              \
        return os_operate(session, operation, NULL, args, until_ms, ret, err);                     \
    }
#define OS_CLEAR(function, type, table)                                                            \
    void function(type *record)                                                                    \
    {                                                                                              \
        mir_record_clear(table, record);                                                           \
    }

#endif
