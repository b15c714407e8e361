/* SPDX-License-Identifier: ISC */
#include "images/layout.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/machine.h"
#include "api/memory.h"
#include "bootconf.h"
#include "disks.h"
#include "images/carrier.h"
#include "images/digest.h"
#include "images/guest_disks.h"
#include "images/volume.h"
#include "put.h"

#define BLOCK ((uint64_t)4096)
#define MIB ((uint64_t)1 << 20)
#define DISK_LABEL "MIRAGE"

/* Where GRUB's first two sectors keep what an installer writes into them. */
#define BOOT_CORE_LBA 0x5c    /* boot.img: where the core begins, 64 bits */
#define BOOT_DRIVE_CHECK 0x66 /* boot.img: a jump that distrusts the BIOS's drive number */
#define CORE_REST_LBA 0x1f4   /* core: where its second sector is, 64 bits */
#define CORE_REST_COUNT 0x1fc /* core: how many follow, 16 bits */

enum table { TABLE_NONE, TABLE_MBR, TABLE_GPT };

static const struct shape {
    const char *name;
    enum table table;
    bool bios;            /* GRUB's boot code and core */
    bool uefi;            /* GRUB as an EFI application */
    const char *legacy;   /* ext2 with a menu.lst: how PV-GRUB calls it; NULL: FAT with grub.cfg */
    uint32_t ready_means; /* what a disk that is one already has to have, one of these; 0: unseen */
} shapes[IMG_BOOT_COUNT] = {
    [IMG_BOOT_BIOS] = {"bios", TABLE_MBR, true, false, NULL, MIR_BOOT_BIOS_DISK},
    [IMG_BOOT_UEFI] = {"uefi", TABLE_GPT, false, true, NULL, MIR_BOOT_EFI_DISK},
    [IMG_BOOT_BOTH] = {"both", TABLE_GPT, true, true, NULL, MIR_BOOT_BIOS_DISK | MIR_BOOT_EFI_DISK},
    [IMG_BOOT_PVGRUB] = {"pvgrub", TABLE_MBR, false, false, "(hd0,0)", 0},
    [IMG_BOOT_PVGRUB_BARE] = {"pvgrub-bare", TABLE_NONE, false, false, "(hd0)", 0},
};

/* All that is known of a disk before the first byte of it is made. */
struct plan {
    const struct img_recipe *recipe;
    const struct shape *shape;
    const struct img_blob *boot, *core, *efi; /* NULL: not on this one */
    struct mir_buf conf;
    unsigned char id[16];
    struct img_file files[3 + IMG_MODULES_MAX];
    size_t file_count;
    char paths[IMG_MODULES_MAX][80];
    uint64_t core_at, core_len, volume_at, volume_len, size;
    uint64_t guest_disk_at[IMG_BLOCKS_MAX];
    char guest_disk_names[IMG_BLOCKS_MAX][24]; /* of their partitions */
};

static unsigned guest_disk_count(const struct plan *plan)
{
    return plan->recipe->guest_disks ? plan->recipe->guest_disks->count : 0;
}

static void plan_clear(struct plan *plan)
{
    mir_buf_clear(&plan->conf);
}

const char *img_boot_name(enum img_boot boot)
{
    return (unsigned)boot < IMG_BOOT_COUNT ? shapes[boot].name : "unknown";
}

int img_boot_by_name(const char *name)
{
    for (int i = 0; i < IMG_BOOT_COUNT; i++)
        if (!strcmp(shapes[i].name, name))
            return i;
    return -1;
}

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

static int need_blob(const struct img_blob *blob, const char *what, const char *fix,
                     const struct img_blob **ret, struct mir_error *err)
{
    if (!blob || !blob->bytes) {
        mir_fail(err, MIR_UNAVAILABLE, "the boot loader for %s is not installed", what);
        return mir_error_hint(err, "%s, and build and install mirage-deploy again", fix);
    }
    *ret = blob;
    return 0;
}

/* Which of the boot loaders this disk takes. */
static int choose_loaders(struct plan *plan, const struct img_grub *grub, struct mir_error *err)
{
    static const struct img_grub none;
    bool arm = plan->recipe->kernel->arch == MIR_ARCH_AARCH64;
    const struct shape *s = plan->shape;
    const char *bios_fix = "install grub-pc-bin";
    if (!grub)
        grub = &none;
    if (arm && (s->bios || s->legacy)) {
        mir_fail(err, MIR_USAGE, "a machine for arm64 kernels has no such firmware: %s", s->name);
        return mir_error_hint(err, "--boot uefi");
    }
    if (s->bios && (need_blob(&grub->boot, "BIOS", bios_fix, &plan->boot, err) ||
                    need_blob(s->table == TABLE_MBR ? &grub->core_mbr : &grub->core_gpt, "BIOS",
                              bios_fix, &plan->core, err)))
        return -1;
    if (s->uefi && arm)
        return need_blob(&grub->efi_aarch64, "UEFI on arm64", "make grub-arm", &plan->efi, err);
    return s->uefi
               ? need_blob(&grub->efi_x86_64, "UEFI", "install grub-efi-amd64-bin", &plan->efi, err)
               : 0;
}

static void add_file(struct plan *plan, const char *path, const void *bytes, uint64_t len)
{
    plan->files[plan->file_count++] = (struct img_file){.path = path, .bytes = bytes, .len = len};
}

static void choose_modules(struct plan *plan)
{
    const struct img_recipe *recipe = plan->recipe;
    for (unsigned i = 0; i < recipe->module_count; i++) {
        const struct img_module *m = &recipe->modules[i];
        mir_auto_free char *path = mir_format("boot/%s", m->name);
        mir_copy(plan->paths[i], sizeof plan->paths[i], path); /* names are checked: they fit */
        add_file(plan, plan->paths[i], m->len ? m->bytes : (const unsigned char *)"", m->len);
    }
}

static void choose_carried(struct plan *plan)
{
    const struct img_carried *carried = plan->recipe->carried;
    for (size_t i = 0; i < carried->file_count; i++)
        plan->files[plan->file_count++] = carried->files[i];
}

/* The configuration first: whoever reads the disk looks for it first. */
static void choose_files(struct plan *plan)
{
    const struct img_recipe *recipe = plan->recipe;
    const char *legacy = plan->shape->legacy;
    if (plan->efi)
        add_file(plan,
                 recipe->kernel->arch == MIR_ARCH_AARCH64 ? "EFI/BOOT/BOOTAA64.EFI"
                                                          : "EFI/BOOT/BOOTX64.EFI",
                 plan->efi->bytes, plan->efi->len);
    add_file(plan, legacy ? "boot/grub/menu.lst" : "boot/grub/grub.cfg", plan->conf.data,
             plan->conf.len);
    if (recipe->carried) {
        choose_carried(plan);
        return;
    }
    add_file(plan, "boot/" IMG_KERNEL_FILE, NULL, recipe->kernel->unpacked_bytes);
    choose_modules(plan);
}

/* Equal kernels with equal arguments have equal disks; others have other ids. The configuration
 * has the arguments and the modules' names. */
static void choose_id(struct plan *plan)
{
    struct krn_digest digest;
    char text[MIR_SHA256_TEXT];
    krn_digest_init(&digest);
    krn_digest_add(&digest, plan->recipe->kernel->sha256, MIR_SHA256_TEXT - 1);
    krn_digest_add(&digest, plan->shape->name, strlen(plan->shape->name) + 1);
    krn_digest_add(&digest, plan->conf.data, plan->conf.len);
    if (plan->recipe->carried)
        krn_digest_add(&digest, plan->recipe->carried->id, MIR_SHA256_TEXT - 1);
    krn_digest_text(&digest, text);
    for (size_t i = 0; i < sizeof plan->id; i++) {
        char byte[] = {text[2 * i], text[2 * i + 1], '\0'};
        plan->id[i] = (unsigned char)strtoul(byte, NULL, 16);
    }
}

static uint32_t id32(const struct plan *plan)
{
    return plan->id[0] | (uint32_t)plan->id[1] << 8 | (uint32_t)plan->id[2] << 16 |
           (uint32_t)plan->id[3] << 24;
}

static int choose_size(uint64_t least, uint64_t wanted, uint64_t *ret, struct mir_error *err)
{
    if (wanted && wanted < least) {
        mir_fail(err, MIR_POLICY, "a disk of %" PRIu64 " bytes is too small for this kernel",
                 wanted);
        return mir_error_hint(err, "it needs %" PRIu64, round_up(least, MIB));
    }
    *ret = wanted > IMG_DISK_BYTES_MAX ? wanted : round_up(wanted ? wanted : least, MIB);
    return 0;
}

/* Behind all else, where a table has room for their names. */
static int place_guest_disks(struct plan *plan, uint64_t *ret_end, struct mir_error *err)
{
    uint64_t end = plan->volume_at + plan->volume_len;
    for (unsigned i = 0; i < guest_disk_count(plan); i++) {
        uint64_t at = round_up(end, BLOCK), len = plan->recipe->guest_disks->list[i].content.size;
        if (len > IMG_DISK_BYTES_MAX - MIB - at)
            return mir_fail(err, MIR_USAGE, "the block devices fit on no disk of this kind");
        plan->guest_disk_at[i] = at;
        end = at + len;
    }
    *ret_end = end;
    if (!guest_disk_count(plan) || plan->shape->table == TABLE_GPT)
        return 0;
    mir_fail(err, MIR_USAGE, "a disk that boots by %s has no place for block devices",
             plan->shape->name);
    return mir_error_hint(err, "--boot both or --boot uefi");
}

/* Nothing is aligned to more than a block: a disk is read once, at boot, and small is cheap. */
static int choose_places(struct plan *plan, struct mir_error *err)
{
    const struct shape *s = plan->shape;
    uint64_t at = s->table == TABLE_GPT ? IMG_GPT_HEAD_BYTES : s->table ? IMG_SECTOR : 0;
    plan->core_at = at;
    plan->core_len = plan->core ? round_up(plan->core->len, IMG_SECTOR) : 0;
    plan->volume_at = round_up(at + plan->core_len, BLOCK);
    plan->volume_len = s->legacy ? img_ext2_bytes(plan->files, plan->file_count)
                                 : img_fat_bytes(plan->files, plan->file_count);
    if (plan->volume_len > IMG_DISK_BYTES_MAX - plan->volume_at - MIB) {
        mir_fail(err, MIR_USAGE, "a kernel of %" PRIu64 " bytes fits on no disk of this kind",
                 plan->recipe->kernel->unpacked_bytes);
        return mir_error_hint(err, "is it a kernel?");
    }
    uint64_t end = 0;
    if (place_guest_disks(plan, &end, err))
        return -1;
    return choose_size(end + (s->table == TABLE_GPT ? IMG_GPT_TAIL_BYTES : 0),
                       plan->recipe->disk_bytes, &plan->size, err);
}

/* The core with the place of its own rest in its first sector, and the boot code that finds it. */
static int add_core(const struct plan *plan, struct img_disk *disk,
                    unsigned char boot_code[IMG_BOOT_CODE_BYTES], struct mir_error *err)
{
    uint64_t lba = plan->core_at / IMG_SECTOR;
    unsigned char *core = img_disk_room(disk, plan->core_at, plan->core_len, err);
    if (!core)
        return -1;
    memcpy(core, plan->core->bytes, plan->core->len);
    img_put_le64(core + CORE_REST_LBA, lba + 1);
    img_put_le16(core + CORE_REST_COUNT, (unsigned)(plan->core_len / IMG_SECTOR - 1));
    memcpy(boot_code, plan->boot->bytes, IMG_BOOT_CODE_BYTES);
    img_put_le64(boot_code + BOOT_CORE_LBA, lba);
    memset(boot_code + BOOT_DRIVE_CHECK, 0x90, 2); /* two times nothing, as for any hard disk */
    return 0;
}

static size_t add_guest_partitions(struct plan *plan, struct img_partition *partitions)
{
    for (unsigned i = 0; i < guest_disk_count(plan); i++) {
        char *name = plan->guest_disk_names[i];
        snprintf(name, sizeof plan->guest_disk_names[i], CAR_BLOCK_PARTITION "%u", i);
        partitions[i] =
            (struct img_partition){.kind = IMG_PARTITION_LINUX,
                                   .at = plan->guest_disk_at[i],
                                   .len = plan->recipe->guest_disks->list[i].content.size,
                                   .name = name};
    }
    return guest_disk_count(plan);
}

static int add_table(struct plan *plan, struct img_disk *disk, struct mir_error *err)
{
    const struct shape *s = plan->shape;
    unsigned char boot_code[IMG_BOOT_CODE_BYTES];
    struct img_partition partitions[2 + IMG_BLOCKS_MAX];
    size_t count = 0;
    if (plan->core && add_core(plan, disk, boot_code, err))
        return -1;
    if (plan->core && s->table == TABLE_GPT)
        partitions[count++] = (struct img_partition){.kind = IMG_PARTITION_BIOS_BOOT,
                                                     .at = plan->core_at,
                                                     .len = plan->core_len,
                                                     .name = "BIOS boot"};
    partitions[count++] = (struct img_partition){.kind = s->legacy ? IMG_PARTITION_LINUX
                                                         : s->uefi ? IMG_PARTITION_ESP
                                                                   : IMG_PARTITION_FAT,
                                                 .at = plan->volume_at,
                                                 .len = plan->volume_len,
                                                 .name = "EFI system",
                                                 .active = s->table == TABLE_MBR};
    count += add_guest_partitions(plan, partitions + count);
    const unsigned char *code = plan->core ? boot_code : NULL;
    if (s->table == TABLE_GPT)
        return img_gpt_add(disk, code, plan->id, partitions, count, err);
    return img_mbr_add(disk, code, id32(plan), partitions, count, err);
}

static int add_guest_disks(const struct plan *plan, struct img_disk *disk, struct mir_error *err)
{
    for (unsigned i = 0; i < guest_disk_count(plan); i++) {
        struct img_guest_disk *guest = &plan->recipe->guest_disks->list[i];
        for (size_t j = 0; j < guest->content.count; j++) {
            const struct img_extent *e = &guest->content.extents[j];
            if (img_disk_from(disk, plan->guest_disk_at[i] + e->at, &guest->input, e->input_at,
                              e->len, err))
                return -1;
        }
    }
    return 0;
}

static int fill(struct plan *plan, struct img_disk *disk, struct mir_error *err)
{
    const struct shape *s = plan->shape;
    if (img_disk_init(disk, plan->size, err) || (s->table && add_table(plan, disk, err)))
        return -1;
    if (s->legacy ? img_ext2_add(disk, plan->volume_at, plan->volume_len, plan->id, DISK_LABEL,
                                 plan->files, plan->file_count, err)
                  : img_fat_add(disk, plan->volume_at, plan->volume_len, id32(plan), DISK_LABEL,
                                plan->files, plan->file_count, err))
        return -1;
    return add_guest_disks(plan, disk, err) ? -1 : img_disk_seal(disk, err);
}

int img_layout_ready(const struct img_recipe *recipe, struct mir_error *err)
{
    const struct shape *shape = &shapes[recipe->boot];
    if (!mir_kernel_is_disk(recipe->kernel))
        return mir_fail(err, MIR_INTERNAL, "a kernel is no disk yet");
    if ((recipe->arguments && *recipe->arguments) || recipe->module_count) {
        mir_fail(err, MIR_USAGE, "this is a disk with a boot loader of its own, not a kernel");
        return mir_error_hint(err, "its arguments and modules are in its own configuration");
    }
    if (shape->ready_means && !(recipe->kernel->boot_ways & shape->ready_means)) {
        mir_fail(err, MIR_USAGE, "this disk does not boot that way: %s", shape->name);
        return mir_error_hint(err, "see what inspect says of it");
    }
    return 0;
}

static int choose_conf(struct plan *plan, struct mir_error *err)
{
    const struct img_carried *carried = plan->recipe->carried;
    const char *legacy = plan->shape->legacy;
    if (!carried)
        return legacy ? img_bootconf_legacy(plan->recipe, legacy, &plan->conf, err)
                      : img_bootconf_grub(plan->recipe, &plan->conf, err);
    if (legacy) {
        mir_fail(err, MIR_USAGE, "a carrier is not started by PV-GRUB");
        return mir_error_hint(err, "--boot both");
    }
    return mir_buf_add(&plan->conf, carried->conf.data, carried->conf.len)
               ? mir_fail(err, MIR_INTERNAL, "a boot configuration beyond its limit")
               : 0;
}

static int lay_out(const struct img_recipe *recipe, const struct shape *shape,
                   const struct img_grub *grub, struct img_disk *disk, struct mir_error *err)
{
    MIR_CLEANUP(plan_clear) struct plan plan = {.recipe = recipe, .shape = shape};
    mir_buf_init(&plan.conf, IMG_BOOTCONF_MAX);
    if (choose_conf(&plan, err) || choose_loaders(&plan, grub, err))
        return -1;
    choose_files(&plan);
    choose_id(&plan);
    return choose_places(&plan, err) || fill(&plan, disk, err) ? -1 : 0;
}

int img_layout(const struct img_recipe *recipe, const struct img_grub *grub,
               struct img_disk *ret_disk, struct mir_error *err)
{
    struct img_disk disk = {0};
    if ((unsigned)recipe->boot >= IMG_BOOT_COUNT || mir_kernel_is_disk(recipe->kernel))
        return mir_fail(err, MIR_INTERNAL, "no layout %d for %s", (int)recipe->boot,
                        mir_format_name(recipe->kernel->format));
    if (lay_out(recipe, &shapes[recipe->boot], grub, &disk, err)) {
        img_disk_clear(&disk);
        return -1;
    }
    *ret_disk = disk;
    return 0;
}
