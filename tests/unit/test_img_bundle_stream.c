/* SPDX-License-Identifier: ISC */
/* A bundle's files on a pipe: what is written is read, and what is cut off has no end. */
#include "images/bundle_stream.h"

#include "scratch.h"

#define LARGE 700000

static int file_of(const char *bytes, size_t len, const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(mir_write_all(fd, bytes, len), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void test_round(void **state)
{
    char *large = mir_calloc(1, LARGE);
    int fd = file_of("", 0, *state);
    struct img_bundle_stream stream;
    struct img_bundle_piece piece = {.len = 1};
    struct mir_error err = {0};
    uint64_t bytes = 0;
    unsigned begun = 0;
    memset(large, 'x', LARGE);
    assert_int_equal(img_bundle_stream_file(&fd, "a.part.0", large, LARGE, &err), 0);
    assert_int_equal(img_bundle_stream_file(&fd, "a.manifest.xml", "<a/>", 4, &err), 0);
    assert_int_equal(img_bundle_stream_end(fd, &err), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    img_bundle_stream_init(&stream, fd);
    while (!img_bundle_stream_next(&stream, &piece, &err) && piece.len) {
        begun += piece.at == 0;
        bytes += piece.len;
        assert_string_equal(piece.name, begun == 1 ? "a.part.0" : "a.manifest.xml");
        assert_int_equal(piece.data[piece.len - 1], begun == 1 ? 'x' : '>');
    }
    if (piece.len)
        fail_msg("%s", err.text);
    assert_int_equal(begun, 2);
    assert_int_equal(bytes, LARGE + 4);
    assert_int_equal(img_bundle_stream_next(&stream, &piece, &err), 0); /* and it stays the end */
    assert_int_equal(piece.len, 0);
    img_bundle_stream_clear(&stream);
    close(fd);
    free(large);
}

static int read_all(const char *bytes, const char *dir, struct mir_error *err)
{
    struct img_bundle_stream stream;
    struct img_bundle_piece piece = {.len = 1};
    int rc = 0, fd = file_of(bytes, strlen(bytes), dir);
    img_bundle_stream_init(&stream, fd);
    while (!rc && piece.len)
        rc = img_bundle_stream_next(&stream, &piece, err);
    img_bundle_stream_clear(&stream);
    close(fd);
    return rc;
}

static void test_bad(void **state)
{
    static const char *const bad[] = {"",
                                      "a",
                                      "a ",
                                      "a 3",
                                      "a 3\n",
                                      "a 3\nxy",
                                      "a 3\nxyz",
                                      "a 0\n\n",
                                      "a 03\nxyz\n",
                                      "a 3 \nxyz\n",
                                      "a -3\nxyz\n",
                                      " 3\nxyz\n",
                                      "../a 1\nx\n",
                                      ".a 1\nx\n",
                                      "a/b 1\nx\n",
                                      "a\tb 1\nx\n",
                                      "a 10485761\n\n",
                                      "a 999999999\n\n"};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct mir_error err = {0};
        if (!read_all(bad[i], *state, &err) || err.kind != MIR_CORRUPT)
            fail_msg("'%s' is taken", bad[i]);
    }
    mir_auto_free char *name = mir_calloc(1, 201);
    struct mir_error err = {0};
    memset(name, 'n', 200);
    mir_auto_free char *text = mir_format("%s 1\nx\n", name);
    assert_int_equal(read_all(text, *state, &err), -1);
    assert_int_equal(read_all("a 3\nxyzb 1\nx\n", *state, &err), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_round), TEST(test_bad)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
