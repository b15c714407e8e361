/* SPDX-License-Identifier: ISC */
/*
 * The store under power loss: the real store writes a history of leases through a recording VFS,
 * and every moment of it is played back as a disk that lost its power there. Three parts: the disk
 * (what was written and synced, and what may be left of it), the history (what was asked for and
 * acknowledged, and when), the judge (opens what is left and holds it to what was acknowledged).
 */
#ifndef POWERLOSS_H
#define POWERLOSS_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store.h"

/* --- random numbers: a seed decides everything --- */

struct dice {
    uint64_t state;
};

uint64_t dice_next(struct dice *dice);
/* 0 .. sides - 1 */
uint64_t dice_roll(struct dice *dice, uint64_t sides);

/* --- disk.c --- */

enum disk_file { DISK_DB, DISK_LOG, DISK_JOURNAL, DISK_FILES };
extern const char *const disk_names[DISK_FILES];

enum disk_kind {
    DISK_WRITE,
    DISK_TRUNCATE,
    DISK_DELETE,
    DISK_SYNC,
    DISK_SYNC_FAILED,
    DISK_SYNC_NAMES /* of the directory: what was deleted stays so */
};

struct disk_op {
    enum disk_kind kind;
    enum disk_file file;
    int64_t at; /* of a write; the size of a truncation */
    size_t len;
    size_t data; /* of a write: where its bytes stand in disk->bytes */
};

/* Also the default VFS while it is there. What it hands on goes to real files in a directory. */
struct disk {
    sqlite3_vfs vfs; /* first */
    sqlite3_vfs *below;
    pthread_mutex_t lock;
    size_t op_count, op_room;
    struct disk_op *ops;
    size_t byte_count, byte_room;
    unsigned char *bytes;
    bool dead;             /* the process is: what it still does never reaches the files */
    bool lies;             /* planted: a sync is reported and does not happen */
    int64_t fail_sync_in;  /* this many syncs from now one fails; 0 never */
    int64_t fail_write_in; /* the same of a write */
    unsigned long sync_count, write_count;
};

void disk_start(struct disk *disk);
void disk_stop(struct disk *disk);
/* A moment: everything before it has been recorded. */
size_t disk_now(struct disk *disk);

/* --- what is left on a disk --- */

struct image_file {
    unsigned char *bytes;
    size_t size, room;
    bool exists;
};

struct image {
    struct image_file files[DISK_FILES];
};

void image_clear(struct image *image);
void image_copy(struct image *to, const struct image *from);
/* Into a directory, in place of what is there of it. */
void image_write(const struct image *image, const char *dir);

/* How what was not synced is treated: lost, kept write by write, kept sector by sector, or all
 * there (as another process would find it). */
enum keep { KEEP_NOTHING, KEEP_WRITES, KEEP_SECTORS, KEEP_ALL, KEEP_COUNT };
extern const char *const keep_names[KEEP_COUNT];

/* Goes through the recording; `durable` is what is certainly on the disk. What a failed sync left
 * is lost, or (with dice) kept by chance. */
struct walk {
    const struct disk *disk;
    size_t at;
    struct image durable;
    size_t pending_count, pending_room;
    size_t *pending; /* ops that are not synced */
    struct dice *dice;
};

void walk_start(struct walk *walk, const struct disk *disk, struct dice *dice);
void walk_to(struct walk *walk, size_t at);
void walk_stop(struct walk *walk);
/* What a power loss at this moment may leave. */
void walk_image(const struct walk *walk, enum keep keep, struct dice *dice, struct image *ret);

/* --- history.c --- */

#define NEVER SIZE_MAX
#define LEASE_OPS 4
#define LEASE_STATES 24

/* What one call asked for, all of it or nothing. */
struct state {
    size_t begun, acknowledged; /* moments; NEVER */
    uint64_t version;           /* of the row, 0: there is none */
    int64_t deadline_s, finished_s;
    uint32_t end_reason;
    unsigned events, audits;
    unsigned ops;         /* of lease->ops, the first so many exist */
    unsigned ops_running; /* a bit for each that is not finished */
    char error_text[32];
};

struct lease {
    struct mird_deployment d; /* as its owner knows it */
    char key[MIR_ID_TEXT];    /* "" none */
    unsigned step;
    unsigned op_count;
    struct mird_operation ops[LEASE_OPS];
    unsigned state_count;
    struct state states[LEASE_STATES];
};

/* Things that are no lease: a setting that counts up. */
struct ticks {
    size_t count, room;
    struct {
        size_t begun, acknowledged;
    } * list;
};

struct history {
    struct disk disk;
    char dir[64];
    struct mird_store *store;
    struct dice dice;
    bool failing; /* one sync or write of it fails */
    bool falls;   /* the process dies with that */
    bool early;   /* planted: acknowledged before the call is made */
    size_t lease_count;
    struct lease *leases;
    struct ticks ticks;
    size_t opened;       /* the moment when the store was there */
    size_t closing;      /* and when it was closed in good order */
    unsigned failed;     /* calls that said so */
    unsigned restarts;   /* crashes of the process on the way */
    char complaint[400]; /* what went wrong on the way, "" nothing */
};

struct history_plan {
    size_t leases;
    unsigned threads; /* for the second half; 0: none */
    uint64_t seed;
    bool early, lies, falls;
    int64_t fail_sync, fail_write; /* the so many-th fails, 0 none */
    unsigned crashes;              /* of the process, spread evenly */
};

void history_run(struct history *h, const struct history_plan *plan);
void history_free(struct history *h);

/* --- known.c --- */

#define KNOWN_BUCKETS 1024

struct digest {
    unsigned char bytes[32];
};

/* Databases of one history that were found true, and as which state of each lease. */
struct known {
    struct known_one *buckets[KNOWN_BUCKETS];
};

/* Of all that the database holds; false where not all of it can be read. */
bool digest_of(sqlite3 *db, struct digest *ret);
/* A state of each lease (NULL: it is not there), or NULL when this database is not known. */
const struct state *const *known_find(struct known *known, const struct digest *digest);
void known_add(struct known *known, const struct digest *digest, const struct state *const *found,
               size_t count);
void known_clear(struct known *known);

/* --- judge.c --- */

enum finding { TRUE_ALL, KEPT_ASIDE, FALSE_STATE };

struct verdict {
    enum finding finding;
    char why[400]; /* FALSE_STATE: what is wrong */
};

/* Opens the store in dir as of a power loss at the moment `at`. A file that was set aside is a
 * verdict of its own; `broken` (NULL: any) is then what has to be in it. `known` is of this history
 * alone, and grows. */
void judge(const struct history *h, size_t at, const char *dir, const struct image *broken,
           struct known *known, struct verdict *ret);

#endif
