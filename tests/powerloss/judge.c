/* SPDX-License-Identifier: ISC */
/* Opens what a power loss has left and holds it to what was acknowledged: everything of that is
 * there, nothing of anything is there by half, and the audit log is whole. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "daemon/store_acting.h"
#include "powerloss.h"
#include "store_sql.h"

#define BODY_SHA "body"
#define MANY 100000

/* What is being looked at. */
struct trial {
    const struct history *h;
    size_t at;
    struct mird_store *store;
    struct known *known;
    const struct state **found; /* of each lease, NULL: it is not there */
    unsigned *events;           /* of each lease, as the store tells */
    struct verdict *verdict;
};

static bool MIR_PRINTF(2, 3) wrong(struct trial *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    t->verdict->finding = FALSE_STATE;
    vsnprintf(t->verdict->why, sizeof t->verdict->why, fmt, ap);
    va_end(ap);
    return false;
}

/* Leases are called "lease-N". */
static const struct lease *lease_of(const struct trial *t, const char *name, size_t *ret_index)
{
    size_t index = strncmp(name, "lease-", 6) ? SIZE_MAX : strtoul(name + 6, NULL, 10);
    if (index >= t->h->lease_count)
        return NULL;
    *ret_index = index;
    return &t->h->leases[index];
}

static struct state row_of(const struct mird_deployment *d)
{
    struct state row = {.version = d->version,
                        .deadline_s = d->deadline_s,
                        .finished_s = d->finished_s,
                        .end_reason = d->end_reason};
    /* Ours are short; of a longer one the beginning differs, too. */
    memcpy(row.error_text, d->error_text, sizeof row.error_text - 1);
    return row;
}

static bool same(const struct state *state, const struct state *row)
{
    return state->version == row->version && state->deadline_s == row->deadline_s &&
           state->finished_s == row->finished_s && state->end_reason == row->end_reason &&
           !strcmp(state->error_text, row->error_text);
}

/* The one of its states that this is: not older than the newest acknowledged, and asked for. */
static const struct state *state_of(const struct trial *t, const struct lease *lease,
                                    const struct state *row)
{
    for (unsigned i = lease->state_count; i > 0; i--) {
        const struct state *state = &lease->states[i - 1];
        if (state->begun <= t->at && same(state, row))
            return state;
        if (state->acknowledged <= t->at)
            return NULL;
    }
    return NULL;
}

static bool must_be_there(const struct trial *t, const struct lease *lease)
{
    for (unsigned i = 0; i < lease->state_count; i++)
        if (lease->states[i].acknowledged <= t->at)
            return true;
    return false;
}

/* --- rows --- */

static bool find_rows(struct trial *t)
{
    struct mird_deployment *list = NULL;
    size_t count = 0, index = 0;
    struct mir_error err = {0};
    if (mird_store_deployments(t->store, true, "", MANY, &list, &count, &err))
        return wrong(t, "the deployments cannot be read: %s", err.text);
    bool well = true;
    for (size_t i = 0; well && i < count; i++) {
        const struct lease *lease = lease_of(t, list[i].name, &index);
        struct state row = row_of(&list[i]);
        const struct state *state = lease ? state_of(t, lease, &row) : NULL;
        if (!state)
            well =
                wrong(t, "%s is at version %" PRIu64 " with deadline %" PRId64 ", end %d",
                      list[i].name, list[i].version, list[i].deadline_s, (int)list[i].end_reason);
        else if (t->found[index])
            well = wrong(t, "%s is there twice", list[i].name);
        else
            t->found[index] = state;
    }
    free(list);
    for (size_t i = 0; well && i < t->h->lease_count; i++)
        if (!t->found[i] && must_be_there(t, &t->h->leases[i]))
            well = wrong(t, "lease-%zu is lost", i);
    return well;
}

/* --- what belongs to a row --- */

static bool check_operations(struct trial *t, const struct lease *lease, const struct state *state)
{
    for (unsigned i = 0; i < LEASE_OPS; i++) {
        struct mird_operation op;
        struct mir_error err = {0};
        bool there = !mird_store_operation_get(t->store, lease->ops[i].id, &op, &err);
        if (!there && err.kind != MIR_NOT_FOUND)
            return wrong(t, "an operation cannot be read: %s", err.text);
        if (there != (state && i < state->ops))
            return wrong(t, "%s: operation %u is half there", lease->d.name, i);
        if (there && (op.finished_s == 0) != (state->ops_running >> i & 1))
            return wrong(t, "%s: operation %u is half over", lease->d.name, i);
    }
    return true;
}

static bool check_key(struct trial *t, const struct lease *lease, const struct state *state)
{
    struct mird_deployment d;
    struct mird_operation op;
    if (!lease->key[0])
        return true;
    int seen = mird_store_idempotency_find(t->store, lease->key, BODY_SHA, lease->d.created_s + 1,
                                           &d, &op, NULL);
    if (seen != (state != NULL))
        return wrong(t, "%s: its key is %s", lease->d.name, seen ? "half there" : "lost");
    return !seen || !strcmp(d.id, lease->d.id) ? true : wrong(t, "a key of another lease");
}

/* By every way in which a row is found. */
static bool check_indexes(struct trial *t, const struct lease *lease, const struct state *state)
{
    struct mird_deployment d;
    struct mir_lease granted = {0};
    char holder[MIR_NAME_TEXT] = "";
    bool open = state && !state->finished_s;
    if (!mird_store_deployment_by_name(t->store, lease->d.name, &d, NULL) != (state != NULL))
        return wrong(t, "%s is not found by its name", lease->d.name);
    if (!mird_store_lease(t->store, lease->d.id, &granted, NULL) != open)
        return wrong(t, "%s: its lease stands otherwise", lease->d.name);
    if (open && granted.deadline_s != state->deadline_s)
        return wrong(t, "%s: its lease has another deadline", lease->d.name);
    if (mird_store_deployment_by_token(t->store, lease->d.token, &d, NULL) != open)
        return wrong(t, "%s is not found by its token", lease->d.name);
    if (mird_store_port_holder(t->store, &lease->d.ports[0], holder, NULL) != open)
        return wrong(t, "the port of %s is held otherwise", lease->d.name);
    return true;
}

/* What is told of a lease is found from its row, line by line. */
static bool check_told(struct trial *t, const struct lease *lease, const struct state *state)
{
    struct mird_event *events = NULL;
    size_t count = 0;
    if (mird_store_events(t->store, lease->d.id, 0, MANY, &events, &count, NULL))
        return wrong(t, "the events of %s cannot be read", lease->d.name);
    free(events);
    json_t *audit = mird_store_audit(t->store, lease->d.id, 0, MANY, NULL);
    size_t audits = json_array_size(audit);
    json_decref(audit);
    if (count != (state ? state->events : 0) || audits != (state ? state->audits : 0))
        return wrong(t, "%s leads to %zu events and %zu audit rows", lease->d.name, count, audits);
    return true;
}

static bool check_leases(struct trial *t)
{
    for (size_t i = 0; i < t->h->lease_count; i++) {
        const struct lease *lease = &t->h->leases[i];
        const struct state *state = t->found[i];
        if (t->events[i] != (state ? state->events : 0))
            return wrong(t, "lease-%zu has %u events", i, t->events[i]);
        if (!check_operations(t, lease, state) || !check_key(t, lease, state) ||
            !check_indexes(t, lease, state) || !check_told(t, lease, state))
            return false;
    }
    return true;
}

/* Which lease an event is of: they come in runs, so the last one is tried first. */
static size_t lease_by_id(const struct trial *t, const char *id, size_t guess)
{
    for (size_t i = 0; i < t->h->lease_count; i++) {
        size_t index = (guess + i) % t->h->lease_count;
        if (!strcmp(t->h->leases[index].d.id, id))
            return index;
    }
    return SIZE_MAX;
}

static bool count_events(struct trial *t)
{
    int64_t after = 0;
    size_t count, index = 0;
    do {
        struct mird_event *list = NULL;
        struct mir_error err = {0};
        if (mird_store_events(t->store, NULL, after, 10000, &list, &count, &err))
            return wrong(t, "the events cannot be read: %s", err.text);
        bool well = true;
        for (size_t i = 0; well && i < count; i++) {
            index = lease_by_id(t, list[i].deployment, index == SIZE_MAX ? 0 : index);
            well = index != SIZE_MAX && list[i].id > after;
            after = list[i].id;
            t->events[well ? index : 0]++;
        }
        free(list);
        if (!well)
            return wrong(t, "an event of nobody, or out of order");
    } while (count);
    return true;
}

static bool check_audit(struct trial *t)
{
    struct mird_audit_check check = {0};
    struct mir_error err = {0};
    int64_t expected = 0;
    if (mird_store_audit_check_all(t->store, &check, &err))
        return wrong(t, "the audit log cannot be read: %s", err.text);
    if (check.broken)
        return wrong(t, "the audit log is broken at %" PRId64 ": %s", check.broken, check.why);
    for (size_t i = 0; i < t->h->lease_count; i++)
        expected += t->found[i] ? t->found[i]->audits : 0;
    return check.entries == expected
               ? true
               : wrong(t, "%" PRId64 " audit rows, not %" PRId64, check.entries, expected);
}

static bool check_ticks(struct trial *t)
{
    const struct ticks *ticks = &t->h->ticks;
    char *text = mird_store_setting_get(t->store, "ticks");
    size_t found = text ? strtoul(text, NULL, 10) : 0;
    free(text);
    if (found > ticks->count || (found && ticks->list[found - 1].begun > t->at))
        return wrong(t, "a setting that was never made");
    for (size_t i = found; i < ticks->count; i++)
        if (ticks->list[i].acknowledged <= t->at)
            return wrong(t, "setting %zu was acknowledged, %zu is there", i + 1, found);
    return true;
}

/* Does a database that was true at another moment hold what has to be there at this one? */
static bool true_now(const struct trial *t, const struct state *const *found)
{
    for (size_t i = 0; i < t->h->lease_count; i++) {
        const struct lease *lease = &t->h->leases[i];
        if (found[i] ? state_of(t, lease, found[i]) != found[i] : must_be_there(t, lease))
            return false;
    }
    return true;
}

/* What is not known is looked through, and so is what is not true now: that says why. */
static bool look_through(struct trial *t)
{
    struct digest digest;
    bool read = digest_of(t->store->db, &digest);
    const struct state *const *known = read ? known_find(t->known, &digest) : NULL;
    if (known && true_now(t, known))
        return true;
    if (!find_rows(t) || !count_events(t) || !check_leases(t) || !check_audit(t))
        return false;
    if (read && !known)
        known_add(t->known, &digest, t->found, t->h->lease_count);
    return true;
}

/* --- a file that was set aside --- */

static bool holds(const char *path, const struct image_file *file)
{
    char *bytes = NULL;
    size_t len = 0;
    if (mir_file_read(path, 64 << 20, &bytes, &len, NULL))
        return false;
    bool same_bytes = len == file->size && (!len || !memcmp(bytes, file->bytes, len));
    free(bytes);
    return same_bytes;
}

/* The names of kept files; each is compared and removed. Returns how many. */
static unsigned look_aside(struct trial *t, const char *dir, const struct image *broken)
{
    unsigned kept = 0;
    DIR *list = opendir(dir);
    for (struct dirent *entry; list && (entry = readdir(list));) {
        if (strncmp(entry->d_name, "state.db.broken-", 16))
            continue;
        size_t len = strlen(entry->d_name);
        bool is_log = len > 4 && !strcmp(entry->d_name + len - 4, "-wal");
        mir_auto_free char *path = mir_format("%s/%s", dir, entry->d_name);
        kept++;
        if (broken && !holds(path, &broken->files[is_log ? DISK_LOG : DISK_DB]))
            wrong(t, "the kept file %s is not what was found", entry->d_name);
        unlink(path);
    }
    closedir(list);
    return kept;
}

/* Begun again: empty, says so, and wants to be rebuilt. */
static void check_begun_again(struct trial *t)
{
    struct mird_deployment *list = NULL;
    size_t count = 0;
    if (t->verdict->finding == TRUE_ALL)
        t->verdict->finding = KEPT_ASIDE;
    if (mird_store_deployments(t->store, true, "", 1, &list, &count, NULL) || count)
        wrong(t, "begun again and not empty");
    free(list);
    char *wanted = mird_store_setting_get(t->store, "rebuild");
    if (!wanted)
        wrong(t, "begun again and not to be rebuilt");
    free(wanted);
    json_t *audit = mird_store_audit(t->store, NULL, 0, 10, NULL);
    const char *what = json_string_value(json_object_get(json_array_get(audit, 0), "what"));
    if (!what || strcmp(what, "rebuild"))
        wrong(t, "begun again and nothing said in the audit log");
    json_decref(audit);
}

void judge(const struct history *h, size_t at, const char *dir, const struct image *broken,
           struct known *known, struct verdict *ret)
{
    *ret = (struct verdict){.finding = TRUE_ALL};
    struct trial t = {.h = h, .at = at, .known = known, .verdict = ret};
    struct mir_error err = {0};
    /* Always the same daemon at the same time, so that the same database is the same afterwards. */
    struct mird_acting as = {.row = {.holder = "judge"}, .pid = 1, .since_s = 1};
    if (mird_store_open_acting(dir, &as, &t.store, &err)) {
        wrong(&t, "it does not open: %s", err.text);
        look_aside(&t, dir, NULL);
        return;
    }
    /* One transaction for all that is read, so that not each question takes locks of its own. */
    sqlite3_exec(t.store->db, "BEGIN", NULL, NULL, NULL);
    t.found = mir_calloc(h->lease_count, sizeof(const struct state *));
    t.events = mir_calloc(h->lease_count, sizeof *t.events);
    if (look_aside(&t, dir, broken))
        check_begun_again(&t);
    else if (look_through(&t))
        check_ticks(&t);
    sqlite3_exec(t.store->db, "COMMIT", NULL, NULL, NULL);
    /* Nobody looks at these files again: the log need not be copied. */
    sqlite3_db_config(t.store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    free(t.found);
    free(t.events);
    mird_store_close(t.store);
}
