/* SPDX-License-Identifier: ISC */
/*
 * JSON at the borders: parsing with limits, and strict reading of objects that people write.
 * Built on jansson; duplicate keys are refused, nesting is limited by jansson itself (2048).
 */
#ifndef API_JSON_H
#define API_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "api/buf.h"
#include "api/error.h"

/* New reference, or NULL with MIR_USAGE naming line and column. `len` bytes, no terminator needed.
 * Refuses documents of more than max_bytes before looking at them. */
json_t *mir_json_parse(const char *text, size_t len, size_t max_bytes, struct mir_error *err);

/* Owned compact text, sorted keys not guaranteed. */
char *mir_json_text(const json_t *json);

/* The same by hand, for what is written very often: a string (of valid UTF-8), a number. */
void mir_json_put_text(struct mir_buf *out, const char *text);
void mir_json_put_integer(struct mir_buf *out, int64_t value);

/* Every member of obj must be in `allowed` (count names); the first that is not gives MIR_USAGE
 * with the name and, when one is near, the name that was probably meant. */
int mir_json_only(json_t *obj, const char *const *allowed, size_t count, struct mir_error *err);

/* Typed getters for such objects. A member that is absent or null leaves *ret as it is and gives
 * 0; one of the wrong type gives MIR_USAGE. Texts are borrowed from obj. */
int mir_json_get_text(const json_t *obj, const char *name, const char **ret, struct mir_error *err);
int mir_json_get_int(const json_t *obj, const char *name, long long *ret, struct mir_error *err);
int mir_json_get_bool(const json_t *obj, const char *name, int *ret, struct mir_error *err);

#endif
