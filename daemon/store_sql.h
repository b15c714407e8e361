/* SPDX-License-Identifier: ISC */
/*
 * Inside the store: the connection, its lock, and the few calls that every store_*.c uses.
 * Statements are named by the text itself (static strings) and kept prepared.
 */
#ifndef MIRD_STORE_SQL_H
#define MIRD_STORE_SQL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "daemon/store.h"
#include "daemon/store_acting.h"
#include "store_late.h"
#include "store_pages.h"

#define MIRD_STATEMENTS_MAX 80
#define MIRD_RECORD_MAX (64u << 10) /* bytes of one JSON record */

/* --- group commit (store_group.c) --- */

/* Inside a transaction, with the store's lock held, in any thread. */
typedef int mird_write_fn(struct mird_store *store, void *ctx, struct mir_error *err);

/* One that is queued. All but what submit says is the queue's. */
struct mird_write {
    mird_write_fn *write;
    /* The same for one of many, with the row written late (store_late.h), and without a savepoint:
     * 0 done, 1 it has to be `write` and nothing was done, -1 the group fails. NULL: none. */
    mird_write_fn *late;
    void *ctx;
    void (*done)(struct mird_write *write); /* rc and err are set; NULL: a thread waits */
    void *ctx_owner;                        /* for done */
    int rc;
    bool over;
    struct mir_error err;
    struct mird_write *next;
};

struct mird_group {
    pthread_mutex_t lock;
    pthread_cond_t turn; /* for those who wait: a group is done */
    pthread_cond_t work; /* for the committer */
    pthread_cond_t news; /* for the teller */
    struct mird_write *head, *tail;
    struct mird_write *told, **told_end; /* done, and to be told */
    bool leading, closing, running;
    bool telling, over;
    bool late;                   /* there are rows that are written late */
    pthread_t committer, teller; /* started with the first submit */
};

struct mird_store {
    pthread_mutex_t lock;
    struct mird_group group;
    struct mird_late *late; /* owned */
    sqlite3 *db;
    struct mird_pages *pages;
    char *state_dir;
    struct mird_identity identity;
    int64_t audit_last; /* id of the newest audit row, -1: not known (any more) */
    char audit_head[MIR_SHA256_TEXT];
    struct evp_md_ctx_st *audit_sha; /* owned, like what follows: to hash one row after the other */
    struct evp_md_st *audit_sha_kind;
    struct mir_buf audit_text;
    struct mird_epoch_row claim; /* what this daemon acts under; epoch 0: it only reads */
    atomic_bool lost;            /* it was found to be another's */
    atomic_bool unchecked;       /* too large to be read whole at the start */
    struct {
        void (*fn)(void *ctx);
        void *ctx;
    } on_lost;
    size_t statement_count;
    struct {
        const char *sql; /* static text: compared by address */
        sqlite3_stmt *stmt;
    } statements[MIRD_STATEMENTS_MAX];
};

/* Is the whole file to be checked before it is used? Else mird_store_check does it later. */
bool mird_check_now(struct mird_store *store, const char *path);
void mird_check_done(struct mird_store *store); /* that, and it is well or has been replaced */

/* Calls `write` in a transaction together with what others write at this time. 0 only when it is
 * durable. When it fails alone, the others' part is written all the same. */
int mird_store_write(struct mird_store *store, mird_write_fn *write, void *ctx,
                     struct mir_error *err);
/* And with the late way of it. */
int mird_store_write_late(struct mird_store *store, mird_write_fn *write, mird_write_fn *late,
                          void *ctx, struct mir_error *err);

/* The same without waiting: write->done is called later, in the teller's thread. *write (write,
 * ctx and done set, all else zero) is the store's until then. -1: no thread could be had, and
 * nothing will be called. */
int mird_store_submit(struct mird_store *store, struct mird_write *write);

void mird_group_init(struct mird_group *group);
void mird_group_close(struct mird_group *group); /* writes and tells what is queued */

/* A SQLite without memory ends the program. Before the first database of this process is opened;
 * after that it does nothing. */
void mird_store_memory_ends(void);

/* Held for the whole of a public function. */
void mird_store_enter(struct mird_store *store);
void mird_store_leave(struct mird_store *store);

/* The prepared statement with its parameters bound from `types`: one letter each, 't' text
 * (const char *), 's' the same for a text that outlives the statement, 'i' int64_t. NULL with err
 * filled. */
sqlite3_stmt *mird_sql_bind(struct mird_store *store, const char *sql, struct mir_error *err,
                            const char *types, ...);

/* One step: 1 a row, 0 none (and the statement is reset), -1 failed (reset, err filled). */
int mird_sql_step(struct mird_store *store, sqlite3_stmt *stmt, struct mir_error *err);

/* A statement that gives no rows: bind, step, reset. */
#define MIRD_SQL_RUN(store, sql, err, ...)                                                         \
    mird_sql_finish(store, mird_sql_bind(store, sql, err, __VA_ARGS__), err)
int mird_sql_finish(struct mird_store *store, sqlite3_stmt *stmt, struct mir_error *err);

/* Refused (store_acting.c) when another daemon has taken over: so is every change, in the very
 * transaction that would make it. */
int mird_sql_begin(struct mird_store *store, struct mir_error *err);
/* Commits when rc is 0, else rolls back; returns 0 only when the commit is durable. */
int mird_sql_end(struct mird_store *store, int rc, struct mir_error *err);

/* Fills err from the connection's last failure. Returns -1. */
int mird_sql_fail(struct mird_store *store, const char *doing, struct mir_error *err);

/* All rows of a bound statement (NULL: -1) as an owned array, read one by one into row_bytes each;
 * never NULL after 0. With the first row that cannot be read nothing is returned: -1. */
typedef int mird_row_fn(sqlite3_stmt *stmt, void *ret, struct mir_error *err);
int mird_sql_list(struct mird_store *store, sqlite3_stmt *stmt, size_t row_bytes, mird_row_fn *read,
                  void **ret, size_t *ret_count, struct mir_error *err);

/* Copy a text column into a fixed field, cut when too long. */
void mird_sql_text(sqlite3_stmt *stmt, int column, char *field, size_t size);

/* JSON of a text column: new reference, or NULL with MIR_CORRUPT. */
json_t *mird_sql_json(sqlite3_stmt *stmt, int column, struct mir_error *err);

/* Act under as->row, or take over when its epoch is 0 (store_acting.h). */
int mird_store_claim(struct mird_store *store, struct mird_acting *as, struct mir_error *err);

#define MIRD_TOKEN_HINT 8 /* digits of an ownership token that its index has */
void mird_token_hint(const char *token, char out[MIRD_TOKEN_HINT + 1]);

/* Inside a transaction, with the lock held. */
int mird_store_fence(struct mird_store *store, struct mir_error *err);
int mird_store_insert_deployment(struct mird_store *store, const struct mird_deployment *d,
                                 struct mir_error *err);
int mird_store_write_ports(struct mird_store *store, const struct mird_deployment *d,
                           struct mir_error *err);
int mird_store_insert_event(struct mird_store *store, struct mird_event *event,
                            struct mir_error *err);
int mird_store_insert_operation(struct mird_store *store, const struct mird_operation *op,
                                struct mir_error *err);
int mird_store_end_operations(struct mird_store *store, const char *deployment, const char *kind,
                              int64_t now_s, const struct mir_error *fail_with,
                              struct mir_error *err);
/* For a store that is new, and before it goes. */
void mird_audit_begin(struct mird_store *store);
void mird_audit_over(struct mird_store *store);
int mird_store_insert_audit(struct mird_store *store, const struct mird_audit *row, int64_t now_ms,
                            struct mir_error *err);
/* Once: a second one for the same deployment is left out. */
int mird_store_insert_receipt(struct mird_store *store, const struct mird_deployment *d,
                              const char *text, const char *sha256, int64_t now_ms,
                              struct mir_error *err);
int mird_store_read_operation(struct mird_store *store, const char *id, struct mird_operation *ret,
                              struct mir_error *err);

#endif
