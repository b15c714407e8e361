/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "source.h"
#include "window.h"

static void fill(unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (unsigned char)(i * 7 + (i >> 8));
}

static void test_window_keeps(void **state)
{
    struct krn_limits limits = {.keep_elf_bytes = 5000, .keep_other_bytes = 1000};
    unsigned char bytes[9000];
    fill(bytes, sizeof bytes);
    for (int elf = 0; elf < 2; elf++) {
        size_t keeps = elf ? 5000 : 1000;
        memcpy(bytes, elf ? "\177ELF" : "none", 4);
        for (size_t step = 1; step <= sizeof bytes; step = step * 7 + 1) {
            struct krn_window w;
            krn_window_init(&w, &limits);
            for (size_t at = 0; at < sizeof bytes; at += step)
                krn_window_add(&w, bytes + at, sizeof bytes - at < step ? sizeof bytes - at : step);
            assert_int_equal(w.size, sizeof bytes);
            assert_int_equal(w.kept, keeps);
            assert_memory_equal(w.data, bytes, keeps);
            assert_memory_equal(w.tail, bytes + sizeof bytes - 512, 512);
            krn_window_clear(&w);
        }
    }
}

/* What is large lies elsewhere from some size on; nothing of what came before is lost. */
static void test_window_large(void **state)
{
    static unsigned char bytes[5 << 20];
    const size_t keeps[] = {(512 << 10) + 1, 3 << 20, (4 << 20) - 7, 64 << 20};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 15);
    for (size_t i = 0; i < sizeof keeps / sizeof *keeps; i++)
        for (size_t step = 100000; step < sizeof bytes; step *= 7) {
            struct krn_limits limits = {.keep_elf_bytes = keeps[i], .keep_other_bytes = keeps[i]};
            struct krn_window w;
            size_t kept = keeps[i] < sizeof bytes ? keeps[i] : sizeof bytes;
            krn_window_init(&w, &limits);
            for (size_t at = 0; at < sizeof bytes; at += step)
                krn_window_add(&w, bytes + at, sizeof bytes - at < step ? sizeof bytes - at : step);
            assert_int_equal(w.kept, kept);
            assert_memory_equal(krn_window_at(&w, 0, kept), bytes, kept);
            assert_null(krn_window_at(&w, 1, kept));
            krn_window_clear(&w);
            assert_null(w.data);
        }
}

static void test_window_bounds(void **state)
{
    struct krn_limits limits = {.keep_elf_bytes = 100, .keep_other_bytes = 100};
    unsigned char bytes[300] = {1};
    struct krn_window w;
    krn_window_init(&w, &limits);
    assert_null(krn_window_at(&w, 0, 0));
    krn_window_add(&w, bytes, sizeof bytes);
    assert_non_null(krn_window_at(&w, 0, 100));
    assert_non_null(krn_window_at(&w, 100, 0));
    assert_null(krn_window_at(&w, 0, 101));
    assert_null(krn_window_at(&w, 100, 1));
    assert_null(krn_window_at(&w, UINT64_MAX, 1));
    assert_null(krn_window_at(&w, 1, UINT64_MAX));
    assert_null(krn_window_at(&w, UINT64_MAX, UINT64_MAX));
    assert_true(krn_window_has(&w, 0, 300));
    assert_true(krn_window_has(&w, 299, 1));
    assert_false(krn_window_has(&w, 299, 2));
    assert_false(krn_window_has(&w, UINT64_MAX, 2));
    assert_false(krn_window_has(&w, 2, UINT64_MAX));
    krn_window_clear(&w);
}

static int temporary(void)
{
    char name[] = "/tmp/test-krn-source-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    return fd;
}

static void digest_of(struct krn_source *source, unsigned char out[32], uint64_t *ret_bytes)
{
    const unsigned char *data;
    size_t len;
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    EVP_DigestInit_ex(sha, EVP_sha256(), NULL);
    *ret_bytes = 0;
    do {
        assert_int_equal(krn_source_next(source, &data, &len, NULL), 0);
        EVP_DigestUpdate(sha, data, len);
        *ret_bytes += len;
    } while (len);
    EVP_DigestFinal_ex(sha, out, NULL);
    EVP_MD_CTX_free(sha);
    krn_source_close(source);
}

/* Holes come out as zeros, at their place: the same digest as of the bytes in memory. */
static void test_source_holes(void **state)
{
    static const struct {
        off_t at;
        size_t len;
    } islands[] = {{0, 10}, {300000, 5000}, {1 << 20, 70000}, {3000000, 1}};
    size_t size = 4000001;
    unsigned char *plain = calloc(1, size);
    assert_non_null(plain);
    int fd = temporary();
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    for (size_t i = 0; i < MIR_NELEMS(islands); i++) {
        fill(plain + islands[i].at, islands[i].len);
        plain[islands[i].at] = 1;
        assert_int_equal(pwrite(fd, plain + islands[i].at, islands[i].len, islands[i].at),
                         (ssize_t)islands[i].len);
    }
    struct krn_source source;
    unsigned char want[32], got[32];
    uint64_t bytes;
    krn_source_memory(&source, plain, size);
    digest_of(&source, want, &bytes);
    assert_int_equal(bytes, size);
    assert_int_equal(lseek(fd, 1234, SEEK_SET), 1234); /* the offset does not matter */
    assert_int_equal(krn_source_open(&source, fd, NULL), 0);
    digest_of(&source, got, &bytes);
    assert_int_equal(bytes, size);
    assert_memory_equal(got, want, 32);
    close(fd);
    free(plain);
}

static void test_source_pipe(void **state)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "hello", 5), 5);
    assert_int_equal(write(fds[1], "world", 5), 5);
    close(fds[1]);
    struct krn_source source;
    const unsigned char *data;
    size_t len;
    assert_int_equal(krn_source_open(&source, fds[0], NULL), 0);
    assert_int_equal(krn_source_next(&source, &data, &len, NULL), 0);
    assert_int_equal(len, 10);
    assert_memory_equal(data, "helloworld", 10);
    assert_int_equal(krn_source_next(&source, &data, &len, NULL), 0);
    assert_int_equal(len, 0);
    krn_source_close(&source);
    close(fds[0]);
}

static void test_source_bad(void **state)
{
    struct krn_source source;
    struct mir_error err = {0};
    assert_int_equal(krn_source_open(&source, -1, &err), -1);
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    assert_int_equal(krn_source_open(&source, fd, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window_keeps),  cmocka_unit_test(test_window_large),
        cmocka_unit_test(test_window_bounds), cmocka_unit_test(test_source_holes),
        cmocka_unit_test(test_source_pipe),   cmocka_unit_test(test_source_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
