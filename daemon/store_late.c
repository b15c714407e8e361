/* SPDX-License-Identifier: ISC */
#include "store_late.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "api/cleanup.h"
#include "api/json.h"
#include "api/log.h"
#include "api/memory.h"
#include "store_sql.h"

#define BUCKETS 32768u
#define ROWS_MAX 32768u                 /* about a KiB of memory each */
#define BYTES_MAX ((int64_t)16 << 20)   /* of the table */
#define FOLD_ROWS 2048u                 /* in one transaction: bounds how long a reader waits */
#define GROUP_BYTES ((size_t)512 << 20) /* a group cannot have more */

/* One lease. What the transaction that is under way says of it counts once that is committed. */
struct entry {
    LIST_ENTRY(entry) same; /* of one bucket */
    TAILQ_ENTRY(entry) age; /* by that first row */
    SLIST_ENTRY(entry) changed;
    struct mird_late_row now;   /* as it was before this transaction; as in the table at first */
    struct mird_late_row fresh; /* record NULL: none */
    int64_t first_n;            /* the first row about it; 0: none is committed yet */
    bool is_changed;            /* by this transaction */
    uint64_t settled;           /* the savepoint in which it was written; 0 no */
};

struct mird_late {
    LIST_HEAD(, entry) buckets[BUCKETS];
    TAILQ_HEAD(, entry) ages;
    SLIST_HEAD(, entry) changed;
    size_t count;
    int64_t next_n;
    int64_t bytes;       /* about what the table has */
    bool draining;       /* it was too much, until half of it is gone */
    uint64_t mark;       /* the savepoint of now */
    struct mir_buf text; /* of the group */
};

struct mird_late *mird_late_new(void)
{
    struct mird_late *late = mir_calloc(1, sizeof *late);
    TAILQ_INIT(&late->ages);
    late->next_n = 1;
    late->mark = 1;
    mir_buf_init(&late->text, GROUP_BYTES);
    return late;
}

/* --- entries --- */

static size_t bucket_of(const char *id)
{
    uint32_t hash = UINT32_C(2166136261);
    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * UINT32_C(16777619);
    return hash % BUCKETS;
}

static struct entry *look_up(const struct mird_late *late, const char *id)
{
    struct entry *entry;
    if (!late->count)
        return NULL;
    LIST_FOREACH(entry, &late->buckets[bucket_of(id)], same)
    if (!strcmp(entry->now.id, id))
        return entry;
    return NULL;
}

static struct entry *add(struct mird_late *late, const struct mird_late_row *now)
{
    struct entry *entry = mir_calloc(1, sizeof *entry);
    entry->now = *now;
    LIST_INSERT_HEAD(&late->buckets[bucket_of(now->id)], entry, same);
    TAILQ_INSERT_TAIL(&late->ages, entry, age);
    late->count++;
    return entry;
}

static void drop(struct mird_late *late, struct entry *entry)
{
    LIST_REMOVE(entry, same);
    TAILQ_REMOVE(&late->ages, entry, age);
    late->count--;
    free(entry->now.record);
    free(entry->fresh.record);
    free(entry);
}

void mird_late_free(struct mird_late *late)
{
    while (!TAILQ_EMPTY(&late->ages))
        drop(late, TAILQ_FIRST(&late->ages));
    mir_buf_clear(&late->text);
    free(late);
}

static struct mird_late_row *newest(struct entry *entry)
{
    return entry->fresh.record ? &entry->fresh : &entry->now;
}

const struct mird_late_row *mird_late_find(struct mird_store *store, const char *id)
{
    struct entry *entry = look_up(store->late, id);
    return entry && !entry->settled ? newest(entry) : NULL;
}

bool mird_late_any(const struct mird_store *store)
{
    return store->late->count > 0 || store->late->bytes > 0;
}

bool mird_late_is_full(const struct mird_store *store)
{
    struct mird_late *late = store->late;
    if (late->count >= ROWS_MAX || late->bytes >= BYTES_MAX)
        late->draining = true;
    else if (late->count < ROWS_MAX / 2 && late->bytes < BYTES_MAX / 2)
        late->draining = false;
    return late->draining;
}

/* --- inside a transaction --- */

static void note_changed(struct mird_late *late, struct entry *entry)
{
    if (!entry->is_changed)
        SLIST_INSERT_HEAD(&late->changed, entry, changed);
    entry->is_changed = true;
}

void mird_late_put(struct mird_store *store, const struct mird_late_row *row,
                   const struct mird_late_row *in_table)
{
    struct mird_late *late = store->late;
    struct entry *entry = look_up(late, row->id);
    if (!entry)
        entry = add(late, in_table);
    note_changed(late, entry);
    free(entry->fresh.record);
    entry->fresh = *row;
    entry->settled = 0;
}

struct mird_late_row *mird_late_fresh(struct mird_store *store, const char *id)
{
    struct entry *entry = look_up(store->late, id);
    return entry && entry->fresh.record && !entry->settled ? &entry->fresh : NULL;
}

/* What stands in the table may be newer: an entry outlives the writing of its row by others. */
static int write_row(struct mird_store *store, const struct mird_late_row *row,
                     struct mir_error *err)
{
    return MIRD_SQL_RUN(store,
                        "UPDATE deployments SET deadline_s = ?, version = ?, record = ?,"
                        " wake_s = ?, state = ?, last_event = ?, last_audit = ?"
                        " WHERE id = ? AND version < ?2",
                        err, "iisiiiis", row->deadline_s, row->version, row->record, row->wake_s,
                        row->state, row->last_event, row->last_audit, row->id);
}

int mird_late_settle(struct mird_store *store, const char *id, struct mir_error *err)
{
    struct entry *entry = look_up(store->late, id);
    if (!entry || entry->settled)
        return 0;
    if (write_row(store, newest(entry), err))
        return -1;
    note_changed(store->late, entry);
    entry->settled = store->late->mark;
    return 0;
}

void mird_late_mark(struct mird_store *store)
{
    store->late->mark++;
}

void mird_late_undo(struct mird_store *store)
{
    struct entry *entry;
    SLIST_FOREACH(entry, &store->late->changed, changed)
    if (entry->settled == store->late->mark)
        entry->settled = 0;
}

/* What changed in the record: all but as many bytes as begin it and end it as before. */
static void find_change(const char *old, const char *new, size_t *ret_begin, size_t *ret_end)
{
    size_t old_len = strlen(old), new_len = strlen(new), begin = 0, end = 0;
    size_t most = old_len < new_len ? old_len : new_len;
    while (begin < most && old[begin] == new[begin])
        begin++;
    while (end < most - begin && old[old_len - 1 - end] == new[new_len - 1 - end])
        end++;
    *ret_begin = begin;
    *ret_end = end;
}

/* A line: the row's columns, and of its record what is not as it was. */
static int put_line(struct mir_buf *text, const struct entry *entry)
{
    const struct mird_late_row *row = &entry->fresh;
    size_t begin, end;
    find_change(entry->now.record, row->record, &begin, &end);
    const int64_t columns[] = {entry->now.version, row->version,   row->deadline_s,
                               row->wake_s,        row->state,     row->last_event,
                               row->last_audit,    (int64_t)begin, (int64_t)end};
    mir_buf_adds(text, row->id);
    for (size_t i = 0; i < MIR_NELEMS(columns); i++) {
        mir_buf_add(text, " ", 1);
        mir_json_put_integer(text, columns[i]);
    }
    mir_buf_add(text, " ", 1);
    mir_buf_add(text, row->record + begin, strlen(row->record) - begin - end);
    return mir_buf_add(text, "\n", 1); /* also when one of those was too much */
}

int mird_late_flush(struct mird_store *store, struct mir_error *err)
{
    struct mird_late *late = store->late;
    struct entry *entry;
    mir_buf_reset(&late->text);
    SLIST_FOREACH(entry, &late->changed, changed)
    if (entry->fresh.record && !entry->settled && put_line(&late->text, entry))
        return mir_fail(err, MIR_INTERNAL, "store: a group is too large");
    if (!late->text.len)
        return 0;
    return MIRD_SQL_RUN(store, "INSERT INTO late (n, bytes, body) VALUES (?, ?, ?)", err, "iis",
                        late->next_n, (int64_t)late->text.len, late->text.data);
}

static void end_one(struct mird_late *late, struct entry *entry, bool committed)
{
    bool over = committed && entry->settled;
    entry->is_changed = false;
    entry->settled = 0;
    if (committed && entry->fresh.record) {
        free(entry->now.record);
        entry->now = entry->fresh;
        entry->first_n = entry->first_n ? entry->first_n : late->next_n;
    } else {
        free(entry->fresh.record);
    }
    entry->fresh.record = NULL;
    if (over || !entry->first_n)
        drop(late, entry);
}

void mird_late_end(struct mird_store *store, bool committed)
{
    struct mird_late *late = store->late;
    while (!SLIST_EMPTY(&late->changed)) {
        struct entry *entry = SLIST_FIRST(&late->changed);
        SLIST_REMOVE_HEAD(&late->changed, changed);
        end_one(late, entry, committed);
    }
    if (committed && late->text.len) {
        late->next_n++;
        late->bytes += (int64_t)late->text.len;
    }
    mir_buf_reset(&late->text);
}

/* --- writing them to where they belong --- */

/* The table keeps what any row of it that is still waited for may need. */
static int forget(struct mird_store *store, const struct entry *oldest, struct mir_error *err)
{
    int64_t from = oldest ? oldest->first_n : INT64_MAX;
    return MIRD_SQL_RUN(store, "DELETE FROM late WHERE n < ?", err, "i", from);
}

static int count_bytes(struct mird_store *store, struct mir_error *err)
{
    sqlite3_stmt *stmt = mird_sql_bind(store, "SELECT COALESCE(SUM(bytes), 0) FROM late", err, "");
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc != 1)
        return -1;
    store->late->bytes = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return 0;
}

int mird_late_fold(struct mird_store *store, struct mir_error *err)
{
    struct mird_late *late = store->late;
    struct entry *entry = TAILQ_FIRST(&late->ages);
    if (!mird_late_any(store))
        return 0;
    if (mird_sql_begin(store, err))
        return -1;
    int rc = 0;
    for (unsigned i = 0; !rc && entry && i < FOLD_ROWS; i++) {
        rc = mird_late_settle(store, entry->now.id, err);
        entry = TAILQ_NEXT(entry, age);
    }
    int64_t bytes = late->bytes;
    if (!rc)
        rc = forget(store, entry, err) || count_bytes(store, err) ? -1 : 0;
    rc = mird_sql_end(store, rc, err);
    if (rc)
        late->bytes = bytes;
    return rc ? -1 : late->count > 0;
}

int mird_late_fold_all(struct mird_store *store, struct mir_error *err)
{
    int rc;
    do
        rc = mird_late_fold(store, err);
    while (rc > 0);
    return rc;
}

/* --- after a crash --- */

/* The row as it stands in the table: 1, with its record owned; 0 there is none; -1. */
static int read_row(struct mird_store *store, const char *id, struct mird_late_row *ret,
                    struct mir_error *err)
{
    sqlite3_stmt *stmt =
        mird_sql_bind(store, "SELECT version, record FROM deployments WHERE id = ?", err, "s", id);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc != 1)
        return rc;
    mir_copy(ret->id, sizeof ret->id, id);
    ret->version = sqlite3_column_int64(stmt, 0);
    ret->record = mir_strdup((const char *)sqlite3_column_text(stmt, 1));
    sqlite3_reset(stmt);
    return 1;
}

/* A line as it was put. */
struct line {
    struct mird_late_row row; /* without a record */
    int64_t from;             /* the version that the change is one of */
    size_t begin, end;        /* bytes of the record that are as before */
    const char *changed;      /* the others, in the text */
    size_t changed_bytes;
};

static int parse_line(const char *text, const char *end, struct line *ret, struct mir_error *err)
{
    struct mird_late_row *row = &ret->row;
    int used = 0;
    *ret = (struct line){0};
    if (sscanf(text,
               "%32s %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64
               " %" SCNd64 " %zu %zu%n",
               row->id, &ret->from, &row->version, &row->deadline_s, &row->wake_s, &row->state,
               &row->last_event, &row->last_audit, &ret->begin, &ret->end, &used) != 10 ||
        text[used] != ' ')
        return mir_fail(err, MIR_CORRUPT, "store: a late row cannot be read");
    ret->changed = text + used + 1;
    ret->changed_bytes = (size_t)(end - ret->changed);
    return 0;
}

/* What stands in the table, or follows from the lines before, becomes what the line says. */
static int apply_line(struct entry *entry, const struct line *line, struct mir_error *err)
{
    const char *old = entry->now.record;
    size_t len = strlen(old);
    if (line->row.version <= entry->now.version)
        return 0;
    if (line->from != entry->now.version || line->begin + line->end > len)
        return mir_fail(err, MIR_CORRUPT, "store: a late row does not follow from the one before");
    char *record = mir_format("%.*s%.*s%s", (int)line->begin, old, (int)line->changed_bytes,
                              line->changed, old + len - line->end);
    free(entry->now.record);
    entry->now = line->row;
    entry->now.record = record;
    return 0;
}

static int load_line(struct mird_store *store, int64_t n, const struct line *line,
                     struct mir_error *err)
{
    struct entry *entry = look_up(store->late, line->row.id);
    if (!entry) {
        struct mird_late_row in_table = {0};
        int found = read_row(store, line->row.id, &in_table, err);
        if (found < 0)
            return -1;
        if (!found)
            return mir_fail(err, MIR_CORRUPT, "store: a late row of no deployment");
        if (in_table.version >= line->row.version) {
            free(in_table.record);
            return 0;
        }
        entry = add(store->late, &in_table);
        entry->first_n = n;
    }
    return apply_line(entry, line, err);
}

static int load_group(struct mird_store *store, int64_t n, const char *text, struct mir_error *err)
{
    for (const char *at = text, *end; *at; at = end + 1) {
        struct line line;
        end = strchr(at, '\n');
        if (!end)
            return mir_fail(err, MIR_CORRUPT, "store: a late row has no end");
        if (parse_line(at, end, &line, err) || load_line(store, n, &line, err))
            return -1;
    }
    store->late->bytes += (int64_t)strlen(text);
    store->late->next_n = n + 1;
    return 0;
}

int mird_late_load(struct mird_store *store, struct mir_error *err)
{
    struct mir_error why = {0};
    sqlite3_stmt *stmt = mird_sql_bind(store, "SELECT n, body FROM late ORDER BY n", err, "");
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    for (; rc == 1; rc = mird_sql_step(store, stmt, err))
        if (load_group(store, sqlite3_column_int64(stmt, 0),
                       (const char *)sqlite3_column_text(stmt, 1), err)) {
            sqlite3_reset(stmt);
            return -1;
        }
    if (rc)
        return -1;
    /* What cannot be written now is known all the same. */
    if (mird_late_fold_all(store, &why))
        mir_log(MIR_LOG_WARN, "store", "%s", why.text);
    return 0;
}
