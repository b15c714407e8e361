/* SPDX-License-Identifier: ISC */
/* SQLite without memory: the daemon ends (api/scarce.h). A question that could not be answered must
 * not be taken for one that was. */
#include <pthread.h>

#include "api/memory.h"
#include "store_sql.h"

static sqlite3_mem_methods own; /* the library's; written once, before it is used */

static void *take(int size)
{
    void *p = own.xMalloc(size);
    if (!p)
        mir_memory_out();
    return p;
}

static void *take_again(void *old, int size)
{
    void *p = own.xRealloc(old, size);
    if (!p)
        mir_memory_out();
    return p;
}

/* Refused, and left as it is, when something else of this process has used SQLite before. */
static void configure(void)
{
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &own))
        return;
    sqlite3_mem_methods methods = own;
    methods.xMalloc = take;
    methods.xRealloc = take_again;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* nobody asks, and each call takes a lock */
}

void mird_store_memory_ends(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure);
}
