/* SPDX-License-Identifier: ISC */
#include "images/block.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/buf.h"
#include "api/cleanup.h"
#include "api/preflight.h"
#include "disks.h"

_Static_assert(IMG_BLOCKS_MAX == CAR_BLOCKS_MAX, "a builder and a first process of one mind");
_Static_assert(IMG_BLOCK_NAME_MAX == CAR_BLOCK_NAME_MAX, "... also about names");

int img_block_name_check(const char *const names[], size_t count, const char *name,
                         struct mir_error *err)
{
    if (!car_block_name(name, strlen(name))) {
        mir_fail(err, MIR_USAGE, "'%.80s' cannot be the name of a block device", name);
        return mir_error_hint(err,
                              "1 to %d letters, digits, '.', '_', '-' and '/', as the kernel "
                              "calls it",
                              IMG_BLOCK_NAME_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!car_block_same(names[i], name))
            continue;
        mir_fail(err, MIR_USAGE, "the block device %s is given twice%s%s", names[i],
                 strcmp(names[i], name) ? ", as " : "", strcmp(names[i], name) ? name : "");
        return mir_error_hint(err, "give each a name of its own");
    }
    if (count < IMG_BLOCKS_MAX)
        return 0;
    mir_fail(err, MIR_USAGE, "more than %d block devices: %s is one too many", IMG_BLOCKS_MAX,
             name);
    return mir_error_hint(err, "put several files into one file system");
}

int img_block_bytes_check(const char *name, uint64_t bytes, struct mir_error *err)
{
    if (!bytes) {
        mir_fail(err, MIR_USAGE, "the block device %s is empty", name);
        return mir_error_hint(err, "give a file with its content; `truncate -s 1M FILE` makes one "
                                   "of zeros");
    }
    if (bytes > IMG_BLOCK_BYTES_MAX) {
        mir_fail(err, MIR_USAGE, "the block device %s has %" PRIu64 " bytes", name, bytes);
        return mir_error_hint(err, "at most %" PRIu64 " GiB are carried",
                              IMG_BLOCK_BYTES_MAX >> 30);
    }
    if (bytes % IMG_BLOCK_SECTOR) {
        mir_fail(err, MIR_USAGE, "the block device %s has %" PRIu64 " bytes, not whole sectors",
                 name, bytes);
        return mir_error_hint(err, "a multiple of 512: `truncate -s %%512 FILE` fills it up");
    }
    return 0;
}

static bool is_given(const char *const names[], size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static bool is_block(const struct mir_kernel *kernel, unsigned device, const char *name)
{
    return kernel->devices[device].kind == MIR_DEVICE_BLOCK &&
           (!name || !strcmp(kernel->devices[device].name, name));
}

/* How all that it demands is given; of so many the first ones. */
static int hint_all(const struct mir_kernel *kernel, struct mir_error *err)
{
    mir_auto_buf struct mir_buf words;
    mir_buf_init(&words, sizeof err->hint);
    for (unsigned i = 0; i < kernel->device_count; i++)
        if (is_block(kernel, i, NULL) && words.len + 100 < sizeof err->hint)
            mir_buf_addf(&words, "%s--block %s=FILE", words.len ? " " : "",
                         kernel->devices[i].name);
    return words.len ? mir_error_hint(err, "%s", mir_buf_text(&words))
                     : mir_error_hint(err, "leave --block away");
}

static int not_demanded(const struct mir_kernel *kernel, const char *name, struct mir_error *err)
{
    for (unsigned i = 0; i < kernel->device_count; i++)
        if (is_block(kernel, i, name))
            return 0;
    mir_fail(err, MIR_USAGE, "the kernel's manifest has no block device '%s'", name);
    return hint_all(kernel, err);
}

int img_blocks_check(const struct mir_kernel *kernel, const char *const names[], size_t count,
                     struct mir_error *err)
{
    if (!mir_kernel_demands(kernel))
        return 0;
    for (size_t i = 0; i < count; i++)
        if (not_demanded(kernel, names[i], err))
            return -1;
    for (unsigned i = 0; i < kernel->device_count; i++) {
        if (!is_block(kernel, i, NULL) || is_given(names, count, kernel->devices[i].name))
            continue;
        mir_fail(err, MIR_POLICY,
                 "the kernel's manifest demands the block device '%s', which is not given",
                 kernel->devices[i].name);
        return hint_all(kernel, err);
    }
    return 0;
}

void img_block_device(const char *const names[], size_t count, size_t place, char ret[8])
{
    snprintf(ret, 8, "xvd%c", (char)('a' + car_block_unit(names, count, place)));
}

int img_block_word(const char *word, size_t *ret_name_len, const char **ret_file,
                   struct mir_error *err)
{
    const char *sign = strchr(word, '=');
    if (!sign || sign == word || !sign[1]) {
        mir_fail(err, MIR_USAGE, "--block %.80s: not NAME=FILE", word);
        return mir_error_hint(err, "say what the kernel calls it, and which file is its content: "
                                   "--block disk1=fat.img");
    }
    *ret_name_len = (size_t)(sign - word);
    *ret_file = sign + 1;
    return 0;
}
