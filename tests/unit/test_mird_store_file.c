/* SPDX-License-Identifier: ISC */
/* The store's file: damaged, old, new, unreachable, or no file at all. What is wrong is said, what
 * is broken is kept, and what is safe meanwhile is told. */
#include "scratch.h"

#include <dirent.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/store.h"
#include "daemon/store_acting.h"
#include "schema.h"
#include "store_pages.h"

#define SAFE "ends at its deadline"

static char *file_of(void **state, const char *name)
{
    return mir_format("%s/%s", (const char *)*state, name);
}

static struct mird_store *open_well(void **state)
{
    struct mir_error err = {0};
    struct mird_store *store = NULL;
    if (mird_store_open(*state, &store, &err))
        fail_msg("%s", err.text);
    return store;
}

/* It does not open, for this kind of reason, and says what is safe. */
static void open_badly(void **state, enum mir_kind kind, const char *part_of_text)
{
    struct mir_error err = {0};
    struct mird_store *store = NULL;
    assert_int_equal(mird_store_open(*state, &store, &err), -1);
    assert_int_equal(err.kind, kind);
    if (!strstr(err.text, part_of_text) || !strstr(err.hint, SAFE))
        fail_msg("%s (%s)", err.text, err.hint);
}

static void add(struct mird_store *store, const char *name)
{
    struct mird_deployment d = {.created_s = 1800000000, .deadline_s = 1800003600};
    struct mird_operation op = {.kind = "deploy", .created_s = d.created_s};
    struct mir_error err = {0};
    bool replayed;
    mir_id_new(mir_random_system(), d.id);
    mir_id_new(mir_random_system(), op.id);
    mir_copy(d.name, sizeof d.name, name);
    mir_copy(d.provider, sizeof d.provider, "local");
    mir_copy(op.deployment, sizeof op.deployment, d.id);
    if (mird_store_deployment_add(store, &d, &op, NULL, "", "", &replayed, &err))
        fail_msg("%s", err.text);
}

static int find(struct mird_store *store, const char *name)
{
    struct mird_deployment d;
    return mird_store_deployment_by_name(store, name, &d, NULL);
}

static void overwrite(const char *path, off_t at, const void *bytes, size_t len)
{
    mir_auto_close int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_true(pwrite(fd, bytes, len, at) == (ssize_t)len);
}

static void flip(const char *path, off_t at, unsigned char mask)
{
    unsigned char byte;
    mir_auto_close int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_true(pread(fd, &byte, 1, at) == 1);
    byte ^= mask;
    assert_true(pwrite(fd, &byte, 1, at) == 1);
}

static off_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) ? -1 : st.st_size;
}

/* Files kept aside whose name ends so. */
static int count_kept(void **state, const char *end)
{
    DIR *dir = opendir(*state);
    int count = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        size_t len = strlen(entry->d_name), tail = strlen(end);
        bool is_log = len > 4 && !strcmp(entry->d_name + len - 4, "-wal");
        if (strncmp(entry->d_name, "state.db.broken-", 16) || (!*end && is_log))
            continue;
        count += len > tail && !strcmp(entry->d_name + len - tail, end);
    }
    closedir(dir);
    return count;
}

/* As after a crash: the log stays. The child is gone without closing. */
static void add_and_crash(void **state, const char *const *names)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct mird_store *store = open_well(state);
        for (; *names; names++)
            add(store, *names);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* One start: the broken file is kept, the audit log says so, and what runs will be taken up. */
static void opens_anew(void **state, const char *lost)
{
    struct mird_store *store = open_well(state);
    assert_int_equal(find(store, lost), -1);
    char *rebuild = mird_store_setting_get(store, "rebuild");
    assert_non_null(rebuild);
    free(rebuild);
    json_t *audit = mird_store_audit(store, NULL, 0, 10, NULL);
    json_t *row = json_array_get(audit, 0);
    assert_string_equal(json_string_value(json_object_get(row, "what")), "rebuild");
    assert_non_null(strstr(json_string_value(json_object_get(row, "detail")), "state.db.broken-"));
    json_decref(audit);
    mird_store_close(store);
}

static void test_no_database(void **state)
{
    mir_auto_free char *path = file_of(state, "state.db");
    struct mird_identity first, second;
    struct mird_store *store = open_well(state);
    mird_store_identity(store, &first, NULL);
    add(store, "one");
    mird_store_close(store);
    overwrite(path, 0, "this is not a database at all...", 32);
    opens_anew(state, "one");
    assert_int_equal(count_kept(state, ""), 1);
    overwrite(path, 0, "this is not a database at all...", 32);
    opens_anew(state, "one");
    assert_int_equal(count_kept(state, ""), 2); /* within the same second: both are kept */
    store = open_well(state);
    mird_store_identity(store, &second, NULL);
    assert_string_equal(first.installation, second.installation);
    mird_store_close(store);
}

/* A bit in the text of a row: no structure of the file is hurt. */
static void test_flipped_text(void **state)
{
    mir_auto_free char *path = file_of(state, "state.db");
    char *bytes = NULL;
    size_t len = 0;
    struct mird_store *store = open_well(state);
    add(store, "flip-me");
    mird_store_close(store);
    assert_int_equal(mir_file_read(path, 16 << 20, &bytes, &len, NULL), 0);
    const char *at = memmem(bytes, len, "\"deadline_s\":1800003600", 23);
    assert_non_null(at);
    flip(path, at - bytes + 15, 1); /* 1800003600 becomes 1900003600 */
    free(bytes);
    opens_anew(state, "flip-me");
    assert_int_equal(count_kept(state, ""), 1);
}

/* A bit in every third page that holds records of leases: none that opening the file needs. */
static unsigned damage_records(const char *path)
{
    char *bytes = NULL;
    size_t len = 0;
    unsigned seen = 0, damaged = 0;
    assert_int_equal(mir_file_read(path, 16 << 20, &bytes, &len, NULL), 0);
    for (size_t at = 0; at + MIRD_PAGE_BYTES <= len; at += MIRD_PAGE_BYTES) {
        if (!memmem(bytes + at, MIRD_PAGE_BYTES, "\"name\":\"lease-", 14) || seen++ % 3)
            continue;
        flip(path, (off_t)at + 2000, 4);
        damaged++;
    }
    free(bytes);
    return damaged;
}

/* Where the file was not read whole before (a standby does not): what stands on a damaged page
 * fails, and nothing reads otherwise than it was written. The next start keeps the file. */
static void test_flipped_under_way(void **state)
{
    mir_auto_free char *path = file_of(state, "state.db");
    struct mird_store *store = open_well(state);
    unsigned failed = 0;
    char name[32];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "lease-%d", i);
        add(store, name);
    }
    mird_store_close(store);
    assert_true(damage_records(path) > 0);
    assert_int_equal(mird_store_open_standby(*state, &store, NULL), 0);
    for (int i = 0; i < 100; i++) {
        struct mird_deployment d;
        struct mir_error err = {0};
        snprintf(name, sizeof name, "lease-%d", i);
        if (!mird_store_deployment_by_name(store, name, &d, &err)) {
            assert_string_equal(d.name, name);
            assert_int_equal(d.deadline_s, 1800003600);
            continue;
        }
        assert_int_equal(err.kind, MIR_CORRUPT);
        assert_non_null(strstr(err.text, "damaged"));
        assert_non_null(strstr(err.hint, "start the daemon again"));
        failed++;
    }
    assert_true(failed > 0);
    mird_store_close(store);
    opens_anew(state, "lease-1");
    assert_int_equal(count_kept(state, ""), 1);
}

static void test_every_bit_of_a_page(void **state)
{
    (void)state;
    unsigned char page[MIRD_PAGE_BYTES], whole[8], sum[8];
    mir_random_system()->bytes(NULL, page, sizeof page);
    mird_page_sum(page, 7, whole);
    mird_page_sum(page, 8, sum);
    assert_memory_not_equal(sum, whole, sizeof sum);
    for (size_t bit = 0; bit < 8 * (sizeof page - sizeof sum); bit++) {
        page[bit / 8] ^= (unsigned char)(1u << bit % 8);
        mird_page_sum(page, 7, sum);
        assert_memory_not_equal(sum, whole, sizeof sum);
        page[(bit + 64) / 8 % 4088] ^=
            (unsigned char)(1u << bit % 8); /* and the same one of the next */
        mird_page_sum(page, 7, sum);
        assert_memory_not_equal(sum, whole, sizeof sum);
        page[(bit + 64) / 8 % 4088] ^= (unsigned char)(1u << bit % 8);
        page[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

/* Bits of a frame of the log: its number from the end, 24 bytes of header and a page. */
static void flip_in_log(const char *log, int from_end, int byte, unsigned char mask)
{
    off_t frame = 24 + 4096, count = size_of(log) / frame;
    assert_true(count > 32);
    flip(log, 32 + (count - from_end) * frame + byte, mask);
}

/* SQLite would take a damaged log for one that ends earlier, and forget what came after. */
static void test_damaged_log(void **state)
{
    static const char *const names[] = {"one", "two", "three", NULL};
    static const struct {
        int from_end, byte;
    } rows[] = {{1, 27}, {1, 24 + 2003}, {30, 24 + 4}, {30, 1003}};
    mir_auto_free char *log = file_of(state, "state.db-wal");
    int kept = 0;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        add_and_crash(state, names);
        flip_in_log(log, rows[i].from_end, rows[i].byte, 0x80);
        flip_in_log(log, rows[i].from_end, rows[i].byte + 8, i < 2 ? 0 : 0x41);
        opens_anew(state, "one");
        assert_int_equal(count_kept(state, "-wal"), ++kept);
    }
    static const int places[] = {0, 5, 9, 27}; /* of the log's own header */
    for (size_t i = 0; i < MIR_NELEMS(places); i++) {
        add_and_crash(state, names);
        flip(log, places[i], 4);
        opens_anew(state, "one");
        assert_int_equal(count_kept(state, "-wal"), ++kept);
    }
}

/* Where the sum says which bit it was, it is turned back and nothing is lost. */
static void test_mended_log(void **state)
{
    static const char *const names[] = {"one", "two", "three", NULL};
    /* Page number, salt, sum, page: places of the lower half of a word, as the log counts. */
    static const int places[] = {0, 1, 10, 11, 14, 15, 18, 19, 24, 24 + 1001};
    for (size_t i = 0; i < MIR_NELEMS(places); i++) {
        char *dir = NULL;
        assert_int_equal(scratch_make((void **)&dir), 0);
        void *inner = dir;
        mir_auto_free char *log = file_of(&inner, "state.db-wal");
        add_and_crash(&inner, names);
        flip_in_log(log, i % 2 ? 1 : 15, places[i], 8);
        struct mird_store *store = open_well(&inner);
        for (size_t n = 0; names[n]; n++)
            assert_int_equal(find(store, names[n]), 0);
        mird_store_close(store);
        assert_int_equal(count_kept(&inner, ""), 0);
        assert_int_equal(scratch_remove(&inner), 0);
    }
    (void)state;
}

/* What was not synced is torn, and that is no damage. */
static void test_torn_log(void **state)
{
    static const char *const names[] = {"one", "two", NULL};
    mir_auto_free char *log = file_of(state, "state.db-wal");
    add_and_crash(state, names);
    off_t size = size_of(log);
    char noise[512];
    memset(noise, 0x5a, sizeof noise);
    overwrite(log, size - 700, noise, sizeof noise);
    struct mird_store *store = open_well(state);
    assert_int_equal(find(store, "one"), 0);
    assert_int_equal(find(store, "two"), -1);
    mird_store_close(store);
    assert_int_equal(count_kept(state, ""), 0);
}

/* Somebody has removed the database and left its log. */
static void test_log_alone(void **state)
{
    static const char *const names[] = {"one", NULL};
    mir_auto_free char *path = file_of(state, "state.db");
    add_and_crash(state, names);
    assert_int_equal(unlink(path), 0);
    struct mird_store *store = open_well(state);
    assert_int_equal(find(store, "one"), -1);
    mird_store_close(store);
    assert_int_equal(count_kept(state, "-wal"), 1);
}

/* A release before checksums: the rows stay, and from then on every page has one. */
static void test_old_file(void **state)
{
    mir_auto_free char *path = file_of(state, "state.db");
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), 0);
    assert_int_equal(sqlite3_exec(db, mird_schema[0], NULL, NULL, NULL), 0);
    assert_int_equal(sqlite3_exec(db,
                                  "INSERT INTO settings VALUES ('colour', 'blue');"
                                  "PRAGMA user_version = 1; PRAGMA journal_mode = WAL",
                                  NULL, NULL, NULL),
                     0);
    sqlite3_close(db);
    struct mird_store *store = open_well(state);
    add(store, "kept");
    mird_store_close(store);
    store = open_well(state);
    char *colour = mird_store_setting_get(store, "colour");
    assert_non_null(colour);
    assert_string_equal(colour, "blue");
    free(colour);
    mird_store_close(store);
    flip(path, 3 * MIRD_PAGE_BYTES + 4000, 1);
    opens_anew(state, "kept");
}

static void test_newer(void **state)
{
    static const unsigned char version[] = {0, 0, 3, 231};
    mir_auto_free char *path = file_of(state, "state.db");
    unsigned char page[MIRD_PAGE_BYTES];
    mird_store_close(open_well(state));
    {
        mir_auto_close int fd = open(path, O_RDONLY);
        assert_true(pread(fd, page, sizeof page, 0) == sizeof page);
    }
    memcpy(page + 60, version, sizeof version); /* user_version, in the file's header */
    mird_page_sum(page, 1, page + sizeof page - MIRD_PAGE_SUM_BYTES);
    overwrite(path, 0, page, sizeof page);
    open_badly(state, MIR_CONFLICT, "version 999");
    assert_int_equal(count_kept(state, ""), 0);
}

static void test_no_file(void **state)
{
    mir_auto_free char *path = file_of(state, "state.db");
    mir_auto_free char *other = file_of(state, "other.db");
    assert_int_equal(mkdir(path, 0700), 0);
    open_badly(state, MIR_POLICY, "is a directory");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink(other, path), 0);
    open_badly(state, MIR_POLICY, "is a symbolic link");
    assert_int_equal(access(other, F_OK), -1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    open_badly(state, MIR_POLICY, "not a file");
}

/* As somebody who may not (root would be let through): it says so and what to do. */
static void open_as_nobody(void **state, const char *hint)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (!geteuid() && (setgid(65534) || setuid(65534)))
            _exit(2);
        struct mir_error err = {0};
        struct mird_store *store = NULL;
        int rc = mird_store_open(*state, &store, &err);
        bool well =
            rc == -1 && err.kind == MIR_POLICY && strstr(err.hint, SAFE) && strstr(err.hint, hint);
        if (!well)
            fprintf(stderr, "%d %s (%s)\n", rc, err.text, err.hint);
        _exit(!well);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_not_readable(void **state)
{
    mir_auto_free char *path = file_of(state, "state.db");
    mird_store_close(open_well(state));
    assert_int_equal(chmod(path, geteuid() ? 0 : 0600), 0);
    assert_int_equal(chmod(*state, geteuid() ? 0700 : 0711), 0);
    open_as_nobody(state, "readable");
    assert_int_equal(chmod(path, 0600), 0);
}

/* A file system that can only be read looks like this to a user. */
static void test_not_writable(void **state)
{
    mir_auto_free char *path = file_of(state, "state.db");
    mird_store_close(open_well(state));
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(*state, 0555), 0);
    open_as_nobody(state, "writable");
    assert_int_equal(chmod(*state, 0700), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_database),       TEST(test_flipped_text),
        TEST(test_flipped_under_way), cmocka_unit_test(test_every_bit_of_a_page),
        TEST(test_damaged_log),       cmocka_unit_test(test_mended_log),
        TEST(test_torn_log),          TEST(test_log_alone),
        TEST(test_old_file),          TEST(test_newer),
        TEST(test_no_file),           TEST(test_not_readable),
        TEST(test_not_writable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
