/* SPDX-License-Identifier: ISC */
/*
 * What SQLite does not ask of its own write-ahead log: whether it ends where it ends because the
 * power went, or because something in it is damaged. And that all of it is on the disk.
 */
#ifndef MIRD_STORE_WAL_H
#define MIRD_STORE_WAL_H

#include "api/error.h"

struct sqlite3;

/*
 * With the write lock held (inside BEGIN IMMEDIATE). MIR_CORRUPT when the log holds what was
 * committed and can no longer be read; a single flipped bit is turned back where it is certain
 * which it was (1 then: SQLite has to open the log anew). Every byte of the log that counts is
 * written again and synced: after a sync that failed, a process that ends leaves behind what the
 * kernel shows and the disk does not have, and the next would build upon it.
 */
int mird_wal_settle(struct sqlite3 *db, struct mir_error *err);

#endif
