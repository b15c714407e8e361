/* SPDX-License-Identifier: ISC */
/*
 * From a kernel to a bootable disk: which partition table, file system and boot loader, with the
 * kernel as a range of the input and its arguments in the boot configuration.
 *
 * The boot loaders are GRUB's, put together by this project's build from the distribution's modules
 * and read at run time from a folder (img_grub_open); nothing is executed, mounted or installed.
 * What does not need one (PV-GRUB, a disk that is one already) needs no folder.
 *
 * Every layout is reproducible: ids come from the kernel's digest and the arguments. Owned by one
 * thread. Errors: MIR_USAGE for what a boot loader cannot load or an argument that cannot stand in
 * a boot configuration (control characters, too long), MIR_POLICY for a disk that is too small,
 * MIR_UNAVAILABLE when the boot loader for it is not installed.
 */
#ifndef IMAGES_LAYOUT_H
#define IMAGES_LAYOUT_H

#include <stdint.h>

#include "api/kernel.h"
#include "images/disk.h"

enum img_boot {
    IMG_BOOT_BIOS,        /* MBR, GRUB behind it, FAT */
    IMG_BOOT_UEFI,        /* GPT, an EFI system partition with GRUB and the kernel */
    IMG_BOOT_BOTH,        /* GPT, GRUB for BIOS in a partition of its own, and the above */
    IMG_BOOT_PVGRUB,      /* MBR, ext2 with /boot/grub/menu.lst: PV-GRUB hd00 */
    IMG_BOOT_PVGRUB_BARE, /* ext2 without a partition table: PV-GRUB hd0 */
    IMG_BOOT_COUNT
};

const char *img_boot_name(enum img_boot boot); /* bios uefi both pvgrub pvgrub-bare */
int img_boot_by_name(const char *name);        /* -1: no such one */

#define IMG_ARGUMENTS_MAX 2048 /* bytes of the whole line */
#define IMG_MODULES_MAX 8

/* A file that goes beside the kernel: an initramfs, a module of Xen. */
struct img_module {
    const char *name; /* the file's name in /boot; borrowed */
    const unsigned char *bytes;
    uint64_t len;
    const char *arguments; /* may be NULL */
};

struct img_recipe {
    enum img_boot boot;
    const struct mir_kernel *kernel; /* unpacked_bytes is what the input holds; borrowed */
    const char *arguments;           /* of the kernel; "" or NULL: none; borrowed */
    const struct img_module *modules;
    unsigned module_count;
    uint64_t disk_bytes; /* 0: as large as it has to be */
};

/* The boot loaders of one folder, read whole; NULL members were not there. */
struct img_grub {
    struct img_blob {
        unsigned char *bytes; /* owned; NULL: not installed */
        size_t len;
    } boot, core_mbr, core_gpt, efi_x86_64, efi_aarch64;
};

int img_grub_open(const char *folder, struct img_grub *ret, struct mir_error *err);
void img_grub_clear(struct img_grub *grub);
#define mir_auto_grub MIR_CLEANUP(img_grub_clear)

/* Lays the kernel out on *ret_disk (made here, sealed; clear it). grub may be NULL for PV-GRUB. */
int img_layout(const struct img_recipe *recipe, const struct img_grub *grub,
               struct img_disk *ret_disk, struct mir_error *err);

#endif
