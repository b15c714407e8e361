/* SPDX-License-Identifier: ISC */
/* A Linux packed for Xen: the same kernel, whatever it was packed with; all else as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/memory.h"
#include "bytes.h"
#include "elf_forge.h"
#include "squeeze.h"
#include "vmlinuz.h"

#define SETUP 3
#define KERNEL_BYTES 5000
#define BEFORE 24 /* in front of the payload */

static void put(char *at, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (char)(value >> (8 * i));
}

static void make_kernel(unsigned char kernel[KERNEL_BYTES])
{
    for (size_t i = 0; i < KERNEL_BYTES; i++)
        kernel[i] = (unsigned char)(i * i >> 7);
    memcpy(kernel, "\177ELF", 4);
}

enum how { BY_ZSTD, BY_XZ, BY_GZIP };

static uint32_t crc_of(const unsigned char *bytes, size_t len)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* gzip's form, with one block that is stored. */
static void add_gzip(const unsigned char *bytes, size_t len, struct mir_buf *out)
{
    static const char head[] = {'\x1f', '\x8b', 8, 0, 0, 0, 0, 0, 0, 3, 1};
    char sizes[4], end[8];
    put(sizes, (uint32_t)len, 2);
    put(sizes + 2, (uint32_t)~len & 0xffff, 2);
    put(end, crc_of(bytes, len), 4);
    put(end + 4, (uint32_t)len, 4);
    mir_buf_add(out, head, sizeof head);
    mir_buf_add(out, sizes, sizeof sizes);
    mir_buf_add(out, bytes, len);
    mir_buf_add(out, end, sizeof end);
}

/* A bzImage with that kernel in it. Owned. */
static char *make(const unsigned char kernel[KERNEL_BYTES], enum how how, size_t *ret_len)
{
    static const char zeros[(SETUP + 1) * 512 + BEFORE];
    struct mir_buf file, payload;
    char end[4];
    mir_buf_init(&file, 1 << 20);
    mir_buf_init(&payload, 1 << 20);
    if (how == BY_GZIP)
        add_gzip(kernel, KERNEL_BYTES, &payload);
    else if (how == BY_XZ)
        assert_int_equal(img_squeeze_xz(kernel, KERNEL_BYTES, IMG_SQUEEZE_QUICK, &payload, NULL),
                         0);
    else
        assert_int_equal(img_squeeze_zstd(kernel, KERNEL_BYTES, IMG_SQUEEZE_QUICK, &payload, NULL),
                         0);
    put(end, KERNEL_BYTES, 4);
    if (how != BY_GZIP)
        mir_buf_add(&payload, end, 4);
    mir_buf_add(&file, zeros, sizeof zeros);
    mir_buf_add(&file, payload.data, payload.len);
    mir_buf_adds(&file, "and what comes behind it");
    *ret_len = file.len;
    char *bytes = mir_buf_take(&file);
    bytes[0x1f1] = SETUP;
    put(bytes + 0x1fe, 0xaa55, 2);
    memcpy(bytes + 0x202, "HdrS", 4);
    put(bytes + 0x206, 0x020f, 2);
    put(bytes + 0x248, BEFORE, 4);
    put(bytes + 0x24c, (uint32_t)payload.len, 4);
    mir_buf_clear(&payload);
    return bytes;
}

static struct img_repacked repack(const char *file, size_t len, struct mir_buf *out)
{
    struct img_repacked repacked = {.bytes = 0};
    char *exact = mir_calloc(1, len ? len : 1);
    memcpy(exact, file, len);
    mir_buf_init(out, 1 << 20);
    assert_int_equal(
        img_vmlinuz_repack((const unsigned char *)exact, len, true, out, &repacked, NULL), 0);
    free(exact);
    return repacked;
}

static void same_kernel(void **state)
{
    unsigned char kernel[KERNEL_BYTES];
    make_kernel(kernel);
    for (enum how how = BY_ZSTD; how <= BY_GZIP; how++) {
        size_t len, found_len;
        unsigned char *found;
        struct mir_buf out;
        char *file = make(kernel, how, &len);
        assert_int_equal(repack(file, len, &out).bytes, KERNEL_BYTES);
        const unsigned char *bytes = (const unsigned char *)mir_buf_text(&out);
        assert_memory_equal(bytes, "\x28\xb5\x2f\xfd", 4); /* zstd */
        assert_memory_equal(bytes + out.len - 4, "\x88\x13\0\0", 4);
        assert_int_equal(img_unsqueeze(bytes, out.len - 4, 1 << 20, &found, &found_len, NULL), 0);
        assert_int_equal(found_len, KERNEL_BYTES);
        assert_memory_equal(found, kernel, KERNEL_BYTES);
        free(found);
        free(file);
        mir_buf_clear(&out);
    }
}

/* What is left out is left out of what is packed, and what it was is said. */
static void lighter_kernel(void **state)
{
    unsigned char kernel[KERNEL_BYTES], *found;
    size_t len, found_len;
    struct mir_buf out;
    forge_linux(kernel);
    memset(kernel + FORGE_LINUX_BYTES + 4, 0, KERNEL_BYTES - FORGE_LINUX_BYTES - 4);
    for (size_t at = FORGE_LINUX_BYTES + 4; at < KERNEL_BYTES; at += 4)
        forge_put(kernel + at, 0x81000000, 4);
    char *file = make(kernel, BY_XZ, &len);
    struct img_repacked repacked = repack(file, len, &out);
    const unsigned char *bytes = (const unsigned char *)mir_buf_text(&out);
    assert_int_equal(repacked.bytes, KERNEL_BYTES);
    assert_int_equal(repacked.spared.relocations, KERNEL_BYTES - FORGE_LINUX_BYTES);
    assert_int_equal(repacked.spared.types, FORGE_TYPES_BYTES);
    assert_int_equal(strlen(repacked.sha256), 64);
    assert_int_equal(krn_le32(bytes + out.len - 4), FORGE_LINUX_BYTES);
    assert_int_equal(img_unsqueeze(bytes, out.len - 4, 1 << 20, &found, &found_len, NULL), 0);
    memset(kernel + FORGE_TYPES_AT, 0, FORGE_TYPES_BYTES);
    assert_int_equal(found_len, FORGE_LINUX_BYTES);
    assert_memory_equal(found, kernel, FORGE_LINUX_BYTES);
    free(found);
    free(file);
    mir_buf_clear(&out);
}

static void as_it_is(const char *file, size_t len)
{
    struct mir_buf out;
    assert_int_equal(repack(file, len, &out).bytes, 0);
    assert_int_equal(out.len, len);
    if (len)
        assert_memory_equal(mir_buf_text(&out), file, len);
    mir_buf_clear(&out);
}

static void anything_else(void **state)
{
    static const struct {
        size_t at;
        char value;
    } rows[] = {{0x1f1, 2},
                {0x1fe, 0},
                {0x202, 'h'},
                {0x207, 1},
                {0x248, 0},
                {0x24b, (char)255},
                {0x24c, 0},
                {0x24f, 1},
                {0x24f, (char)255},
                {(SETUP + 1) * 512 + BEFORE, 0},
                {(SETUP + 1) * 512 + BEFORE + 40, 0}};
    unsigned char kernel[KERNEL_BYTES];
    size_t len;
    make_kernel(kernel);
    char *file = make(kernel, BY_ZSTD, &len);
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        char old = file[rows[i].at];
        file[rows[i].at] = rows[i].value == old ? (char)~old : rows[i].value;
        as_it_is(file, len);
        file[rows[i].at] = old;
    }
    for (size_t cut = 0; cut < len - strlen("and what comes behind it"); cut += 7)
        as_it_is(file, cut);
    put(file + (len - strlen("and what comes behind it") - 4), KERNEL_BYTES - 1, 4);
    as_it_is(file, len);
    free(file);
    kernel[0] = 'x'; /* no ELF file */
    file = make(kernel, BY_GZIP, &len);
    as_it_is(file, len);
    free(file);
}

static void no_room(void **state)
{
    unsigned char kernel[KERNEL_BYTES];
    size_t len;
    struct mir_buf out;
    struct mir_error err = {0};
    struct img_repacked repacked;
    make_kernel(kernel);
    char *file = make(kernel, BY_GZIP, &len);
    mir_buf_init(&out, 10);
    const unsigned char *bytes = (const unsigned char *)file;
    assert_int_equal(img_vmlinuz_repack(bytes, len, true, &out, &repacked, &err), -1);
    assert_int_equal(err.kind, MIR_NO_SPACE);
    assert_int_equal(img_vmlinuz_repack(bytes, 100, true, &out, &repacked, &err), -1);
    assert_int_equal(err.kind, MIR_NO_SPACE);
    mir_buf_clear(&out);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_kernel),
                                       cmocka_unit_test(lighter_kernel),
                                       cmocka_unit_test(anything_else), cmocka_unit_test(no_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
