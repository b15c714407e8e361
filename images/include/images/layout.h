/* SPDX-License-Identifier: ISC */
/*
 * From a kernel to a bootable disk: which partition table, file system and boot loader, with the
 * kernel as a range of the input and its arguments in the boot configuration.
 *
 * The boot loaders are GRUB's, put together by this project's build from the distribution's modules
 * (images/grub/) and read at run time from a folder (img_grub_open); nothing is executed, mounted
 * or installed. What does not need one (PV-GRUB) needs no folder.
 *
 * On the disk the kernel is /boot/kernel. Its arguments arrive byte for byte, or are refused: GRUB
 * puts a backslash before \, " and ' and quotes a word that has a space, so that a line with these
 * arrives only where it is what GRUB makes of some words ("a b" c does, x="a b" does not). A
 * multiboot 1 kernel sees the word "kernel" first, as under QEMU's -kernel; multiboot 2 sees the
 * arguments alone; Linux sees BOOT_IMAGE=/boot/kernel first. When loading fails the machine says so
 * on its first serial port, and switches itself off.
 *
 * Every layout is reproducible: ids come from the kernel's digest and the boot configuration. Owned
 * by one thread. Errors: MIR_USAGE for what a boot loader cannot load or an argument that it would
 * change (control characters, too long, quotes), MIR_POLICY for a disk that is too small,
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

#define IMG_ARGUMENTS_MAX 2048 /* bytes of the line; Linux: 2023, PV-GRUB: 1023 */
#define IMG_MODULES_MAX 8

/* A file that goes beside the kernel: an initramfs, a module of Xen. All of it is borrowed. */
struct img_module {
    const char *name; /* in /boot: letters, digits, ".", "_", "-"; not "kernel" or "grub" */
    const unsigned char *bytes;
    uint64_t len;
    const char *arguments; /* NULL or "": none; an initramfs of Linux has none */
};

struct img_carried;
struct img_guest_disks;

struct img_recipe {
    enum img_boot boot;
    /* What a boot loader starts instead of the kernel, which is somewhere in it (images/carrier.h):
     * then there are neither arguments nor modules. NULL: the kernel itself. Borrowed. */
    const struct img_carried *carried;
    /* Beside that: partitions "mirage-block-0" and on, GPT only. NULL: none. Borrowed, and the disk
     * borrows their files. */
    struct img_guest_disks *guest_disks;
    const struct mir_kernel *kernel; /* unpacked_bytes is what the input holds; borrowed */
    const char *arguments;           /* of the kernel; "" or NULL: none; borrowed */
    const struct img_module *modules;
    unsigned module_count;
    uint64_t disk_bytes; /* rounded up to 1 MiB; 0: as small as it can be */
};

/* The boot loaders of one folder, read whole; NULL members were not there. */
struct img_grub {
    struct img_blob {
        unsigned char *bytes; /* owned; NULL: not installed */
        size_t len;
    } boot, core_mbr, core_gpt, efi_x86_64, efi_aarch64;
};

/* The folder is mir_data_path("grub"). MIR_CORRUPT for a file that is no boot loader; a folder that
 * is not there has none, which is no error. Blocking. */
int img_grub_open(const char *folder, struct img_grub *ret, struct mir_error *err);
void img_grub_clear(struct img_grub *grub);
#define mir_auto_grub MIR_CLEANUP(img_grub_clear)

/* Lays the kernel out on *ret_disk (made here, sealed; clear it). grub may be NULL for PV-GRUB. A
 * disk that is one already is not laid out: see img_layout_ready. */
int img_layout(const struct img_recipe *recipe, const struct img_grub *grub,
               struct img_disk *ret_disk, struct mir_error *err);

/* For what is a disk already (its own boot loader, to be read by img_read_disk): 0 when the recipe
 * asks for nothing that the disk cannot do, MIR_USAGE for arguments, modules, or a firmware that it
 * is known not to boot by. */
int img_layout_ready(const struct img_recipe *recipe, struct mir_error *err);

#endif
