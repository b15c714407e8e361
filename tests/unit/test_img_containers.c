/* SPDX-License-Identifier: ISC */
/*
 * Every container with disks made up from seeds: what is read back is what was written, holes are
 * holes, written zeros are there; the same bytes come through pipes; a full disk is said to be one.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "blocks.h"
#include "image_random.h"
#include "images/container.h"
#include "images/extents.h"
#include "images/reader.h"
#include "scratch.h"

#define INPUT_BYTES ((uint64_t)6 << 20)
#define PIECE ((size_t)1 << 20)

/* A container that is read here, too: as what, and in which pieces it keeps what was written. */
static const struct way {
    const char *name;
    enum mir_format format;
    uint64_t grain_bytes;
} ways[] = {
    {"raw", MIR_FORMAT_DISK_RAW, 4096},    {"qcow2", MIR_FORMAT_DISK_QCOW2, 65536},
    {"vhd", MIR_FORMAT_DISK_VHD, 4096},    {"vhd-dynamic", MIR_FORMAT_DISK_VHD, IMG_SECTOR},
    {"vmdk", MIR_FORMAT_DISK_VMDK, 65536},
};

static const uint64_t sizes[] = {512,
                                 513 * 512,
                                 (uint64_t)1 << 20,
                                 (1 << 20) + 512,
                                 (uint64_t)37 << 20,
                                 ((uint64_t)8 << 30) + 512};

static int written_file(const char *name, const struct img_disk *disk, int in)
{
    struct mir_error err = {0};
    struct img_input input;
    struct img_output output;
    int out = memfd_create(name, MFD_CLOEXEC);
    img_input_init(&input, in);
    img_output_init(&output, out);
    if (img_container_write(img_container_by_name(name), disk, &input, &output, &err))
        fail_msg("%s: %s", name, err.text);
    return out;
}

static void same_content(const struct img_disk *a, int a_fd, const struct img_disk *b, int b_fd)
{
    struct mir_error err = {0};
    struct img_input a_in, b_in;
    mir_auto_cursor struct img_cursor x, y;
    mir_auto_free unsigned char *left = malloc(PIECE), *right = malloc(PIECE);
    img_input_init(&a_in, a_fd);
    img_input_init(&b_in, b_fd);
    img_cursor_init(&x, a, &a_in);
    img_cursor_init(&y, b, &b_in);
    assert_int_equal(a->size, b->size);
    for (uint64_t at = 0; at < a->size; at += PIECE) {
        if (!img_disk_has(a, at, PIECE) && !img_disk_has(b, at, PIECE))
            continue;
        img_cursor_skip(&x, at - x.at);
        img_cursor_skip(&y, at - y.at);
        assert_int_equal(img_cursor_read(&x, left, PIECE, NULL, &err), 0);
        assert_int_equal(img_cursor_read(&y, right, PIECE, NULL, &err), 0);
        assert_memory_equal(left, right, PIECE);
    }
}

/* All of [at, at + len) is written on the disk. */
static bool covers(const struct img_disk *disk, uint64_t at, uint64_t len)
{
    for (size_t i = 0; len && i < disk->count; i++) {
        const struct img_extent *e = &disk->extents[i];
        if (e->at + e->len <= at)
            continue;
        if (e->at > at)
            return false;
        uint64_t n = e->at + e->len - at < len ? e->at + e->len - at : len;
        at += n;
        len -= n;
    }
    return !len;
}

static void there_and_back(const struct way *way, uint64_t seed, uint64_t bytes, int in)
{
    struct mir_error err = {0};
    struct img_disk disk, back;
    uint64_t size = img_container_size(img_container_by_name(way->name), bytes);
    assert_int_equal(image_random(&disk, seed, size, INPUT_BYTES, &err), 0);
    int out = written_file(way->name, &disk, in);
    if (img_read_disk(out, way->format, &back, &err))
        fail_msg("%s, seed %u: %s", way->name, (unsigned)seed, err.text);
    same_content(&disk, in, &back, out);
    for (size_t i = 0; i < disk.count; i++)
        assert_true(covers(&back, disk.extents[i].at, disk.extents[i].len));
    assert_true(img_disk_written(&back) <=
                img_blocks_count(&disk, way->grain_bytes) * way->grain_bytes);
    close(out);
    img_disk_clear(&disk);
    img_disk_clear(&back);
}

static void test_there_and_back(void **state)
{
    int in = image_input(42, INPUT_BYTES);
    (void)state;
    for (size_t w = 0; w < MIR_NELEMS(ways); w++)
        for (size_t s = 0; s < MIR_NELEMS(sizes); s++)
            for (uint64_t seed = 1; seed <= 8; seed++)
                there_and_back(&ways[w], seed * 100 + s, sizes[s], in);
    close(in);
}

/* The largest disk, with something at both ends and nothing between. */
static void test_the_largest(void **state)
{
    int in = image_input(42, INPUT_BYTES);
    (void)state;
    for (size_t w = 0; w < MIR_NELEMS(ways); w++) {
        struct mir_error err = {0};
        struct img_disk disk, back;
        assert_int_equal(img_disk_init(&disk, IMG_DISK_BYTES_MAX, &err), 0);
        assert_int_equal(img_disk_bytes(&disk, 0, "begin", 5, &err), 0);
        assert_int_equal(img_disk_input(&disk, IMG_DISK_BYTES_MAX - 1000, 7, 1000, &err), 0);
        assert_int_equal(img_disk_seal(&disk, &err), 0);
        assert_int_equal(img_container_size(img_container_by_name(ways[w].name), disk.size),
                         disk.size);
        int out = written_file(ways[w].name, &disk, in);
        struct stat st;
        assert_int_equal(fstat(out, &st), 0);
        assert_true(st.st_blocks * 512 < 8 << 20);
        assert_int_equal(img_read_disk(out, ways[w].format, &back, &err), 0);
        assert_int_equal(back.size, disk.size);
        same_content(&disk, in, &back, out);
        close(out);
        img_disk_clear(&disk);
        img_disk_clear(&back);
    }
    close(in);
}

static void test_a_disk_that_was_not_made_ready(void **state)
{
    struct img_input input;
    struct img_output output;
    struct mir_error err = {0};
    struct img_disk disk;
    int out = memfd_create("out", MFD_CLOEXEC);
    (void)state;
    img_input_init(&input, -1);
    img_output_init(&output, out);
    assert_int_equal(img_disk_init(&disk, 512, &err), 0);
    const struct img_container *raw = img_container_by_name("raw");
    assert_int_equal(img_container_write(raw, &disk, &input, &output, &err), -1);
    assert_int_equal(err.kind, MIR_INTERNAL);
    assert_int_equal(img_disk_seal(&disk, &err), 0);
    err = (struct mir_error){0};
    const struct img_container *vhd = img_container_by_name("vhd");
    assert_int_equal(img_container_write(vhd, &disk, &input, &output, &err), -1);
    assert_int_equal(err.kind, MIR_INTERNAL);
    assert_int_equal(img_disk_grow(&disk, img_container_size(vhd, disk.size), &err), 0);
    assert_int_equal(img_container_write(vhd, &disk, &input, &output, &err), 0);
    assert_int_equal(img_disk_grow(&disk, 512, &err), -1);
    assert_null(img_container_by_name("iso"));
    close(out);
    img_disk_clear(&disk);
}

/* --- pipes --- */

/* A child that runs work(ctx, fd) with one end of a pipe; the other end is returned. */
static int piped(void (*work)(const void *ctx, int fd), const void *ctx, int side, pid_t *ret_pid)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    *ret_pid = fork();
    assert_true(*ret_pid >= 0);
    if (!*ret_pid) {
        close(ends[side]);
        work(ctx, ends[!side]);
        _exit(0);
    }
    close(ends[!side]);
    return ends[side];
}

static void feed(const void *ctx, int fd)
{
    static char chunk[50000];
    ssize_t n;
    for (off_t at = 0; (n = pread(*(const int *)ctx, chunk, sizeof chunk, at)) > 0; at += n)
        if (mir_write_all(fd, chunk, (size_t)n))
            _exit(1);
}

/* The reading end: what comes has to be what the file holds. */
static void compare(const void *ctx, int fd)
{
    static unsigned char chunk[50000], want[50000];
    ssize_t n;
    off_t at = 0;
    for (; (n = read(fd, chunk, sizeof chunk)) > 0; at += n)
        if (pread(*(const int *)ctx, want, (size_t)n, at) != n || memcmp(chunk, want, (size_t)n))
            _exit(1);
    if (lseek(*(const int *)ctx, 0, SEEK_END) != at)
        _exit(2);
}

static void ended_well(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_pipes(void **state)
{
    int in = image_input(42, INPUT_BYTES);
    (void)state;
    for (const struct img_container *c = img_containers(); c->name; c++)
        for (uint64_t seed = 1; seed <= 6; seed++) {
            struct mir_error err = {0};
            struct img_disk disk;
            struct img_input input;
            struct img_output output;
            pid_t feeder, reader;
            uint64_t size = img_container_size(c, sizes[seed % 5]);
            assert_int_equal(image_random(&disk, seed, size, INPUT_BYTES, &err), 0);
            int file = written_file(c->name, &disk, in);
            int from = piped(feed, &in, 0, &feeder), to = piped(compare, &file, 1, &reader);
            img_input_init(&input, from);
            img_output_init(&output, to);
            if (img_container_write(c, &disk, &input, &output, &err))
                fail_msg("%s: %s", c->name, err.text);
            close(to);
            close(from);
            ended_well(reader);
            assert_int_equal(waitpid(feeder, NULL, 0), feeder); /* perhaps by SIGPIPE */
            close(file);
            img_disk_clear(&disk);
        }
    close(in);
}

static void test_a_pipe_does_not_go_back(void **state)
{
    struct mir_error err = {0};
    struct img_disk disk;
    struct img_input input;
    struct img_output output;
    int ends[2], out = memfd_create("out", MFD_CLOEXEC);
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(img_disk_init(&disk, 4096, &err), 0);
    assert_int_equal(img_disk_input(&disk, 0, 512, 512, &err), 0);
    assert_int_equal(img_disk_input(&disk, 512, 0, 512, &err), 0);
    assert_int_equal(img_disk_seal(&disk, &err), 0);
    img_input_init(&input, ends[0]);
    img_output_init(&output, out);
    assert_int_equal(img_container_write(img_containers(), &disk, &input, &output, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_true(*err.hint);
    close(ends[0]);
    close(ends[1]);
    close(out);
    img_disk_clear(&disk);
}

/* Behind bytes that are there already nothing may be left out, and nothing cut off. */
static void test_behind_other_bytes(void **state)
{
    static const int flags[] = {O_RDWR | O_APPEND, O_RDWR};
    char *path = scratch_file(state, "log", "before");
    int in = image_input(42, INPUT_BYTES);
    for (size_t i = 0; i < MIR_NELEMS(flags); i++) {
        struct mir_error err = {0};
        struct img_disk disk;
        struct img_input input;
        struct img_output output;
        mir_auto_free unsigned char *want = malloc(PIECE), *got = malloc(PIECE + 7);
        int out = open(path, flags[i] | O_CLOEXEC);
        assert_int_equal(ftruncate(out, 6), 0);
        assert_int_equal(lseek(out, 6, SEEK_SET), 6);
        assert_int_equal(image_random(&disk, 5, PIECE, INPUT_BYTES, &err), 0);
        int file = written_file("raw", &disk, in);
        img_input_init(&input, in);
        img_output_init(&output, out);
        assert_int_equal(img_container_write(img_containers(), &disk, &input, &output, &err), 0);
        assert_int_equal(pread(file, want, PIECE, 0), PIECE);
        assert_int_equal(pread(out, got, PIECE + 7, 0), PIECE + 6);
        assert_memory_equal(got, "before", 6);
        assert_memory_equal(got + 6, want, PIECE);
        close(out);
        close(file);
        img_disk_clear(&disk);
    }
    free(path);
    close(in);
}

/* --- trouble --- */

/* In a child whose files may not grow: 0 when it is told as a lack of space. */
static int without_space(const struct img_container *c, const char *path, rlim_t bytes, int in)
{
    struct mir_error err = {0};
    struct img_disk disk;
    struct img_input input;
    struct img_output output;
    struct rlimit limit = {bytes, bytes};
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    signal(SIGXFSZ, SIG_IGN);
    if (out < 0 || setrlimit(RLIMIT_FSIZE, &limit) || img_disk_init(&disk, 4 << 20, &err) ||
        img_disk_input(&disk, 1 << 20, 0, 1 << 20, &err) || img_disk_seal(&disk, &err))
        return 1;
    img_input_init(&input, in);
    img_output_init(&output, out);
    if (!img_container_write(c, &disk, &input, &output, &err))
        return 2;
    close(out);
    img_disk_clear(&disk);
    return err.kind == MIR_NO_SPACE && strstr(err.text, "cannot write the image") ? 0 : 3;
}

static void test_no_space(void **state)
{
    static const rlim_t limits[] = {100, 70000, 600000};
    char *path = mir_format("%s/out", (const char *)*state);
    int in = image_input(42, INPUT_BYTES);
    for (const struct img_container *c = img_containers(); c->name; c++)
        for (size_t i = 0; i < MIR_NELEMS(limits); i++) {
            pid_t pid = fork();
            if (!pid)
                _exit(without_space(c, path, limits[i], in));
            ended_well(pid);
        }
    free(path);
    close(in);
}

static void test_a_full_device(void **state)
{
    int in = image_input(42, INPUT_BYTES);
    (void)state;
    for (const struct img_container *c = img_containers(); c->name; c++) {
        struct mir_error err = {0};
        struct img_disk disk;
        struct img_input input;
        struct img_output output;
        int out = open("/dev/full", O_WRONLY | O_CLOEXEC);
        assert_true(out >= 0);
        assert_int_equal(image_random(&disk, 3, 1 << 20, INPUT_BYTES, &err), 0);
        img_input_init(&input, in);
        img_output_init(&output, out);
        assert_int_equal(img_container_write(c, &disk, &input, &output, &err), -1);
        assert_int_equal(err.kind, MIR_NO_SPACE);
        close(out);
        img_disk_clear(&disk);
    }
    close(in);
}

/* The kernel may refuse to copy between two file systems, or know nothing of it: same bytes. */
static void test_another_file_system(void **state)
{
    char *path = scratch_file(state, "input", "");
    int in = image_input(42, INPUT_BYTES), other = open(path, O_RDWR | O_CLOEXEC);
    feed(&in, other);
    for (const struct img_container *c = img_containers(); c->name; c++) {
        struct mir_error err = {0};
        struct img_disk disk;
        pid_t child;
        uint64_t size = img_container_size(c, 9 << 20);
        assert_int_equal(image_random(&disk, 77, size, INPUT_BYTES, &err), 0);
        int a = written_file(c->name, &disk, in), b = written_file(c->name, &disk, other);
        int to = piped(compare, &a, 1, &child);
        feed(&b, to);
        close(to);
        ended_well(child);
        close(a);
        close(b);
        img_disk_clear(&disk);
    }
    free(path);
    close(other);
    close(in);
}

static void test_input_cut_off(void **state)
{
    (void)state;
    for (const struct img_container *c = img_containers(); c->name; c++) {
        struct mir_error err = {0};
        struct img_disk disk;
        struct img_input input;
        struct img_output output;
        int in = image_input(42, INPUT_BYTES), out = memfd_create("out", MFD_CLOEXEC);
        assert_int_equal(img_disk_init(&disk, 16 << 20, &err), 0);
        assert_int_equal(img_disk_input(&disk, 4096, 1, INPUT_BYTES, &err), 0);
        assert_int_equal(img_disk_seal(&disk, &err), 0);
        img_input_init(&input, in);
        img_output_init(&output, out);
        assert_int_equal(img_container_write(c, &disk, &input, &output, &err), -1);
        assert_int_equal(err.kind, MIR_CORRUPT);
        close(in);
        close(out);
        img_disk_clear(&disk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_the_largest),
        cmocka_unit_test(test_a_disk_that_was_not_made_ready),
        cmocka_unit_test(test_pipes),
        cmocka_unit_test(test_a_pipe_does_not_go_back),
        cmocka_unit_test_setup_teardown(test_behind_other_bytes, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_no_space, scratch_make, scratch_remove),
        cmocka_unit_test(test_a_full_device),
        cmocka_unit_test_setup_teardown(test_another_file_system, scratch_make, scratch_remove),
        cmocka_unit_test(test_input_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
