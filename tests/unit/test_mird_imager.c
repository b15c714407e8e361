/* SPDX-License-Identifier: ISC */
/* What a provider gets of a disk. Argument: mirage-image. */
#include "api/imager.h"

#include "api/provider.h"
#include "imager.h"
#include "scratch.h"

#define DISK_BYTES ((size_t)3 << 20)
#define LIMIT_MS 20000

static const char *helper;

struct copy {
    unsigned char *disk; /* what came */
    uint64_t size, at, bytes;
    unsigned begins, ranges, fail_at; /* fail_at: refuse that range; 0: none */
};

static int begin(void *ctx, uint64_t disk_bytes, struct mir_error *err)
{
    struct copy *copy = ctx;
    (void)err;
    copy->begins++;
    copy->size = disk_bytes;
    copy->disk = mir_calloc(1, disk_bytes);
    return 0;
}

static int take(void *ctx, const struct mir_disk_range *range, struct mir_error *err)
{
    struct copy *copy = ctx;
    if (++copy->ranges == copy->fail_at)
        return mir_fail(err, MIR_THROTTLED, "enough");
    assert_true(range->at >= copy->at && range->at + range->len <= copy->size);
    memcpy(copy->disk + range->at, range->data, range->len);
    copy->at = range->at + range->len;
    copy->bytes += range->len;
    return 0;
}

/* A raw disk that starts by BIOS, with something in its middle and its last sector. */
static char *make_disk(const char *dir, unsigned char *content)
{
    char *path = mir_format("%s/disk", dir);
    memset(content, 0, DISK_BYTES);
    for (size_t i = 0; i < 440; i++)
        content[i] = (unsigned char)(i * 7 + 1);
    content[510] = 0x55;
    content[511] = 0xaa;
    memset(content + DISK_BYTES / 2, 0x5a, 100000);
    content[DISK_BYTES - 1] = 1;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(mir_write_all(fd, content, DISK_BYTES), 0);
    close(fd);
    return path;
}

static int run(const char *path, struct copy *copy, struct mir_error *err)
{
    const struct mir_kernel kernel = {.format = MIR_FORMAT_DISK_RAW};
    const struct mir_instance_spec spec = {.kernel = &kernel, .kernel_path = path};
    const struct mir_needs needs = {.layout = MIR_LAYOUT_NONE};
    const struct mir_disk_sink sink = {.begin = begin, .range = take, .ctx = copy};
    const struct mir_imager imager = mird_imager(helper);
    return imager.run(imager.ctx, &spec, &needs, &sink, LIMIT_MS, err);
}

static void test_whole(void **state)
{
    unsigned char *content = mir_calloc(1, DISK_BYTES);
    mir_auto_free char *path = make_disk(*state, content);
    struct copy copy = {.fail_at = 0};
    struct mir_error err = {0};
    if (run(path, &copy, &err))
        fail_msg("%s", err.text);
    assert_int_equal(copy.begins, 1);
    assert_true(copy.size >= DISK_BYTES && copy.bytes <= copy.size);
    assert_memory_equal(copy.disk, content, DISK_BYTES);
    free(copy.disk);
    free(content);
}

/* The provider's own reason is what is said, not that the helper was left alone. */
static void test_sink_refuses(void **state)
{
    unsigned char *content = mir_calloc(1, DISK_BYTES);
    mir_auto_free char *path = make_disk(*state, content);
    struct copy copy = {.fail_at = 1};
    struct mir_error err = {0};
    assert_int_equal(run(path, &copy, &err), -1);
    assert_int_equal(err.kind, MIR_THROTTLED);
    assert_string_equal(err.text, "enough");
    free(copy.disk);
    free(content);
}

static void test_no_disk(void **state)
{
    mir_auto_free char *path = mir_format("%s/words", (char *)*state);
    struct copy copy = {.fail_at = 0};
    struct mir_error err = {0};
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(mir_write_all(fd, "no disk at all\n", 15), 0);
    close(fd);
    assert_int_equal(run(path, &copy, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_int_equal(copy.begins, 0);
    assert_non_null(strstr(err.text, "the kernel"));
}

static void test_no_file(void **state)
{
    mir_auto_free char *path = mir_format("%s/nothing", (char *)*state);
    struct copy copy = {.fail_at = 0};
    struct mir_error err = {0};
    assert_int_equal(run(path, &copy, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
}

static void test_name(void **state)
{
    struct mir_kernel kernel = {.sha256 = "aa", .table = "t"};
    struct mir_instance_spec spec = {.kernel = &kernel, .arguments = "a=1"};
    struct mir_needs needs = {.layout = MIR_LAYOUT_BIOS};
    char first[MIR_SHA256_TEXT], second[MIR_SHA256_TEXT];
    (void)state;
    mir_disk_name(&spec, &needs, first);
    mir_disk_name(&spec, &needs, second);
    assert_string_equal(first, second);
    assert_int_equal(strlen(first), 64);
    mir_copy(spec.arguments, sizeof spec.arguments, "a=2");
    mir_disk_name(&spec, &needs, second);
    assert_string_not_equal(first, second);
    needs.layout = MIR_LAYOUT_UEFI;
    mir_disk_name(&spec, &needs, first);
    assert_string_not_equal(first, second);
    needs.layout = MIR_LAYOUT_NONE; /* arguments have no place on a disk that is one already */
    mir_disk_name(&spec, &needs, first);
    mir_copy(spec.arguments, sizeof spec.arguments, "");
    mir_disk_name(&spec, &needs, second);
    assert_string_equal(first, second);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_sink_refuses, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_no_disk, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_no_file, scratch_make, scratch_remove),
        cmocka_unit_test(test_name),
    };
    helper = argc > 1 ? argv[1] : "mirage-image";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
