/* SPDX-License-Identifier: ISC */
/*
 * What a unit test starts from: cmocka with the headers it needs, and a scratch directory that is
 * removed with all it holds. For tests only; one thread.
 */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"

/* As a group or test fixture: *state becomes the path of a new directory (owned text). */
static inline int scratch_make(void **state)
{
    const char *tmp = getenv("TMPDIR");
    char *path = mir_format("%s/mir-test-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
    if (!mkdtemp(path)) {
        free(path);
        return -1;
    }
    *state = path;
    return 0;
}

static inline int scratch_remove(void **state)
{
    int rc = mir_dir_remove_at(AT_FDCWD, *state, NULL);
    free(*state);
    return rc;
}

/* The path of `name` in the scratch directory (owned), after writing `text` there. */
static inline char *scratch_file(void *const *state, const char *name, const char *text)
{
    char *path = mir_format("%s/%s", (const char *)*state, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    return path;
}

#endif
