/* SPDX-License-Identifier: ISC */
#include "api/scarce.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <sys/wait.h>

#include "scratch.h"

/* Does this end the process? Asked in a child, quietly. */
static int ends(void *(*take)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(STDERR_FILENO);
        (void)take();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void *too_much(void)
{
    return mir_scarce_malloc(SIZE_MAX / 2);
}

static void *much_too_much(void)
{
    return mir_scarce_realloc(NULL, SIZE_MAX / 2);
}

static void *openssl_too_much(void)
{
    return OPENSSL_malloc(SIZE_MAX / 2);
}

static void what_cannot_be_had_ends_the_program(void **state)
{
    assert_true(ends(too_much));
    assert_true(ends(much_too_much));
    assert_true(ends(openssl_too_much));
}

static void json_takes_its_memory_there(void **state)
{
    json_malloc_t take = NULL;
    json_free_t give = NULL;
    json_get_alloc_funcs(&take, &give);
    assert_ptr_equal(take, mir_scarce_malloc);
    json_t *json = json_pack("{s:[i,i]}", "a", 1, 2);
    assert_non_null(json);
    json_decref(json);
}

int main(void)
{
    mir_scarce_memory_ends();
    mir_scarce_crypto_ends();
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_cannot_be_had_ends_the_program),
                                       cmocka_unit_test(json_takes_its_memory_there)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
