/* SPDX-License-Identifier: ISC */
/* What a provider gets of a disk. Argument: mirage-image; mirage-bundle stands beside this. */
#include "api/imager.h"

#include "api/provider.h"
#include "certificate.h"
#include "imager.h"
#include "images/digest.h"
#include "scratch.h"

#define DISK_BYTES ((size_t)3 << 20)
#define LIMIT_MS 20000

static const char *helper;

struct copy {
    unsigned char *disk; /* what came; owned */
    uint64_t size, at, bytes;
    unsigned stop_after; /* that many ranges; 0: read to the end */
};

static int take_all(const struct mir_imager *imager, struct mir_disk *disk, struct copy *copy,
                    struct mir_error *err)
{
    struct mir_disk_range range;
    for (unsigned i = 1; !imager->next(disk, &range, err); i++) {
        if (!range.len)
            return 0;
        assert_true(range.at >= copy->at && range.at + range.len <= copy->size);
        memcpy(copy->disk + range.at, range.data, range.len);
        copy->at = range.at + range.len;
        copy->bytes += range.len;
        if (i == copy->stop_after)
            return 0;
    }
    return -1;
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
    const struct mir_imager imager = mird_imager(helper);
    struct mir_disk *disk = NULL;
    if (imager.open(imager.ctx, &spec, &needs, LIMIT_MS, &disk, &copy->size, err))
        return -1;
    copy->disk = mir_calloc(1, copy->size);
    int rc = take_all(&imager, disk, copy, err);
    imager.close(disk);
    return rc;
}

static void test_whole(void **state)
{
    unsigned char *content = mir_calloc(1, DISK_BYTES);
    mir_auto_free char *path = make_disk(*state, content);
    struct copy copy = {.disk = NULL};
    struct mir_error err = {0};
    if (run(path, &copy, &err))
        fail_msg("%s", err.text);
    assert_true(copy.size >= DISK_BYTES && copy.bytes <= copy.size);
    assert_memory_equal(copy.disk, content, DISK_BYTES);
    free(copy.disk);
    free(content);
}

/* The same disk as the bytes of a file, which is a disk again when it is read. */
static void test_file(void **state)
{
    unsigned char *content = mir_calloc(1, DISK_BYTES);
    mir_auto_free char *path = make_disk(*state, content);
    mir_auto_free char *packed = mir_format("%s/packed", (char *)*state);
    const struct mir_kernel kernel = {.format = MIR_FORMAT_DISK_RAW};
    const struct mir_instance_spec spec = {.kernel = &kernel, .kernel_path = path};
    const struct mir_needs needs = {.layout = MIR_LAYOUT_NONE};
    const struct mir_imager imager = mird_imager(helper);
    struct mir_disk_range range = {.len = 1};
    struct mir_disk *disk = NULL;
    struct mir_error err = {0};
    struct copy copy = {.disk = NULL};
    uint64_t at = 0;
    int fd = open(packed, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (imager.open_file(imager.ctx, &spec, &needs, "vmdk", LIMIT_MS, &disk, &err))
        fail_msg("%s", err.text);
    while (!imager.next(disk, &range, &err) && range.len) {
        assert_true(range.at == at);
        assert_int_equal(mir_write_all(fd, range.data, range.len), 0);
        at += range.len;
    }
    if (range.len)
        fail_msg("%s", err.text);
    imager.close(disk);
    close(fd);
    assert_true(at > 0 && at < DISK_BYTES / 4);
    if (run(packed, &copy, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(copy.disk, content, DISK_BYTES);
    free(copy.disk);
    free(content);
}

/* --- a bundle --- */

/* NAME.key and NAME.pem. */
static void make_keys(void *const *state, const char *name)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    const struct {
        const char *ending;
        char *text;
    } files[] = {{"key", key_pem(key)}, {"pem", certificate_pem(key)}};
    for (size_t i = 0; i < MIR_NELEMS(files); i++) {
        mir_auto_free char *file = mir_format("%s.%s", name, files[i].ending);
        free(scratch_file(state, file, files[i].text));
        free(files[i].text);
    }
    EVP_PKEY_free(key);
}

struct files {
    char names[8][128];
    uint64_t bytes;
    unsigned count;
    struct krn_digest digest; /* of all that came */
};

/* The bundle of a disk, with a key of that name; its files. */
static int take_bundle(const char *dir, const char *path, const char *key, const char *seed,
                       struct files *ret, struct mir_error *err)
{
    mir_auto_free char *cert = mir_format("%s/user.pem", dir);
    mir_auto_free char *key_path = mir_format("%s/%s.key", dir, key);
    mir_auto_free char *ec2 = mir_format("%s/ec2.pem", dir);
    const struct mir_bundle bundle = {.name = "disk",
                                      .account = "123456789012",
                                      .arch = MIR_ARCH_X86_64,
                                      .seed = seed,
                                      .cert = cert,
                                      .key = key_path,
                                      .ec2_cert = ec2};
    const struct mir_kernel kernel = {.format = MIR_FORMAT_DISK_RAW, .arch = MIR_ARCH_X86_64};
    const struct mir_instance_spec spec = {.kernel = &kernel, .kernel_path = path};
    const struct mir_needs needs = {.layout = MIR_LAYOUT_NONE};
    const struct mir_imager imager = mird_imager(helper);
    struct mir_disk_range range = {.len = 1};
    struct mir_disk *disk = NULL;
    *ret = (struct files){.count = 0};
    krn_digest_init(&ret->digest);
    if (imager.open_bundle(imager.ctx, &spec, &needs, &bundle, LIMIT_MS, &disk, err))
        return -1;
    int rc = 0;
    while (!rc && range.len && !(rc = imager.next(disk, &range, err)) && range.len) {
        if (!range.at)
            mir_copy(ret->names[ret->count++ % 8], 128, range.file);
        ret->bytes += range.len;
        krn_digest_add(&ret->digest, range.data, range.len);
    }
    imager.close(disk);
    return rc;
}

/* The parts first and the manifest last; the same seed gives the same bytes. */
static void test_bundle(void **state)
{
    unsigned char *content = mir_calloc(1, DISK_BYTES), sums[3][KRN_DIGEST_BYTES];
    mir_auto_free char *path = make_disk(*state, content);
    static const char *const seeds[] = {"one", "one", "two"};
    struct mir_error err = {0};
    struct files files;
    make_keys(state, "user");
    make_keys(state, "ec2");
    for (int i = 0; i < 3; i++) {
        if (take_bundle(*state, path, "user", seeds[i], &files, &err))
            fail_msg("%s", err.text);
        assert_int_equal(files.count, 2);
        assert_string_equal(files.names[0], "disk.part.0");
        assert_string_equal(files.names[1], "disk.manifest.xml");
        krn_digest_bytes(&files.digest, sums[i]);
    }
    assert_memory_equal(sums[0], sums[1], KRN_DIGEST_BYTES);
    assert_memory_not_equal(sums[0], sums[2], KRN_DIGEST_BYTES);
    free(content);
}

/* Whoever of the two fails says why. */
static void test_no_bundle(void **state)
{
    unsigned char *content = mir_calloc(1, DISK_BYTES);
    mir_auto_free char *path = make_disk(*state, content);
    mir_auto_free char *words = mir_format("%s/words", (char *)*state);
    struct mir_error err = {0};
    struct files files;
    make_keys(state, "user");
    make_keys(state, "ec2");
    assert_int_equal(take_bundle(*state, path, "ec2", "one", &files, &err), -1);
    assert_int_equal(err.kind, MIR_CREDENTIALS);
    assert_non_null(strstr(err.text, "does not belong"));
    err = (struct mir_error){0};
    assert_int_equal(take_bundle(*state, path, "no-such", "one", &files, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    err = (struct mir_error){0};
    int fd = open(words, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(mir_write_all(fd, "no disk at all\n", 15), 0);
    close(fd);
    assert_int_equal(take_bundle(*state, words, "user", "one", &files, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    free(content);
}

/* A file that cannot be made has no end: it must not be taken for a whole one. */
static void test_no_such_file(void **state)
{
    unsigned char *content = mir_calloc(1, DISK_BYTES);
    mir_auto_free char *path = make_disk(*state, content);
    const struct mir_kernel kernel = {.format = MIR_FORMAT_DISK_RAW};
    const struct mir_instance_spec spec = {.kernel = &kernel, .kernel_path = path};
    const struct mir_needs needs = {.layout = MIR_LAYOUT_NONE};
    const struct mir_imager imager = mird_imager(helper);
    struct mir_disk_range range = {.len = 0};
    struct mir_disk *disk = NULL;
    struct mir_error err = {0};
    assert_int_equal(imager.open_file(imager.ctx, &spec, &needs, "no such", LIMIT_MS, &disk, &err),
                     0);
    assert_int_equal(imager.next(disk, &range, &err), -1);
    assert_true(*err.text);
    imager.close(disk);
    free(content);
}

/* The helper is in the middle of writing: it ends, which the closing waits for. */
static void test_left_early(void **state)
{
    unsigned char *content = mir_calloc(1, DISK_BYTES);
    mir_auto_free char *path = make_disk(*state, content);
    struct copy copy = {.stop_after = 1};
    assert_int_equal(run(path, &copy, NULL), 0);
    assert_true(copy.bytes > 0 && copy.bytes < DISK_BYTES);
    free(copy.disk);
    free(content);
}

static void test_no_disk(void **state)
{
    mir_auto_free char *path = mir_format("%s/words", (char *)*state);
    struct copy copy = {.disk = NULL};
    struct mir_error err = {0};
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(mir_write_all(fd, "no disk at all\n", 15), 0);
    close(fd);
    assert_int_equal(run(path, &copy, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_null(copy.disk);
    assert_non_null(strstr(err.text, "the kernel"));
}

static void test_no_file(void **state)
{
    mir_auto_free char *path = mir_format("%s/nothing", (char *)*state);
    struct copy copy = {.disk = NULL};
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
        cmocka_unit_test_setup_teardown(test_file, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_no_such_file, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_left_early, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_no_disk, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_no_file, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_bundle, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_no_bundle, scratch_make, scratch_remove),
        cmocka_unit_test(test_name),
    };
    helper = argc > 1 ? argv[1] : "mirage-image";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
