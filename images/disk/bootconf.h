/* SPDX-License-Identifier: ISC */
/*
 * The text that a boot loader reads from the disk: what to load, with which arguments, and to
 * switch the machine off when that fails. Nobody waits at a boot loader: no menu, no time-out, no
 * prompt.
 *
 * Arguments arrive at the kernel byte for byte, or are refused here. Pure.
 *
 * Errors: MIR_USAGE for a kernel that the boot loader cannot load, and for arguments that it would
 * change on their way.
 */
#ifndef IMAGES_BOOTCONF_H
#define IMAGES_BOOTCONF_H

#include "api/buf.h"
#include "images/layout.h"

#define IMG_BOOTCONF_MAX ((size_t)64 << 10)
#define IMG_KERNEL_FILE "kernel" /* in /boot; the first word that a multiboot 1 kernel sees */

/* grub.cfg, for GRUB 2. Appended to out. */
int img_bootconf_grub(const struct img_recipe *recipe, struct mir_buf *out, struct mir_error *err);

/* menu.lst, for GRUB legacy and PV-GRUB: device is "(hd0,0)" or "(hd0)". */
int img_bootconf_legacy(const struct img_recipe *recipe, const char *device, struct mir_buf *out,
                        struct mir_error *err);

/* " 'word' 'word'" of a line, for a command whose file stands before it; nothing of "" or NULL. */
int img_bootconf_words(const char *line, struct mir_buf *out, struct mir_error *err);

#endif
