/* SPDX-License-Identifier: ISC */
/* Layouts without a machine: what is refused and why, sizes, ids, and the text that a boot loader
 * reads. That they boot is tests/e2e/layouts.py. */
#include "scratch.h"

#include "bootconf.h"
#include "images/layout.h"

#define MIB ((uint64_t)1 << 20)

static unsigned char boot_img[512], core_img[3 * 512 - 7], efi_img[5000];
static struct img_grub grub = {
    .boot = {boot_img, sizeof boot_img},
    .core_mbr = {core_img, sizeof core_img},
    .core_gpt = {core_img, sizeof core_img},
    .efi_x86_64 = {efi_img, sizeof efi_img},
};

static struct mir_kernel kernel_of(enum mir_format format, uint32_t ways)
{
    struct mir_kernel k = {.format = format,
                           .boot_ways = ways,
                           .arch = MIR_ARCH_X86_64,
                           .bytes = 100000,
                           .unpacked_bytes = 100000};
    memset(k.sha256, 'a', MIR_SHA256_TEXT - 1);
    return k;
}

static struct mir_kernel a_multiboot(void)
{
    return kernel_of(MIR_FORMAT_MULTIBOOT1, MIR_BOOT_MULTIBOOT1);
}

static struct mir_kernel a_xen_pv(void)
{
    return kernel_of(MIR_FORMAT_XEN_PV, MIR_BOOT_XEN_PV_STRING);
}

/* The byte of a sealed disk that is generated; the input's and the holes' are 0. */
static unsigned char byte_at(const struct img_disk *disk, uint64_t at)
{
    for (size_t i = 0; i < disk->count; i++) {
        const struct img_extent *e = &disk->extents[i];
        if (e->bytes && at >= e->at && at < e->at + e->len)
            return e->bytes[at - e->at];
    }
    return 0;
}

static uint64_t number_at(const struct img_disk *disk, uint64_t at, unsigned bytes)
{
    uint64_t value = 0;
    while (bytes--)
        value = value << 8 | byte_at(disk, at + bytes);
    return value;
}

/* Everything that decides a disk's bytes, as a text to compare. */
static char *fingerprint(const struct img_disk *disk)
{
    uint64_t sum = disk->size;
    for (size_t i = 0; i < disk->count; i++) {
        const struct img_extent *e = &disk->extents[i];
        sum = sum * 1099511628211u + e->at + 3 * e->len + 7 * e->input_at;
        for (uint64_t j = 0; e->bytes && j < e->len; j++)
            sum = sum * 1099511628211u + e->bytes[j];
    }
    return mir_format("%zu extents, %llx", disk->count, (unsigned long long)sum);
}

static char *text_of(const struct img_recipe *recipe, const char *device)
{
    mir_auto_buf struct mir_buf out;
    struct mir_error err = {0};
    mir_buf_init(&out, IMG_BOOTCONF_MAX);
    if (device ? img_bootconf_legacy(recipe, device, &out, &err)
               : img_bootconf_grub(recipe, &out, &err))
        return mir_format("%s: %s", mir_kind_info(err.kind)->name, err.text);
    return mir_buf_take(&out);
}

static void names(void **state)
{
    (void)state;
    for (int i = 0; i < IMG_BOOT_COUNT; i++)
        assert_int_equal(img_boot_by_name(img_boot_name((enum img_boot)i)), i);
    assert_int_equal(img_boot_by_name("floppy"), -1);
}

static void what_grub_reads(void **state)
{
    static const unsigned char bytes[] = "x";
    struct img_module modules[] = {{"linux", bytes, 1, "console=hvc0 a\\'b"},
                                   {"initrd", bytes, 1, NULL}};
    struct mir_kernel k =
        kernel_of(MIR_FORMAT_MULTIBOOT1, MIR_BOOT_MULTIBOOT1 | MIR_BOOT_MULTIBOOT2);
    struct img_recipe recipe = {
        .kernel = &k, .arguments = "a \"b c\" $d", .modules = modules, .module_count = 2};
    (void)state;
    mir_auto_free char *two = text_of(&recipe, NULL);
    assert_string_equal(
        two, "if multiboot2 '/boot/kernel' 'a' 'b c' '$d'; then\n"
             "if module2 --nounzip '/boot/linux' 'console=hvc0' 'a'\\''b'; then\n"
             "if module2 --nounzip '/boot/initrd'; then\nboot\nfi\nfi\nfi\n"
             "echo 'mirage-deploy: the boot loader cannot start the kernel; powering off'\nhalt\n");
    k.boot_ways = MIR_BOOT_MULTIBOOT1;
    recipe.module_count = 0;
    mir_auto_free char *one = text_of(&recipe, NULL);
    assert_non_null(strstr(one, "if multiboot '/boot/kernel' 'kernel' 'a' 'b c' '$d'; then\nboot"));
    k = kernel_of(MIR_FORMAT_LINUX, MIR_BOOT_LINUX);
    recipe.module_count = 2;
    modules[0].arguments = NULL;
    mir_auto_free char *bzimage = text_of(&recipe, NULL);
    assert_non_null(strstr(bzimage, "if $linux '/boot/kernel' 'a' 'b c' '$d'; then\n"
                                    "if $initrd '/boot/linux' '/boot/initrd'; then\nboot\nfi\nfi"));
    modules[0].arguments = "x";
    mir_auto_free char *refused = text_of(&recipe, NULL);
    assert_string_equal(refused, "usage: linux: an initramfs has no arguments");
}

static void what_pvgrub_reads(void **state)
{
    static const struct {
        const char *arguments, *expected; /* NULL: refused */
    } rows[] = {
        {NULL, "kernel /boot/kernel\n"},
        {"", "kernel /boot/kernel\n"},
        {"a=\"b c\" 'd' $e\\f", "kernel /boot/kernel a=\"b c\" 'd' $e\\f\n"},
        {" a", NULL},
        {"a\\", NULL},
        {"a\nb", NULL},
    };
    struct mir_kernel k = a_xen_pv();
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct img_recipe recipe = {.kernel = &k, .arguments = rows[i].arguments};
        mir_auto_free char *text = text_of(&recipe, "(hd0)");
        mir_auto_free char *whole =
            mir_format("default 0\ntimeout 0\nfallback 1\n\ntitle kernel\nroot (hd0)\n%s\n"
                       "title power off\nhalt\n",
                       rows[i].expected ? rows[i].expected : "");
        if (rows[i].expected)
            assert_string_equal(text, whole);
        else
            assert_int_equal(strncmp(text, "usage: ", 7), 0);
    }
}

/* Too long by one byte, for every kind of loader; and just not. */
static void long_arguments(void **state)
{
    static const struct {
        enum mir_format format;
        uint32_t way;
        const char *device;
        size_t most;
    } rows[] = {
        {MIR_FORMAT_MULTIBOOT1, MIR_BOOT_MULTIBOOT1, NULL, IMG_ARGUMENTS_MAX},
        {MIR_FORMAT_MULTIBOOT2, MIR_BOOT_MULTIBOOT2, NULL, IMG_ARGUMENTS_MAX},
        {MIR_FORMAT_LINUX, MIR_BOOT_LINUX, NULL, 2023},
        {MIR_FORMAT_XEN_PV, MIR_BOOT_XEN_PV_NOTES, "(hd0,0)", 1023},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        for (size_t over = 0; over < 2; over++) {
            char line[IMG_ARGUMENTS_MAX + 2] = "";
            struct mir_kernel k = kernel_of(rows[i].format, rows[i].way);
            struct img_recipe recipe = {.kernel = &k, .arguments = line};
            memset(line, 'a', rows[i].most + over);
            mir_auto_free char *text = text_of(&recipe, rows[i].device);
            assert_int_equal(!strncmp(text, "usage: ", 7), over);
        }
}

static void arguments_refused(void **state)
{
    static const char *const rows[] = {"a\"b",  "'",       "\\",       "a\\b", "\"a\"",
                                       "\"a b", "a \"b",   "\"a b\"c", "a\tb", "a\nb",
                                       "\x7f",  "\x1b[0m", "\\x",      "\"",   "\"a b\\"};
    static const char *const good[] = {"\\\"",      "\\\\",  "\\'",       "\"a b\"",
                                       "\"a b\" c", "a  b",  " ",         "",
                                       "a\\\"b",    "\" \"", "\"\\\" \"", "\xc3\xbc"};
    struct mir_kernel k = a_multiboot();
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct img_recipe recipe = {.kernel = &k, .arguments = rows[i]};
        mir_auto_free char *text = text_of(&recipe, NULL);
        if (strncmp(text, "usage: ", 7))
            fail_msg("not refused: %s", rows[i]);
    }
    for (size_t i = 0; i < MIR_NELEMS(good); i++) {
        struct img_recipe recipe = {.kernel = &k, .arguments = good[i]};
        mir_auto_free char *text = text_of(&recipe, NULL);
        if (strncmp(text, "if multiboot ", 13))
            fail_msg("refused: %s", good[i]);
    }
}

static void modules_refused(void **state)
{
    static const char *const bad[] = {"kernel", "KERNEL", "grub", "",    "..",
                                      ".x",     "a/b",    "a b",  "a'b", "\xc3\xbc"};
    struct mir_kernel k = a_multiboot();
    struct img_module modules[IMG_MODULES_MAX + 1] = {{"one", NULL, 0, NULL}};
    struct img_recipe recipe = {.kernel = &k, .modules = modules, .module_count = 1};
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        modules[0].name = bad[i];
        mir_auto_free char *text = text_of(&recipe, NULL);
        assert_int_equal(strncmp(text, "usage: ", 7), 0);
    }
    modules[0].name = "one";
    modules[1].name = "ONE";
    recipe.module_count = 2;
    mir_auto_free char *twice = text_of(&recipe, NULL);
    assert_string_equal(twice, "usage: a module cannot be called \"ONE\"");
    recipe.module_count = IMG_MODULES_MAX + 1;
    mir_auto_free char *many = text_of(&recipe, NULL);
    assert_string_equal(many, "usage: 9 modules, at most 8");
    modules[0].arguments = "a\"";
    recipe.module_count = 1;
    mir_auto_free char *changed = text_of(&recipe, NULL);
    assert_int_equal(strncmp(changed, "usage: one: the boot loader would change", 40), 0);
}

/* Which kernel on which layout: the kind of the refusal, MIR_OK for none. */
static void who_may(void **state)
{
    static const struct {
        enum mir_format format;
        uint32_t ways;
        enum mir_kind bios, both, pvgrub;
    } rows[] = {
        {MIR_FORMAT_MULTIBOOT1, MIR_BOOT_MULTIBOOT1, MIR_OK, MIR_OK, MIR_USAGE},
        {MIR_FORMAT_SOLO5_VIRTIO, MIR_BOOT_MULTIBOOT1 | MIR_BOOT_SOLO5, MIR_OK, MIR_OK, MIR_USAGE},
        {MIR_FORMAT_XEN_PVH, MIR_BOOT_MULTIBOOT2 | MIR_BOOT_PVH, MIR_OK, MIR_OK, MIR_USAGE},
        {MIR_FORMAT_XEN_PVH, MIR_BOOT_PVH, MIR_USAGE, MIR_USAGE, MIR_USAGE},
        {MIR_FORMAT_SOLO5_XEN, MIR_BOOT_MULTIBOOT1 | MIR_BOOT_PVH, MIR_USAGE, MIR_USAGE, MIR_USAGE},
        {MIR_FORMAT_SOLO5_HVT, MIR_BOOT_SOLO5, MIR_USAGE, MIR_USAGE, MIR_USAGE},
        {MIR_FORMAT_XEN_PV, MIR_BOOT_XEN_PV_NOTES, MIR_USAGE, MIR_USAGE, MIR_OK},
        {MIR_FORMAT_ELF, 0, MIR_USAGE, MIR_USAGE, MIR_USAGE},
        {MIR_FORMAT_UNKNOWN, 0, MIR_USAGE, MIR_USAGE, MIR_USAGE},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        const enum img_boot boots[] = {IMG_BOOT_BIOS, IMG_BOOT_BOTH, IMG_BOOT_PVGRUB};
        const enum mir_kind kinds[] = {rows[i].bios, rows[i].both, rows[i].pvgrub};
        struct mir_kernel k = kernel_of(rows[i].format, rows[i].ways);
        for (size_t j = 0; j < MIR_NELEMS(boots); j++) {
            struct img_recipe recipe = {.kernel = &k, .boot = boots[j]};
            mir_auto_disk struct img_disk disk = {0};
            struct mir_error err = {0};
            int failed = img_layout(&recipe, &grub, &disk, &err);
            assert_int_equal(err.kind, kinds[j]);
            assert_int_equal(failed, kinds[j] == MIR_OK ? 0 : -1);
            assert_int_equal(*err.hint != '\0', failed != 0);
            assert_int_equal(disk.sealed, !failed);
        }
    }
}

/* A disk that is one already. */
static void ready_disks(void **state)
{
    static const struct {
        enum mir_format format;
        uint32_t ways;
        enum img_boot boot;
        const char *arguments;
        enum mir_kind kind;
    } rows[] = {
        {MIR_FORMAT_DISK_RAW, MIR_BOOT_BIOS_DISK, IMG_BOOT_BIOS, NULL, MIR_OK},
        {MIR_FORMAT_DISK_RAW, MIR_BOOT_BIOS_DISK, IMG_BOOT_BOTH, "", MIR_OK},
        {MIR_FORMAT_DISK_RAW, MIR_BOOT_BIOS_DISK, IMG_BOOT_UEFI, NULL, MIR_USAGE},
        {MIR_FORMAT_DISK_QCOW2, MIR_BOOT_EFI_DISK, IMG_BOOT_UEFI, NULL, MIR_OK},
        {MIR_FORMAT_DISK_VHD, MIR_BOOT_EFI_DISK, IMG_BOOT_BIOS, NULL, MIR_USAGE},
        {MIR_FORMAT_DISK_VHD, 0, IMG_BOOT_PVGRUB, NULL, MIR_OK},
        {MIR_FORMAT_DISK_RAW, MIR_BOOT_BIOS_DISK, IMG_BOOT_BIOS, "x", MIR_USAGE},
        {MIR_FORMAT_ELF, MIR_BOOT_BIOS_DISK, IMG_BOOT_BIOS, NULL, MIR_INTERNAL},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_kernel k = kernel_of(rows[i].format, rows[i].ways);
        struct img_recipe recipe = {
            .kernel = &k, .boot = rows[i].boot, .arguments = rows[i].arguments};
        struct mir_error err = {0};
        assert_int_equal(img_layout_ready(&recipe, &err), rows[i].kind == MIR_OK ? 0 : -1);
        assert_int_equal(err.kind, rows[i].kind);
        if (rows[i].format == MIR_FORMAT_ELF)
            continue;
        struct img_disk disk;
        assert_int_equal(img_layout(&recipe, &grub, &disk, &err), -1);
        assert_int_equal(err.kind, MIR_INTERNAL);
    }
}

static void not_installed(void **state)
{
    struct mir_kernel k = a_multiboot(), pv = a_xen_pv();
    const struct img_grub without_efi = {
        .boot = grub.boot, .core_mbr = grub.core_mbr, .core_gpt = grub.core_gpt};
    const struct img_grub without_boot = {.core_mbr = grub.core_mbr, .efi_x86_64 = grub.efi_x86_64};
    const struct {
        const struct img_grub *grub;
        const struct mir_kernel *kernel;
        enum img_boot boot;
        enum mir_kind kind;
    } rows[] = {
        {NULL, &k, IMG_BOOT_BIOS, MIR_UNAVAILABLE},
        {NULL, &k, IMG_BOOT_UEFI, MIR_UNAVAILABLE},
        {&without_efi, &k, IMG_BOOT_BIOS, MIR_OK},
        {&without_efi, &k, IMG_BOOT_BOTH, MIR_UNAVAILABLE},
        {&without_boot, &k, IMG_BOOT_BIOS, MIR_UNAVAILABLE},
        {&without_boot, &k, IMG_BOOT_UEFI, MIR_OK},
        {NULL, &pv, IMG_BOOT_PVGRUB, MIR_OK},
        {NULL, &pv, IMG_BOOT_PVGRUB_BARE, MIR_OK},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct img_recipe recipe = {.kernel = rows[i].kernel, .boot = rows[i].boot};
        mir_auto_disk struct img_disk disk = {0};
        struct mir_error err = {0};
        img_layout(&recipe, rows[i].grub, &disk, &err);
        assert_int_equal(err.kind, rows[i].kind);
    }
    k = kernel_of(MIR_FORMAT_LINUX, MIR_BOOT_LINUX);
    k.arch = MIR_ARCH_AARCH64;
    for (int boot = 0; boot < IMG_BOOT_COUNT; boot++) {
        struct img_recipe recipe = {.kernel = &k, .boot = (enum img_boot)boot};
        mir_auto_disk struct img_disk disk = {0};
        struct mir_error err = {0};
        assert_int_equal(img_layout(&recipe, &grub, &disk, &err), -1);
        assert_int_equal(err.kind, boot == IMG_BOOT_UEFI ? MIR_UNAVAILABLE : MIR_USAGE);
    }
}

/* The two places that tell GRUB's first sectors where the rest is. */
static void core_is_found(void **state)
{
    static const struct {
        enum img_boot boot;
        uint64_t lba;
    } rows[] = {{IMG_BOOT_BIOS, 1}, {IMG_BOOT_BOTH, 34}};
    struct mir_kernel k = a_multiboot();
    (void)state;
    memset(core_img, 0xc5, sizeof core_img);
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct img_recipe recipe = {.kernel = &k, .boot = rows[i].boot};
        mir_auto_disk struct img_disk disk = {0};
        uint64_t at = rows[i].lba * 512;
        assert_int_equal(img_layout(&recipe, &grub, &disk, NULL), 0);
        assert_int_equal(number_at(&disk, 0x5c, 8), rows[i].lba);
        assert_int_equal(number_at(&disk, 0x66, 2), 0x9090);
        assert_int_equal(number_at(&disk, at + 0x1f4, 8), rows[i].lba + 1);
        assert_int_equal(number_at(&disk, at + 0x1fc, 2), 2);
        assert_int_equal(byte_at(&disk, at + sizeof core_img - 1), 0xc5);
        assert_int_equal(byte_at(&disk, at + sizeof core_img), 0);
        assert_int_equal(byte_at(&disk, 510), 0x55);
        if (rows[i].boot == IMG_BOOT_BIOS) { /* one active FAT partition, which ends on the disk */
            assert_int_equal(byte_at(&disk, 446), 0x80);
            assert_true(number_at(&disk, 454, 4) >= 1 + 3);
            assert_true((number_at(&disk, 454, 4) + number_at(&disk, 458, 4)) * 512 <= disk.size);
        }
    }
}

static void sizes(void **state)
{
    struct mir_kernel k = a_multiboot();
    (void)state;
    for (int boot = 0; boot < IMG_BOOT_COUNT; boot++) {
        struct mir_kernel pv = a_xen_pv();
        struct img_recipe recipe = {.kernel = boot < IMG_BOOT_PVGRUB ? &k : &pv,
                                    .boot = (enum img_boot)boot};
        for (int large = 0; large < 3; large++) {
            mir_auto_disk struct img_disk disk = {0};
            recipe.disk_bytes = large == 1 ? 8000 * MIB : large == 2 ? 8000 * MIB + 512 : 0;
            assert_int_equal(img_layout(&recipe, &grub, &disk, NULL), 0);
            assert_int_equal(disk.size % MIB, 0);
            if (large)
                assert_int_equal(disk.size / MIB, 7999 + large);
            assert_true(large || disk.size <= 4 * MIB);
            assert_true(img_disk_written(&disk) < 100000 + 64 * 1024);
            assert_true(img_disk_is_sequential(&disk));
        }
        mir_auto_disk struct img_disk none = {0};
        struct mir_error err = {0};
        recipe.disk_bytes = 100000;
        assert_int_equal(img_layout(&recipe, &grub, &none, &err), -1);
        assert_int_equal(err.kind, MIR_POLICY);
        recipe.disk_bytes = UINT64_MAX;
        assert_int_equal(img_layout(&recipe, &grub, &none, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
    }
}

static void too_large_a_kernel(void **state)
{
    static const uint64_t bytes[] = {(uint64_t)5 << 30, (uint64_t)3 << 40, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(bytes); i++)
        for (int boot = 0; boot < IMG_BOOT_COUNT; boot++) {
            struct mir_kernel k = boot < IMG_BOOT_PVGRUB ? a_multiboot() : a_xen_pv();
            struct img_recipe recipe = {.kernel = &k, .boot = (enum img_boot)boot};
            mir_auto_disk struct img_disk disk = {0};
            struct mir_error err = {0};
            k.unpacked_bytes = bytes[i];
            if (i == 0 && boot >= IMG_BOOT_PVGRUB) /* ext2 takes it */
                continue;
            assert_int_equal(img_layout(&recipe, &grub, &disk, &err), -1);
            assert_int_equal(err.kind, MIR_USAGE);
        }
}

/* Equal input gives equal disks; a different argument, kernel or layout gives other ids. */
static void reproducible(void **state)
{
    char *prints[8] = {0};
    uint64_t ids[8];
    size_t count = 0;
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct mir_kernel k = a_multiboot();
        struct img_recipe recipe = {.kernel = &k,
                                    .boot = i & 1 ? IMG_BOOT_BOTH : IMG_BOOT_BIOS,
                                    .arguments = i & 2 ? "a" : "b"};
        memset(k.sha256, i & 4 ? 'c' : 'd', MIR_SHA256_TEXT - 1);
        for (int twice = 0; twice < 2; twice++) {
            mir_auto_disk struct img_disk disk = {0};
            assert_int_equal(img_layout(&recipe, &grub, &disk, NULL), 0);
            mir_auto_free char *print = fingerprint(&disk);
            if (twice)
                assert_string_equal(print, prints[count - 1]);
            else {
                ids[count] = i & 1 ? number_at(&disk, 512 + 56, 8) : number_at(&disk, 440, 4);
                prints[count++] = mir_strdup(print);
            }
        }
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(prints[i], prints[j]);
            assert_true(ids[i] != ids[j]);
        }
    for (size_t i = 0; i < count; i++)
        free(prints[i]);
}

static void put_file(const char *folder, const char *name, const void *bytes, size_t len)
{
    mir_auto_free char *path = mir_format("%s/%s", folder, name);
    mir_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(mir_write_all(fd, bytes, len), 0);
}

static void a_folder_of_boot_loaders(void **state)
{
    const char *folder = *state;
    unsigned char sector[1024] = "MZ";
    mir_auto_grub struct img_grub found = {0};
    struct mir_error err = {0};
    assert_int_equal(img_grub_open("/nonexistent/folder", &found, &err), 0);
    assert_null(found.boot.bytes);
    sector[510] = 0x55;
    sector[511] = 0xaa;
    put_file(folder, "boot.img", sector, 512);
    put_file(folder, "bootx64.efi", sector, 1024);
    assert_int_equal(img_grub_open(folder, &found, &err), 0);
    assert_int_equal(found.boot.len, 512);
    assert_int_equal(found.efi_x86_64.len, 1024);
    assert_null(found.core_mbr.bytes);
    put_file(folder, "core-gpt.img", sector, 1024); /* not what it has to be */
    struct img_grub untouched = {.boot = {NULL, 77}};
    assert_int_equal(img_grub_open(folder, &untouched, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    assert_int_equal(untouched.boot.len, 77);
    assert_non_null(strstr(err.text, "core-gpt.img"));
    put_file(folder, "core-gpt.img", sector, 0);
    assert_int_equal(img_grub_open(folder, &untouched, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(what_grub_reads),
        cmocka_unit_test(what_pvgrub_reads),
        cmocka_unit_test(long_arguments),
        cmocka_unit_test(arguments_refused),
        cmocka_unit_test(modules_refused),
        cmocka_unit_test(who_may),
        cmocka_unit_test(ready_disks),
        cmocka_unit_test(not_installed),
        cmocka_unit_test(core_is_found),
        cmocka_unit_test(sizes),
        cmocka_unit_test(too_large_a_kernel),
        cmocka_unit_test(reproducible),
        cmocka_unit_test_setup_teardown(a_folder_of_boot_loaders, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
