/* SPDX-License-Identifier: ISC */
/* A first root out of planted packages: what is placed, modules in every wrapper, all that programs
 * need and nothing else; and what the manifest says of it. */
#include <sys/stat.h>

#include "elf_forge.h"
#include "manifest.h"
#include "modules.h"
#include "needed.h"
#include "scratch.h"
#include "squeeze.h"

#define LIB "usr/lib/x86_64-linux-gnu/"
#define MODULES "usr/lib/modules/9.9.9/kernel/drivers/"
#define LOADER "/lib64/ld-linux-x86-64.so.2"
#define X86_64 62
#define AARCH64 183

static struct img_package package = {.name = (char[]){"planted"},
                                     .version = (char[]){"1-2"},
                                     .arch = (char[]){"amd64"},
                                     .source = (char[]){"plant"},
                                     .source_version = (char[]){"1"},
                                     .section = (char[]){"libs"},
                                     .depends = (char[]){""},
                                     .file = (char[]){""},
                                     .sha256 = "00"};

/* Takes the buffer. */
static void plant(struct img_parts *parts, const char *path, struct mir_buf *bytes)
{
    size_t len = bytes->len;
    union {
        char *text;
        unsigned char *bytes;
    } taken = {.text = mir_buf_take(bytes)};
    mir_auto_free char *copy = mir_strdup(path);
    assert_true(img_parts_wanted(parts, path));
    img_entries_add(&parts->kept, &(struct img_entry){.path = copy,
                                                      .mode = 0755,
                                                      .bytes = taken.bytes,
                                                      .owned = taken.bytes,
                                                      .len = len,
                                                      .package = &package});
}

static void plant_link(struct img_parts *parts, const char *path, const char *target)
{
    mir_auto_free char *from = mir_strdup(path);
    mir_auto_free char *to = mir_strdup(target);
    img_entries_add(&parts->kept,
                    &(struct img_entry){.path = from, .kind = IMG_ENTRY_LINK, .target = to});
}

static void plant_program(struct img_parts *parts, const char *path, const char *needed,
                          const char *interpreter)
{
    struct mir_buf bytes;
    forge_program(&bytes, X86_64, needed, interpreter);
    plant(parts, path, &bytes);
}

static void plant_module(struct img_parts *parts, const char *name, const char *depends)
{
    struct mir_buf bytes, packed;
    const char *ending = "";
    forge_module(&bytes, depends);
    mir_buf_init(&packed, FORGE_MAX);
    switch (name[0] % 3) { /* packed as releases do it */
    case 1:
        assert_int_equal(img_squeeze_zstd(bytes.data, bytes.len, IMG_SQUEEZE_QUICK, &packed, NULL),
                         0);
        ending = ".zst";
        break;
    case 2:
        assert_int_equal(img_squeeze_xz(bytes.data, bytes.len, IMG_SQUEEZE_QUICK, &packed, NULL),
                         0);
        ending = ".xz";
        break;
    default:
        mir_buf_add(&packed, bytes.data, bytes.len);
        break;
    }
    mir_buf_clear(&bytes);
    mir_auto_free char *path = mir_format(MODULES "%s.ko%s", name, ending);
    plant(parts, path, &packed);
}

/* All that the table names, but for one. */
static void plant_modules(struct img_parts *parts, const char *without)
{
    for (size_t i = 0; i < car_modules_n; i++)
        for (size_t j = 0; img_parts_module_row(parts, &car_modules[i]) && j < CAR_MODULES_IN_ROW &&
                           car_modules[i].modules[j];
             j++)
            if (strcmp(car_modules[i].modules[j], without) != 0)
                plant_module(parts, car_modules[i].modules[j], "");
}

static void plant_text(struct img_parts *parts, const char *path, const char *text)
{
    struct mir_buf bytes;
    mir_buf_init(&bytes, FORGE_MAX);
    mir_buf_adds(&bytes, text);
    plant(parts, path, &bytes);
}

static struct img_parts planted(const char *without_module)
{
    struct img_parts parts = {.carrier = MIR_CARRIER_XEN};
    struct mir_buf init;
    forge_program(&init, X86_64, "", NULL);
    parts.init = (struct img_own_file){.name = "init", .len = init.len, .sha256 = "11"};
    parts.init.bytes = mir_buf_take(&init);
    plant_program(&parts, "usr/lib/xen-9.9/bin/xl", "liba.so.1 libc.so.6", LOADER);
    plant_program(&parts, "usr/lib/xen-9.9/bin/xenstored", "libc.so.6", LOADER);
    plant_program(&parts, "usr/lib/xen-9.9/bin/xenconsoled", "libc.so.6", LOADER);
    plant_program(&parts, LIB "liba.so.1.2.3", "libb.so.1 libc.so.6", NULL);
    plant_program(&parts, LIB "libb.so.1", "liba.so.1", NULL); /* each needs the other */
    plant_program(&parts, LIB "libc.so.6", "ld-linux-x86-64.so.2", LOADER);
    plant_program(&parts, LIB "ld-linux-x86-64.so.2", "", NULL);
    plant_program(&parts, LIB "libgcc_s.so.1", "libc.so.6", NULL);
    plant_program(&parts, LIB "libnobody.so.1", "libnowhere.so.1", NULL);
    plant_link(&parts, LIB "liba.so.1", "liba.so.1.2.3");
    plant_link(&parts, "usr/lib64/ld-linux-x86-64.so.2",
               "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2");
    plant_modules(&parts, without_module);
    return parts;
}

static void test_whole(void **state)
{
    static const char *const there[] = {"bin/xl",
                                        "init",
                                        "lib/liba.so.1",
                                        "lib/libb.so.1",
                                        "lib/libc.so.6",
                                        "lib/libgcc_s.so.1",
                                        "lib64/ld-linux-x86-64.so.2",
                                        "k/xen-evtchn.ko",
                                        "k/ena.ko",
                                        "k/virtio_net.ko",
                                        "dev/console",
                                        "etc/xen/xl.conf"};
    struct img_parts parts = planted("");
    (void)state;
    assert_int_equal(img_parts_compose(&parts, NULL), 0);
    for (size_t i = 0; i < MIR_NELEMS(there); i++)
        if (!img_entries_find(&parts.root, there[i]))
            fail_msg("no %s", there[i]);
    assert_null(img_entries_find(&parts.root, "lib/libnobody.so.1"));
    assert_null(img_entries_find(&parts.root, "k/kvm.ko"));
    const struct img_entry *vif = img_entries_find(&parts.root, "etc/xen/vif");
    assert_string_equal(vif->target, "/init");
    for (size_t i = 0; i < parts.root.count; i++) {
        const struct img_entry *entry = &parts.root.list[i];
        if (!strncmp(entry->path, "k/", 2))
            assert_true(img_is_elf(entry->bytes, entry->len)); /* unpacked */
        char *slash = strrchr(entry->path, '/');
        mir_auto_free char *above =
            mir_format("%.*s", slash ? (int)(slash - entry->path) : 0, entry->path);
        const struct img_entry *folder = img_entries_find(&parts.root, above);
        if (*above && (!folder || folder->kind != IMG_ENTRY_FOLDER || folder > entry))
            fail_msg("%s comes before its folder", entry->path);
    }
    assert_int_equal(json_array_size(parts.absent), 0);
    img_parts_clear(&parts);
}

static void refused(struct img_parts *parts, enum mir_kind kind, const char *const *words)
{
    struct mir_error err = {0};
    assert_int_equal(img_parts_compose(parts, &err), -1);
    assert_int_equal(err.kind, kind);
    for (; *words; words++)
        if (!strstr(err.text, *words))
            fail_msg("no \"%s\" in: %s", *words, err.text);
    img_parts_clear(parts);
}

/* All that is missing is said at once. */
static void test_missing_library(void **state)
{
    struct img_parts parts = planted("");
    (void)state;
    plant_program(&parts, "usr/lib/xen-9.9/bin/xl", "libc.so.6 libx.so.1 liby.so.2", LOADER);
    refused(&parts, MIR_NOT_FOUND,
            (const char *const[]){"libx.so.1 (for bin/xl)", "liby.so.2 (for bin/xl)", NULL});
}

static void test_foreign_library(void **state)
{
    struct img_parts parts = planted("");
    struct mir_buf bytes;
    (void)state;
    forge_program(&bytes, AARCH64, "", NULL);
    plant(&parts, LIB "libb.so.1", &bytes);
    refused(&parts, MIR_CORRUPT, (const char *const[]){"lib/libb.so.1", "not for x86-64", NULL});
}

static void test_missing_program(void **state)
{
    struct img_parts parts = planted("");
    (void)state;
    plant_text(&parts, "usr/lib/xen-9.9/bin/xl", "");
    refused(&parts, MIR_NOT_FOUND, (const char *const[]){"usr/lib/xen-*/bin/xl", NULL});
    parts = planted("");
    plant_program(&parts, "usr/lib/xen-9.10/bin/xl", "", LOADER);
    refused(&parts, MIR_CORRUPT, (const char *const[]){"xen-9.9", "xen-9.10", NULL});
}

static void test_modules(void **state)
{
    struct img_parts parts = planted("xen-evtchn");
    (void)state;
    refused(&parts, MIR_NOT_FOUND, (const char *const[]){"xen-evtchn", NULL});

    /* built in */
    parts = planted("xen-evtchn");
    plant_text(&parts, "usr/lib/modules/9.9.9/modules.builtin",
               "kernel/a.ko\nkernel/drivers/xen/xen_evtchn.ko\n");
    assert_int_equal(img_parts_compose(&parts, NULL), 0);
    assert_null(img_entries_find(&parts.root, "k/xen-evtchn.ko"));
    assert_int_equal(json_array_size(parts.absent), 0);
    img_parts_clear(&parts);

    /* a driver that this Linux has not, and one that needs what the carrier has not */
    parts = planted("ena");
    plant_module(&parts, "e1000", "ptp,xen_evtchn");
    assert_int_equal(img_parts_compose(&parts, NULL), 0);
    assert_null(img_entries_find(&parts.root, "k/ena.ko"));
    assert_null(img_entries_find(&parts.root, "k/e1000.ko"));
    assert_int_equal(json_array_size(parts.absent), 2);
    assert_string_equal(json_string_value(json_array_get(parts.absent, 1)),
                        "e1000, which needs ptp");
    img_parts_clear(&parts);

    parts = planted("");
    plant_module(&parts, "xen-netback", "bridge");
    refused(&parts, MIR_CORRUPT, (const char *const[]){"xen-netback needs bridge", NULL});
}

/* Without a tender for it there is no need of virtual machines. */
static void test_kvm(void **state)
{
    struct img_parts parts = {.carrier = MIR_CARRIER_LINUX};
    (void)state;
    assert_false(img_parts_wanted(&parts, "lib/modules/6.1/kernel/arch/x86/kvm/kvm.ko"));
    assert_true(img_parts_wanted(&parts, "lib/modules/6.1/kernel/drivers/net/tun.ko.xz"));
    parts.tenders[0] = (struct img_own_file){.name = "solo5-hvt"};
    parts.tender_count = 1;
    assert_true(img_parts_wanted(&parts, "lib/modules/6.1/kernel/arch/x86/kvm/kvm.ko"));
    assert_false(img_parts_wanted(&parts, "lib/modules/6.1/kernel/arch/x86/kvm/kvm.kod"));
    assert_false(img_parts_wanted(&parts, "usr/share/doc/kvm.ko"));
    assert_false(img_parts_wanted(&parts, "usr/lib/x86_64-linux-gnu/gconv/UTF-7.so"));
}

static void test_needed(void **state)
{
    struct mir_buf bytes;
    struct img_needed needed = {0};
    struct mir_error err = {0};
    (void)state;
    forge_program(&bytes, X86_64, "liba.so.1 libb.so", LOADER);
    assert_int_equal(img_needed_read(bytes.data, bytes.len, &needed, NULL), 0);
    assert_string_equal(needed.interpreter, &LOADER[1]);
    assert_int_equal(needed.count, 2);
    assert_string_equal(needed.libraries[1], "libb.so");
    img_needed_clear(&needed);
    assert_int_equal(img_needed_read(bytes.data, 3000, &needed, &err), -1); /* cut off */
    assert_int_equal(err.kind, MIR_CORRUPT);
    assert_int_equal(img_needed_read("#!/bin/sh\n", 10, &needed, &err), -1);
    mir_buf_clear(&bytes);
    forge_program(&bytes, X86_64, "../liba.so", NULL);
    assert_int_equal(img_needed_read(bytes.data, bytes.len, &needed, &err), -1);
    mir_buf_clear(&bytes);
}

/* --- manifest --- */

static void write_text(const char *folder, const char *name, const char *text)
{
    mir_auto_free char *path = mir_format("%s/%s", folder, name);
    assert_int_equal(mir_file_write_at(AT_FDCWD, path, text, strlen(text), 0644, NULL), 0);
}

static void says_how_it_was_changed(const char *text)
{
    json_t *json = json_loads(text, 0, NULL), *files = json_object_get(json, "files");
    json_t *want =
        json_pack("{s:{s:i, s:s}, s:{s:i}, s:{s:s}}", "unpacked", "bytes", 77, "sha256", "44",
                  "relocations_cut", "bytes", 7, "btf_zeroed", "kept", "its reason");
    assert_true(json_equal(json_object_get(json_array_get(files, 0), "repacked"), want));
    assert_null(json_object_get(json_array_get(files, 1), "repacked"));
    json_decref(want);
    json_decref(json);
}

static void test_manifest(void **state)
{
    const struct img_repacked repacked = {
        .bytes = 77, .sha256 = "44", .spared = {.relocations = 7, .types_why = "its reason"}};
    const struct img_base_file files[] = {{"linux", 5, "22", &package, repacked},
                                          {"xen.gz", 3, "33", NULL, {.bytes = 0}}};
    struct img_parts parts = planted(""), again = planted("");
    char digest[MIR_SHA256_TEXT], other[MIR_SHA256_TEXT];
    uint64_t bytes = 0;
    size_t packages = 9;
    assert_int_equal(img_parts_compose(&parts, NULL), 0);
    assert_int_equal(img_parts_compose(&again, NULL), 0);
    mir_auto_free char *text = img_manifest_text(&parts, files, 2);
    mir_auto_free char *same = img_manifest_text(&again, files, 2);
    assert_string_equal(text, same);
    img_manifest_digest(&parts, digest);
    img_manifest_digest(&again, other);
    assert_string_equal(digest, other);
    assert_non_null(strstr(text, digest));
    says_how_it_was_changed(text);

    write_text(*state, "manifest.json", text);
    write_text(*state, "linux", "12345");
    assert_false(img_manifest_whole(*state, digest, &bytes, &packages));
    write_text(*state, "xen.gz", "12");
    assert_false(img_manifest_whole(*state, digest, &bytes, &packages));
    write_text(*state, "xen.gz", "123");
    assert_true(img_manifest_whole(*state, digest, &bytes, &packages));
    assert_int_equal(bytes, 8);
    assert_int_equal(packages, 0);
    assert_false(img_manifest_whole(*state, "00", &bytes, &packages));
    write_text(*state, "manifest.json", "{\"digest\": \"00\"}");
    assert_false(img_manifest_whole(*state, "00", &bytes, &packages));

    /* All that it is made of is in its name. */
    memcpy(parts.init.sha256, "12", 3);
    img_manifest_digest(&parts, other);
    assert_string_not_equal(digest, other);
    memcpy(parts.init.sha256, "11", 3);
    parts.tenders[parts.tender_count++] = (struct img_own_file){.name = "solo5-spt"};
    img_manifest_digest(&parts, other);
    assert_string_not_equal(digest, other);
    img_parts_clear(&parts);
    assert_int_equal(img_packages_copy(&again.packages, &package, NULL), 0);
    img_manifest_digest(&again, other);
    assert_string_not_equal(digest, other);
    img_parts_clear(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_missing_library),
        cmocka_unit_test(test_foreign_library),
        cmocka_unit_test(test_missing_program),
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_kvm),
        cmocka_unit_test(test_needed),
        cmocka_unit_test_setup_teardown(test_manifest, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests_name("img_parts", tests, NULL, NULL);
}
