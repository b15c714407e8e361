/* SPDX-License-Identifier: ISC */
/*
 * What is said of an image that was built: plain values, and their JSON form, which crosses the
 * border between the sandboxed builder and its callers and is what `image build --json` prints.
 */
#ifndef IMAGES_SUMMARY_H
#define IMAGES_SUMMARY_H

#include <jansson.h>
#include <stdint.h>

#include "api/error.h"
#include "api/kernel.h"

struct img_summary {
    char kernel[MIR_SHA256_TEXT]; /* digest of the file that it was made from */
    char format[24];              /* of the container, as in --format */
    char boot[24];                /* as in --boot; "as-is" for what was a disk already */
    uint64_t disk_bytes;          /* what the machine sees */
    uint64_t written_bytes;       /* of it, what is written; the rest is holes */
    uint64_t output_bytes;        /* the container, its own holes included */
};

/* New reference. */
json_t *img_summary_to_json(const struct img_summary *summary);
/* Reads what that wrote; anything else is MIR_CORRUPT. */
int img_summary_from_json(const json_t *json, struct img_summary *ret, struct mir_error *err);

#endif
