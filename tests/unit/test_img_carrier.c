/* SPDX-License-Identifier: ISC */
/* What a carrier is told, how a carried kernel looks to a provider, and what stands on its disk. */
#include "scratch.h"

#include "images/carrier.h"
#include "images/carrier_conf.h"
#include "squeeze.h"

#define MIB ((uint64_t)1 << 20)
#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* --- what it is told --- */

static char *told(const struct img_carrier_conf *conf, struct mir_error *err)
{
    struct mir_buf text;
    mir_buf_init(&text, IMG_CARRIER_CONF_MAX);
    if (!img_carrier_conf_write(conf, &text, err))
        return mir_buf_take(&text);
    mir_buf_clear(&text);
    return NULL;
}

static void test_told(void **state)
{
    const struct img_carrier_conf conf = {.format = MIR_FORMAT_XEN_PV,
                                          .memory_bytes = 64 * MIB + 5,
                                          .name = "site",
                                          .open_count = 2,
                                          .open = {80, 443},
                                          .deadline_s = 1800000000,
                                          .answer = 80,
                                          .answer_deadline_s = 1799999970,
                                          .token = "t",
                                          .digest = DIGEST,
                                          .arguments = "a=1 \"b  c\""};
    mir_auto_free char *text = told(&conf, NULL);
    assert_string_equal(
        text, "kind xen-pv\nmemory 64\nnet auto\nopen 80/tcp\nopen 443/tcp\n"
              "deadline 1800000000\nanswer 80 1799999970\nname site\ntoken t\ndigest " DIGEST
              "\narguments a=1 \"b  c\"\n");
}

static void test_told_kinds(void **state)
{
    static const struct {
        enum mir_format format;
        const char *begin; /* NULL: nothing carries it */
    } rows[] = {
        {MIR_FORMAT_XEN_PV, "kind xen-pv\n"},     {MIR_FORMAT_XEN_PVH, "kind xen-pvh\n"},
        {MIR_FORMAT_SOLO5_XEN, "kind xen-pvh\n"}, {MIR_FORMAT_SOLO5_SPT, "kind solo5\n"},
        {MIR_FORMAT_SOLO5_HVT, "kind solo5\n"},   {MIR_FORMAT_LINUX, NULL},
        {MIR_FORMAT_SOLO5_VIRTIO, NULL},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_error err = {0};
        const struct img_carrier_conf conf = {.format = rows[i].format, .memory_bytes = MIB};
        mir_auto_free char *text = told(&conf, &err);
        if (!rows[i].begin)
            assert_int_equal(err.kind, MIR_USAGE);
        else
            assert_memory_equal(text, rows[i].begin, strlen(rows[i].begin));
    }
}

/* Without a network no port is opened; what would be a line of its own is refused. */
static void test_told_limits(void **state)
{
    struct mir_error err = {0};
    struct img_carrier_conf conf = {.format = MIR_FORMAT_SOLO5_SPT,
                                    .net = IMG_CARRIER_NO_NET,
                                    .memory_bytes = 1,
                                    .open_count = 1,
                                    .open = {80},
                                    .answer = 80};
    mir_auto_free char *text = told(&conf, NULL);
    assert_string_equal(text, "kind solo5\nmemory 1\nnet none\n");
    conf.arguments = "a\ndeadline 0";
    assert_null(told(&conf, &err));
    assert_int_equal(err.kind, MIR_USAGE);
    mir_auto_free char *large = mir_calloc(1, IMG_CARRIER_CONF_MAX + 1);
    memset(large, 'a', IMG_CARRIER_CONF_MAX);
    conf.arguments = large;
    assert_null(told(&conf, &err));
    assert_int_equal(err.kind, MIR_USAGE);
}

/* A machine of 512 MiB has to do for a kernel of MirageOS; more of anything is more. */
static void test_memory(void **state)
{
    uint64_t kernel = 7350707, least;
    least = img_carrier_machine_bytes(MIR_CARRIER_XEN, kernel, 64 * MIB);
    assert_true(least <= 512 * MIB);
    assert_int_equal(img_carrier_dom0_bytes(MIR_CARRIER_XEN, kernel) % (8 * MIB), 0);
    assert_true(img_carrier_dom0_bytes(MIR_CARRIER_XEN, 60 * MIB) >= 280 * MIB);
    assert_int_equal(img_carrier_machine_bytes(MIR_CARRIER_XEN, kernel, 164 * MIB),
                     least + 100 * MIB);
    assert_int_equal(img_carrier_dom0_bytes(MIR_CARRIER_LINUX, kernel), 0);
    assert_true(img_carrier_machine_bytes(MIR_CARRIER_LINUX, kernel, 64 * MIB) < least);
    assert_true(img_carrier_machine_bytes(MIR_CARRIER_SHIM, kernel, 64 * MIB) > 64 * MIB);
    struct mir_kernel k = {.min_memory_bytes = 5};
    assert_int_equal(img_carrier_guest_bytes(&k), 64 * MIB);
    k.min_memory_bytes = 100 * MIB + 1;
    assert_int_equal(img_carrier_guest_bytes(&k), 101 * MIB);
}

/* --- how a provider sees it --- */

static struct mir_family family(unsigned boots, const char *name, enum mir_verdict verdict,
                                enum mir_carrier carrier, enum mir_firmware firmware)
{
    struct mir_family row = {.boots = boots, .verdict = verdict, .carrier = carrier};
    mir_copy(row.family, sizeof row.family, name);
    row.needs.firmware = firmware;
    return row;
}

static struct mir_kernel two_providers(void)
{
    struct mir_kernel k = {.format = MIR_FORMAT_XEN_PV,
                           .container = MIR_CONTAINER_GZIP,
                           .takes_part = MIR_PART_ARGS,
                           .device_count = 1,
                           .boots_count = 2,
                           .family_count = 4};
    mir_copy(k.sha256, sizeof k.sha256, DIGEST);
    mir_copy(k.boots[0].provider, sizeof k.boots[0].provider, "local");
    mir_copy(k.boots[1].provider, sizeof k.boots[1].provider, "ec2");
    k.boots[0].verdict = k.boots[1].verdict = MIR_VERDICT_CARRIER;
    k.families[0] = family(0, "qemu-pc", MIR_VERDICT_CARRIER, MIR_CARRIER_XEN, MIR_FIRMWARE_BIOS);
    k.families[1] = family(1, "nitro", MIR_VERDICT_CARRIER, MIR_CARRIER_XEN, MIR_FIRMWARE_BIOS);
    k.families[2] = family(1, "xen-hvm", MIR_VERDICT_CARRIER, MIR_CARRIER_SHIM, MIR_FIRMWARE_BIOS);
    k.families[3] = family(1, "xen-pv", MIR_VERDICT_UNKNOWN, MIR_CARRIER_NONE, MIR_FIRMWARE_NONE);
    return k;
}

static void test_view(void **state)
{
    struct mir_kernel k = two_providers(), seen;
    assert_true(img_carrier_view(&k, "ec2", IMG_CARRIER_AUTOMATIC, &seen));
    assert_int_equal(seen.format, MIR_FORMAT_DISK_RAW);
    assert_int_equal(seen.container, MIR_CONTAINER_NONE);
    assert_int_equal(seen.boot_ways, MIR_BOOT_BIOS_DISK | MIR_BOOT_EFI_DISK);
    assert_int_equal(seen.takes_part, MIR_PART_DEADLINE | MIR_PART_POWEROFF);
    assert_int_equal(seen.device_count, 0);
    assert_string_equal(seen.sha256, DIGEST);
    assert_int_equal(mir_kernel_boots(&seen, "ec2")->verdict, MIR_VERDICT_BOOTS);
    assert_int_equal(mir_kernel_family(&seen, "ec2", "nitro")->verdict, MIR_VERDICT_BOOTS);
    assert_int_equal(mir_kernel_family(&seen, "ec2", "xen-pv")->verdict, MIR_VERDICT_CANNOT);
    assert_int_equal(img_carrier_shape(&k, "ec2", ""), MIR_CARRIER_XEN);
    assert_int_equal(img_carrier_shape(&k, "ec2", "xen-hvm"), MIR_CARRIER_SHIM);
    assert_int_equal(img_carrier_shape(&k, "ec2", "xen-pv"), MIR_CARRIER_NONE);
    assert_int_equal(img_carrier_shape(&k, "nobody", ""), MIR_CARRIER_NONE);
}

/* Here a keeper holds the deadline, which can be moved. */
static void test_view_here(void **state)
{
    struct mir_kernel k = two_providers(), seen;
    assert_true(img_carrier_view(&k, "local", IMG_CARRIER_AUTOMATIC, &seen));
    assert_string_equal(mir_kernel_boots(&seen, "local")->how, "qemu-disk");
    assert_int_equal(seen.takes_part, MIR_PART_POWEROFF);
}

static void test_view_wishes(void **state)
{
    struct mir_kernel k = two_providers(), seen;
    assert_false(img_carrier_view(&k, "ec2", IMG_CARRIER_NEVER, &seen));
    assert_false(img_carrier_view(&k, "nobody", IMG_CARRIER_ALWAYS, &seen));
    /* What starts as it is, is carried where that is wished for and a carrier is named. */
    k.boots[0].verdict = k.families[0].verdict = MIR_VERDICT_BOOTS;
    assert_false(img_carrier_view(&k, "local", IMG_CARRIER_AUTOMATIC, &seen));
    assert_true(img_carrier_view(&k, "local", IMG_CARRIER_ALWAYS, &seen));
    k.families[0].carrier = MIR_CARRIER_NONE;
    assert_false(img_carrier_view(&k, "local", IMG_CARRIER_ALWAYS, &seen));
    /* ... also where the table is not sure. */
    k.families[1].verdict = MIR_VERDICT_CANNOT;
    assert_true(img_carrier_view(&k, "ec2", IMG_CARRIER_ALWAYS, &seen));
    assert_int_equal(mir_kernel_family(&seen, "ec2", "nitro")->verdict, MIR_VERDICT_BOOTS);
    for (int wish = IMG_CARRIER_AUTOMATIC; wish <= IMG_CARRIER_ALWAYS; wish++)
        assert_int_equal(
            img_carrier_wish_by_name(img_carrier_wish_name((enum img_carrier_wish)wish)), wish);
    assert_int_equal(img_carrier_wish_by_name("sometimes"), -1);
}

/* --- the disk --- */

#define KERNEL "the kernel's own bytes"
#define CONF "kind xen-pv\nmemory 64\nnet none\narguments a=1\n"

static void plant(void **state, const char *name, const char *text)
{
    free(scratch_file(state, name, text));
}

/* A base of that shape, whose files are words, and a kernel. */
static void plant_base(void **state, const char *shape)
{
    mir_auto_free char *manifest =
        mir_format("{\"shape\":\"%s\",\"digest\":\"" DIGEST "\"}", shape);
    plant(state, "manifest.json", manifest);
    plant(state, "xen.gz", "XEN");
    plant(state, "xen-shim.xz", "SHIM");
    plant(state, "linux", "LINUX");
    plant(state, "base.cpio.zst", "BASE5");
    plant(state, "disks.cpio.zst", "DISKS");
    plant(state, "kernel", KERNEL);
}

static int make_with(void **state, const struct img_carrier *carrier, const char *conf,
                     const struct img_guest_disks *disks, struct img_carried *ret,
                     struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/kernel", (char *)*state);
    mir_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct img_input content;
    struct mir_kernel kernel = {.format = MIR_FORMAT_XEN_PV, .unpacked_bytes = strlen(KERNEL)};
    mir_copy(kernel.sha256, sizeof kernel.sha256, DIGEST);
    img_input_init(&content, fd);
    return img_carried_make(carrier, &kernel, conf, disks, &content, ret, err);
}

static int make(void **state, const struct img_carrier *carrier, const char *conf,
                struct img_carried *ret, struct mir_error *err)
{
    return make_with(state, carrier, conf, NULL, ret, err);
}

static bool has(const unsigned char *bytes, size_t len, const char *text)
{
    return memmem(bytes, len, text, strlen(text)) != NULL;
}

static void test_carried_by_xen(void **state)
{
    struct img_carrier carrier;
    struct img_carried carried, again;
    plant_base(state, "xen");
    assert_int_equal(img_carrier_open(*state, &carrier, NULL), 0);
    assert_int_equal(carrier.shape, MIR_CARRIER_XEN);
    assert_int_equal(make(state, &carrier, CONF, &carried, NULL), 0);
    assert_int_equal(carried.file_count, 3);
    assert_string_equal(carried.files[0].path, "boot/xen.gz");
    assert_string_equal(carried.files[1].path, "boot/linux");
    assert_string_equal(carried.files[2].path, "boot/initrd"); /* what differs comes last */
    const char *conf = mir_buf_text(&carried.conf);
    assert_non_null(strstr(conf, "if multiboot2 '/boot/xen.gz' "));
    assert_non_null(strstr(conf, "dom0_mem=168M,max:168M"));
    assert_non_null(strstr(conf, "halt\n"));
    assert_null(strstr(conf, "a=1")); /* the user's words are nowhere but in the archive */
    /* The base, padded; behind it an archive with the kernel and what it is told. */
    const struct img_file *last = &carried.files[2];
    assert_memory_equal(last->bytes, "BASE5\0\0\0", 8);
    unsigned char *plain;
    size_t len;
    assert_int_equal(img_unsqueeze(last->bytes + 8, last->len - 8, 1 << 20, &plain, &len, NULL), 0);
    assert_true(has(plain, len, KERNEL) && has(plain, len, CONF) && has(plain, len, "TRAILER!!!"));
    assert_memory_equal(plain, "070701", 6);
    free(plain);
    /* Equal input, equal bytes; another word, another disk. */
    assert_int_equal(make(state, &carrier, CONF, &again, NULL), 0);
    assert_int_equal(again.last.len, carried.last.len);
    assert_memory_equal(again.last.data, carried.last.data, carried.last.len);
    assert_string_equal(again.id, carried.id);
    img_carried_clear(&again);
    assert_int_equal(make(state, &carrier, CONF "ttl 5\n", &again, NULL), 0);
    assert_string_not_equal(again.id, carried.id);
    assert_string_equal(mir_buf_text(&again.conf), conf);
    img_carried_clear(&again);
    img_carried_clear(&carried);
    img_carrier_clear(&carrier);
}

/* xz, and behind it in four bytes what comes out of it, by which a shim makes room. */
static void is_for_a_shim(const struct img_file *file)
{
    static const unsigned char length[4] = {sizeof KERNEL - 1};
    unsigned char *plain;
    size_t len;
    assert_memory_equal(file->bytes,
                        "\xfd"
                        "7zXZ",
                        5);
    assert_memory_equal(file->bytes + file->len - 4, length, 4);
    assert_int_equal(img_unsqueeze(file->bytes, file->len - 4, 1 << 20, &plain, &len, NULL), 0);
    assert_int_equal(len, sizeof KERNEL - 1);
    assert_memory_equal(plain, KERNEL, len);
    free(plain);
}

static void test_carried_otherwise(void **state)
{
    struct img_carrier carrier;
    struct img_carried carried;
    plant_base(state, "linux");
    assert_int_equal(img_carrier_open(*state, &carrier, NULL), 0);
    assert_int_equal(make(state, &carrier, CONF, &carried, NULL), 0);
    assert_int_equal(carried.file_count, 2);
    assert_non_null(strstr(mir_buf_text(&carried.conf), "if $linux '/boot/linux' "));
    img_carried_clear(&carried);
    img_carrier_clear(&carrier);
    plant_base(state, "shim");
    assert_int_equal(img_carrier_open(*state, &carrier, NULL), 0);
    assert_int_equal(make(state, &carrier, CONF, &carried, NULL), 0);
    assert_int_equal(carried.file_count, 2);
    assert_string_equal(carried.files[1].path, "boot/kernel");
    is_for_a_shim(&carried.files[1]);
    assert_non_null(strstr(mir_buf_text(&carried.conf), "'/boot/kernel' 'a=1'"));
    img_carried_clear(&carried);
    img_carrier_clear(&carrier);
}

/* What the first process would refuse is refused before there is a disk. */
static void test_carried_refuses(void **state)
{
    struct img_carrier carrier;
    struct img_carried carried;
    struct mir_error err = {0};
    plant_base(state, "xen");
    assert_int_equal(img_carrier_open(*state, &carrier, NULL), 0);
    assert_int_equal(make(state, &carrier, "kind xen-pv\nwhat 5\n", &carried, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_non_null(strstr(err.text, "what"));
    img_carried_clear(&carried);
    const struct mir_kernel large = {.unpacked_bytes = IMG_CARRIED_KERNEL_MAX + 1};
    struct img_input none;
    img_input_init(&none, -1);
    assert_int_equal(img_carried_make(&carrier, &large, CONF, NULL, &none, &carried, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    img_carried_clear(&carried);
    img_carrier_clear(&carrier);
}

/* --- block devices --- */

/* A carrier's disk with two of them, the second of which has a hole in its middle. */
static int add_disks(void **state, struct img_guest_disks *disks, struct mir_error *err)
{
    mir_auto_free char *small = mir_calloc(1, 513);
    memset(small, 's', 512);
    plant(state, "small", small);
    mir_auto_free char *path = mir_format("%s/large", (char *)*state);
    mir_auto_close int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (ftruncate(fd, (off_t)(8 * MIB)) || pwrite(fd, "FIRST", 5, 0) != 5 ||
        pwrite(fd, "LAST", 4, (off_t)(8 * MIB - 4)) != 4)
        fail();
    mir_auto_free char *one = mir_format("fat1.img=%s/small", (char *)*state);
    mir_auto_free char *two = mir_format("xvda=%s", path);
    return img_guest_disks_add(disks, one, err) || img_guest_disks_add(disks, two, err) ||
           img_guest_disks_read(disks, err);
}

static void test_carried_with_disks(void **state)
{
    struct img_carrier carrier;
    struct img_carried with, without;
    struct img_guest_disks disks = {.count = 0};
    struct mir_error err = {0};
    plant_base(state, "xen");
    assert_int_equal(img_carrier_open(*state, &carrier, NULL), 0);
    assert_int_equal(add_disks(state, &disks, NULL), 0);
    assert_int_equal(disks.bytes, 512 + 8 * MIB);
    assert_true(img_disk_written(&disks.list[1].content) < 8 * MIB); /* the hole is none of it */
    assert_int_equal(make_with(state, &carrier, CONF, &disks, &with, NULL), 0);
    assert_int_equal(make(state, &carrier, CONF, &without, NULL), 0);
    /* The drivers are an archive of their own, and there for nobody else. */
    const struct img_file *last = &with.files[2];
    assert_memory_equal(last->bytes, "BASE5\0\0\0DISKS\0\0\0", 16);
    assert_false(has(without.files[2].bytes, without.files[2].len, "DISKS"));
    assert_string_not_equal(with.id, without.id);
    unsigned char *plain;
    size_t len;
    assert_int_equal(img_unsqueeze(last->bytes + 16, last->len - 16, 1 << 20, &plain, &len, NULL),
                     0);
    assert_true(has(plain, len, CONF "block fat1.img\nblock xvda\n"));
    free(plain);
    img_carried_clear(&with);
    img_carried_clear(&without);
    /* A line without its partition. */
    assert_int_equal(make(state, &carrier, CONF "block a\n", &with, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    img_carried_clear(&with);
    img_carrier_clear(&carrier);
    plant_base(state, "shim");
    assert_int_equal(img_carrier_open(*state, &carrier, NULL), 0);
    assert_int_equal(make_with(state, &carrier, CONF, &disks, &with, &err), -1);
    assert_non_null(strstr(err.text, "shim"));
    img_carried_clear(&with);
    img_carrier_clear(&carrier);
    img_guest_disks_clear(&disks);
}

static void test_disks_refused(void **state)
{
    static const struct {
        const char *word; /* %s: the folder */
        enum mir_kind kind;
        const char *says;
    } rows[] = {
        {"%s/small", MIR_USAGE, "not NAME=FILE"},     {"=%s/small", MIR_USAGE, "not NAME=FILE"},
        {"a=", MIR_USAGE, "not NAME=FILE"},           {"a b=%s/small", MIR_USAGE, "'a b'"},
        {"fat1.img=%s/small", MIR_USAGE, "twice"},    {"51712=%s/small", MIR_USAGE, "as 51712"},
        {"a=%s/nothing", MIR_NOT_FOUND, "nothing"},   {"a=%s", MIR_USAGE, "directory"},
        {"a=%s/odd", MIR_USAGE, "not whole sectors"}, {"a=%s/empty", MIR_USAGE, "empty"},
    };
    struct img_guest_disks disks = {.count = 0};
    assert_int_equal(add_disks(state, &disks, NULL), 0);
    plant(state, "odd", "odd");
    plant(state, "empty", "");
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_error err = {0};
        const char *mark = strstr(rows[i].word, "%s");
        mir_auto_free char *word = mark ? mir_format("%.*s%s%s", (int)(mark - rows[i].word),
                                                     rows[i].word, (char *)*state, mark + 2)
                                        : mir_strdup(rows[i].word);
        assert_int_equal(img_guest_disks_add(&disks, word, &err), -1);
        assert_int_equal(err.kind, rows[i].kind);
        if (!strstr(err.text, rows[i].says) || !*err.hint)
            fail_msg("%s: %s (%s)", word, err.text, err.hint);
    }
    assert_int_equal(disks.count, 2);
    for (unsigned i = disks.count; i <= IMG_BLOCKS_MAX; i++) {
        struct mir_error err = {0};
        mir_auto_free char *word = mir_format("n%u=%s/small", i, (char *)*state);
        assert_int_equal(img_guest_disks_add(&disks, word, &err), i < IMG_BLOCKS_MAX ? 0 : -1);
        assert_true(i < IMG_BLOCKS_MAX || strstr(err.text, "one too many"));
    }
    img_guest_disks_clear(&disks);
}

static void test_bases(void **state)
{
    static const struct {
        const char *manifest;
        enum mir_kind kind;
    } rows[] = {
        {"", MIR_CORRUPT},
        {"{}", MIR_CORRUPT},
        {"{\"shape\":\"xen\",\"digest\":\"5\"}", MIR_CORRUPT},
        {"{\"shape\":\"none\",\"digest\":\"" DIGEST "\"}", MIR_CORRUPT},
        {"{\"shape\":\"xen\",\"digest\":\"" DIGEST "\"}", MIR_NOT_FOUND}, /* without files */
    };
    struct img_carrier carrier;
    struct mir_error err = {0};
    assert_int_equal(img_carrier_open(*state, &carrier, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        plant(state, "manifest.json", rows[i].manifest);
        err = (struct mir_error){0};
        assert_int_equal(img_carrier_open(*state, &carrier, &err), -1);
        assert_int_equal(err.kind, rows[i].kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_told_kinds),
        cmocka_unit_test(test_told_limits),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_view),
        cmocka_unit_test(test_view_here),
        cmocka_unit_test(test_view_wishes),
        cmocka_unit_test_setup_teardown(test_carried_by_xen, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_carried_otherwise, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_carried_refuses, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_carried_with_disks, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_disks_refused, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_bases, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
