/* SPDX-License-Identifier: ISC */
/*
 * What a program or library of Linux needs to start, by its own dynamic section. Pure; any bytes
 * may be given.
 *
 * Format: System V gABI, chapter 5 ("Dynamic Section"). Limits: 1024 entries of that section, 64
 * libraries.
 */
#ifndef IMAGES_CARRIER_NEEDED_H
#define IMAGES_CARRIER_NEEDED_H

#include <stdbool.h>
#include <stddef.h>

#include "api/cleanup.h"
#include "api/error.h"

#define IMG_NEEDED_MAX 64

struct img_needed {
    char *interpreter;               /* owned, relative: "lib64/ld-linux-x86-64.so.2"; NULL: none */
    char *libraries[IMG_NEEDED_MAX]; /* owned */
    size_t count;
};

void img_needed_clear(struct img_needed *needed);
#define mir_auto_needed MIR_CLEANUP(img_needed_clear)

/* MIR_CORRUPT for what is no whole ELF file for x86-64. */
int img_needed_read(const void *bytes, size_t len, struct img_needed *ret, struct mir_error *err);

bool img_is_elf(const void *bytes, size_t len);

/* What a kernel module says in its section .modinfo under `key` ("depends"); owned, "" when it says
 * nothing. */
char *img_modinfo(const void *bytes, size_t len, const char *key);

#endif
