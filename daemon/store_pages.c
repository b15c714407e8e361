/* SPDX-License-Identifier: ISC */
#include "store_pages.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"

#define SUMMED_BYTES (MIRD_PAGE_BYTES - MIRD_PAGE_SUM_BYTES)
#define HEADER_BYTES 100
#define HEADER_RESERVED 20 /* where the file's header says how much of a page is reserved */
#define HEADER_VERSION 60  /* user_version */

/* The main file of a database; what is below stands behind it. */
struct page_file {
    sqlite3_file base;
    struct mird_pages *pages;
};

static sqlite3_file *below(sqlite3_file *file)
{
    return (sqlite3_file *)((struct page_file *)file + 1);
}

/* --- the sum --- */

/* Each step can be undone, so that what changes within one word of 8 bytes always changes the sum;
 * what changes in several does so but for one case in 2^64. The page's number counts too: a page
 * that was written to another's place is not right either. */
void mird_page_sum(const unsigned char *page, uint32_t number, unsigned char ret[])
{
    uint64_t sum = UINT64_C(0x9e3779b97f4a7c15) ^ number;
    for (size_t i = 0; i < SUMMED_BYTES; i += 8) {
        uint64_t word;
        memcpy(&word, page + i, sizeof word);
        sum = (sum ^ le64toh(word)) * UINT64_C(0xff51afd7ed558ccd);
        sum ^= sum >> 32;
    }
    for (int i = 0; i < MIRD_PAGE_SUM_BYTES; i++)
        ret[i] = (unsigned char)(sum >> 8 * i);
}

static uint32_t page_number(int64_t at)
{
    return (uint32_t)(at / MIRD_PAGE_BYTES) + 1;
}

/* SQLite leaves holes where free pages were never written. They hold nothing that it reads. */
static bool is_empty(const unsigned char *page)
{
    return !page[0] && !memcmp(page, page + 1, MIRD_PAGE_BYTES - 1);
}

static bool is_page(const struct page_file *file, int len, int64_t at)
{
    return file->pages->summed && len == MIRD_PAGE_BYTES && at % MIRD_PAGE_BYTES == 0;
}

static int page_read(sqlite3_file *file, void *to, int len, sqlite3_int64 at)
{
    struct page_file *self = (struct page_file *)file;
    unsigned char sum[MIRD_PAGE_SUM_BYTES];
    const unsigned char *page = to;
    int rc = below(file)->pMethods->xRead(below(file), to, len, at);
    if (rc != SQLITE_OK || !is_page(self, len, at))
        return rc;
    mird_page_sum(page, page_number(at), sum);
    if (!memcmp(sum, page + SUMMED_BYTES, sizeof sum) || is_empty(page))
        return SQLITE_OK;
    atomic_store(&self->pages->bad_page, page_number(at));
    return SQLITE_IOERR_DATA;
}

static int page_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 at)
{
    const struct page_file *self = (struct page_file *)file;
    unsigned char page[MIRD_PAGE_BYTES];
    if (is_page(self, len, at)) {
        memcpy(page, from, SUMMED_BYTES);
        mird_page_sum(page, page_number(at), page + SUMMED_BYTES);
        from = page;
    }
    return below(file)->pMethods->xWrite(below(file), from, len, at);
}

/* --- everything else goes through --- */

static int page_close(sqlite3_file *file)
{
    return below(file)->pMethods->xClose(below(file));
}

static int page_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return below(file)->pMethods->xTruncate(below(file), size);
}

static int page_sync(sqlite3_file *file, int flags)
{
    return below(file)->pMethods->xSync(below(file), flags);
}

static int page_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    return below(file)->pMethods->xFileSize(below(file), ret);
}

static int page_lock(sqlite3_file *file, int level)
{
    return below(file)->pMethods->xLock(below(file), level);
}

static int page_unlock(sqlite3_file *file, int level)
{
    return below(file)->pMethods->xUnlock(below(file), level);
}

static int page_reserved_lock(sqlite3_file *file, int *ret)
{
    return below(file)->pMethods->xCheckReservedLock(below(file), ret);
}

static int page_control(sqlite3_file *file, int op, void *arg)
{
    return below(file)->pMethods->xFileControl(below(file), op, arg);
}

static int page_sector(sqlite3_file *file)
{
    return below(file)->pMethods->xSectorSize(below(file));
}

static int page_device(sqlite3_file *file)
{
    return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

static int page_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
    return below(file)->pMethods->xShmMap(below(file), region, size, extend, ret);
}

static int page_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return below(file)->pMethods->xShmLock(below(file), offset, n, flags);
}

static void page_shm_barrier(sqlite3_file *file)
{
    below(file)->pMethods->xShmBarrier(below(file));
}

static int page_shm_unmap(sqlite3_file *file, int delete)
{
    return below(file)->pMethods->xShmUnmap(below(file), delete);
}

/* Version 2: without the calls that map the file, which nobody could check. */
static const sqlite3_io_methods page_methods = {
    .iVersion = 2,
    .xClose = page_close,
    .xRead = page_read,
    .xWrite = page_write,
    .xTruncate = page_truncate,
    .xSync = page_sync,
    .xFileSize = page_size,
    .xLock = page_lock,
    .xUnlock = page_unlock,
    .xCheckReservedLock = page_reserved_lock,
    .xFileControl = page_control,
    .xSectorSize = page_sector,
    .xDeviceCharacteristics = page_device,
    .xShmMap = page_shm_map,
    .xShmLock = page_shm_lock,
    .xShmBarrier = page_shm_barrier,
    .xShmUnmap = page_shm_unmap,
};

static int pages_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                      int *ret_flags)
{
    struct mird_pages *pages = (struct mird_pages *)vfs;
    if (!(flags & SQLITE_OPEN_MAIN_DB))
        return pages->below->xOpen(pages->below, name, file, flags, ret_flags);
    file->pMethods = NULL;
    int rc = pages->below->xOpen(pages->below, name, below(file), flags, ret_flags);
    if (rc != SQLITE_OK) {
        if (below(file)->pMethods)
            below(file)->pMethods->xClose(below(file));
        return rc;
    }
    ((struct page_file *)file)->pages = pages;
    file->pMethods = &page_methods;
    return SQLITE_OK;
}

struct mird_pages *mird_pages_new(void)
{
    struct mird_pages *pages = mir_calloc(1, sizeof *pages);
    sqlite3_initialize();
    pages->below = sqlite3_vfs_find(NULL);
    pages->vfs = *pages->below; /* names, access, time: as below */
    snprintf(pages->name, sizeof pages->name, "mirage-%p", (void *)pages);
    pages->vfs.zName = pages->name;
    pages->vfs.szOsFile += (int)sizeof(struct page_file);
    pages->vfs.xOpen = pages_open;
    pages->vfs.pNext = NULL;
    pages->summed = true;
    sqlite3_vfs_register(&pages->vfs, 0);
    return pages;
}

void mird_pages_free(struct mird_pages *pages)
{
    if (!pages)
        return;
    sqlite3_vfs_unregister(&pages->vfs);
    free(pages);
}

/* --- files from before --- */

static int fail_of(sqlite3 *db, const char *doing, struct mir_error *err)
{
    return mir_fail(err, MIR_FAILED, "store: %s: %s", doing, sqlite3_errmsg(db));
}

static int reserve(sqlite3 *db, struct mir_error *err)
{
    int bytes = MIRD_PAGE_SUM_BYTES;
    return sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes)
               ? fail_of(db, "room for checksums", err)
               : 0;
}

int mird_pages_begin(struct mird_pages *pages, sqlite3 *db, int64_t summed_since, bool *ret_rewrite,
                     struct mir_error *err)
{
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    unsigned char header[HEADER_BYTES] = "";
    pages->summed = true;
    *ret_rewrite = false;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) || !file->pMethods ||
        file->pMethods->xFileSize(file, &size))
        return fail_of(db, "looking at the file", err);
    if (size < HEADER_BYTES)
        return reserve(db, err);
    if (file->pMethods->xRead(file, header, sizeof header, 0))
        return mir_fail(err, MIR_FAILED, "store: state.db cannot be read");
    int64_t version = header[HEADER_VERSION] << 24 | header[HEADER_VERSION + 1] << 16 |
                      header[HEADER_VERSION + 2] << 8 | header[HEADER_VERSION + 3];
    bool ours = !memcmp(header, "SQLite format 3", 16);
    *ret_rewrite = ours && !header[HEADER_RESERVED] && version > 0 && version < summed_since;
    pages->summed = !*ret_rewrite;
    return 0;
}

/* Everything goes through the log, so that a power loss leaves the old file or the new one. */
int mird_pages_rewrite(struct mird_pages *pages, sqlite3 *db, struct mir_error *err)
{
    if (sqlite3_exec(db, "PRAGMA wal_autocheckpoint = 0; PRAGMA wal_checkpoint(TRUNCATE)", NULL,
                     NULL, NULL) ||
        reserve(db, err) || sqlite3_exec(db, "VACUUM", NULL, NULL, NULL))
        return fail_of(db, "giving the pages checksums", err);
    pages->summed = true;
    if (sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA wal_autocheckpoint = 1000", NULL,
                     NULL, NULL))
        return fail_of(db, "giving the pages checksums", err);
    return 0;
}
