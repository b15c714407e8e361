/* SPDX-License-Identifier: ISC */
/*
 * What the two halves of the kernel document share: kernel.c (what it is) and boots.c (where it
 * starts). Tables of names, and getters that name the field that they could not read.
 */
#ifndef API_KERNEL_JSON_H
#define API_KERNEL_JSON_H

#include "api/kernel.h"

/* The index of name, or -1. */
int mir_name_index(const char *const *names, size_t count, const char *name);
/* The first name for an index out of range. */
const char *mir_name_at(const char *const *names, size_t count, unsigned index);

int mir_kernel_bad(struct mir_error *err, const char *field); /* -1, MIR_CORRUPT */
int mir_kernel_get_name(const json_t *json, const char *field, const char *const *names,
                        size_t count, unsigned *ret, struct mir_error *err);
int mir_kernel_get_text(const json_t *json, const char *field, char *out, size_t size,
                        struct mir_error *err);
int mir_powers_off_from_json(const json_t *json, enum mir_powers_off *ret, struct mir_error *err);

/* The member "boots": {provider: {verdict, how, why, families}}. New reference. */
json_t *mir_boots_to_json(const struct mir_kernel *kernel);
/* Fills boots and families; `families` may be missing. */
int mir_boots_from_json(const json_t *json, struct mir_kernel *kernel, struct mir_error *err);

#endif
