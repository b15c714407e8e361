/* SPDX-License-Identifier: ISC */
/*
 * What packages are made of, which somebody else has packed: a control file, the archive in it, a
 * program or module of it. Nothing is believed, nothing overflows, and what is taken can be used.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "needed.h"
#include "package.h"
#include "tar_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_control(const char *text, size_t size)
{
    struct img_span all = {text, size}, record, name;
    while (img_control_next(&all, &record)) {
        struct img_span depends = img_control_get(record, "Depends");
        struct img_package package;
        struct mir_error err = {0};
        if (record.at < text || record.at + record.len > text + size)
            abort();
        while (depends.at && img_control_depends(&depends, &name))
            if (!name.len || name.at < text || name.at + name.len > text + size)
                abort();
        if (img_package_from_control(record, &package, &err)) {
            if (err.kind != MIR_CORRUPT)
                abort();
            continue;
        }
        char *file = img_package_file_name(&package);
        if (strchr(file, '/') || *file == '.' || *file == '-')
            abort();
        free(file);
        img_package_clear(&package);
    }
}

/* What is left of the wanted file. */
static int on_entry(void *ctx, const struct img_tar_entry *entry, bool *ret_wanted,
                    struct mir_error *err)
{
    uint64_t *left = ctx;
    (void)err;
    if (*left || *entry->path == '/' || strlen(entry->path) > 4095 || entry->mode > 07777)
        abort();
    *ret_wanted = entry->size % 2;
    *left = entry->kind == IMG_TAR_FILE && *ret_wanted ? entry->size : 0;
    return 0;
}

static int on_content(void *ctx, const void *data, size_t len, struct mir_error *err)
{
    uint64_t *left = ctx;
    (void)data;
    (void)err;
    if (!len || len > *left)
        abort();
    *left -= len;
    return 0;
}

static int read_tar(const uint8_t *data, size_t size, size_t piece)
{
    uint64_t left = 0;
    const struct img_tar_sink sink = {on_entry, on_content, &left};
    struct img_tar_read tar;
    int rc = 0;
    img_tar_read_init(&tar, &sink);
    for (size_t at = 0; !rc && at < size; at += piece)
        rc = img_tar_read_feed(&tar, data + at, size - at < piece ? size - at : piece, NULL);
    if (!rc)
        rc = img_tar_read_finish(&tar, NULL);
    if (!rc && left)
        abort();
    img_tar_read_clear(&tar);
    return rc;
}

static void read_elf(const uint8_t *data, size_t size)
{
    struct img_needed needed;
    if (!img_needed_read(data, size, &needed, NULL)) {
        for (size_t i = 0; i < needed.count; i++)
            if (!*needed.libraries[i] || strchr(needed.libraries[i], '/'))
                abort();
        img_needed_clear(&needed);
    }
    free(img_modinfo(data, size, "depends"));
}

/* The first byte of a tar header's sum is the fuzzer's despair: it is put right. */
static void mend(uint8_t *head)
{
    unsigned sum = 0;
    char text[8];
    memset(head + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += head[i];
    snprintf(text, sizeof text, "%06o", sum);
    memcpy(head + 148, text, 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* with an end, as the callers' buffers have */
    uint8_t *bytes = (uint8_t *)text;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    read_control(text, size);
    read_elf(bytes, size);
    read_tar(bytes, size, 512);
    if (size >= 512) {
        mend(bytes);
        if (read_tar(bytes, size, 512) != read_tar(bytes, size, 61))
            abort();
    }
    free(text);
    return 0;
}
