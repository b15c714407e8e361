/* SPDX-License-Identifier: ISC */
/* A store in a directory of its own: the fixture of the tests that need nothing else. */
#ifndef MIRD_SHELF_H
#define MIRD_SHELF_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>

#include "api/file.h"
#include "api/memory.h"
#include "daemon/store.h"

struct house {
    char dir[64];
    struct mird_store *store;
};

static void open_store(struct house *h)
{
    struct mir_error err = {0};
    if (mird_store_open(h->dir, &h->store, &err))
        fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct house *h = mir_calloc(1, sizeof *h);
    mir_copy(h->dir, sizeof h->dir, "/tmp/mird-shelf-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    open_store(h);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct house *h = *state;
    mird_store_close(h->store);
    assert_int_equal(mir_dir_remove_at(AT_FDCWD, h->dir, NULL), 0);
    free(h);
    return 0;
}

static inline void reopen(struct house *h)
{
    mird_store_close(h->store);
    open_store(h);
}

#endif
