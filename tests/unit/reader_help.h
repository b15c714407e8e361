/* SPDX-License-Identifier: ISC */
/* Ready-made disks for the tests of the readers: made by our writers, then damaged. */
#ifndef TESTS_UNIT_READER_HELP_H
#define TESTS_UNIT_READER_HELP_H

#include <sys/mman.h>

#include "images/container.h"
#include "images/reader.h"
#include "scratch.h"

#define BLOCK ((uint64_t)2 << 20)

/* Four MiB in which every second was written, as that container. */
static inline int image(const char *name)
{
    struct mir_error err = {0};
    struct img_disk disk;
    struct img_input input;
    struct img_output output;
    int out = memfd_create(name, MFD_CLOEXEC);
    img_input_init(&input, -1);
    img_output_init(&output, out);
    assert_int_equal(img_disk_init(&disk, 2 * BLOCK, &err), 0);
    for (unsigned i = 0; i < 4; i += 2)
        memset(img_disk_room(&disk, (uint64_t)i << 20, 1 << 20, &err), 'x', 1 << 20);
    assert_int_equal(img_disk_seal(&disk, &err), 0);
    assert_int_equal(img_container_write(img_container_by_name(name), &disk, &input, &output, &err),
                     0);
    img_disk_clear(&disk);
    return out;
}

static inline void refused(int fd, enum mir_format format, enum mir_kind kind, const char *word)
{
    struct mir_error err = {0};
    struct img_disk disk = {.size = 7};
    assert_int_equal(img_read_disk(fd, format, &disk, &err), -1);
    if (err.kind != kind || !strstr(err.text, word))
        fail_msg("%s: \"%s\" instead of \"%s\"", mir_kind_info(err.kind)->name, err.text, word);
    assert_true(*err.hint);
    assert_int_equal(disk.size, 7);
}

static inline void accepted(int fd, enum mir_format format)
{
    struct mir_error err = {0};
    struct img_disk disk;
    if (img_read_disk(fd, format, &disk, &err))
        fail_msg("%s", err.text);
    assert_int_equal(disk.size, 2 * BLOCK);
    img_disk_clear(&disk);
}

/* Cut off anywhere it is refused: a length that is not whole, or content that is not there. */
static inline void cut(const char *name, enum mir_format format)
{
    int fd = image(name);
    off_t size = lseek(fd, 0, SEEK_END);
    for (off_t at = size - 1; at > 0; at -= at > 9000 ? 7919 : 13) {
        struct mir_error err = {0};
        struct img_disk disk;
        assert_int_equal(ftruncate(fd, at), 0);
        if (!img_read_disk(fd, format, &disk, &err))
            fail_msg("%s of %ld bytes was read", name, (long)at);
        assert_true(err.kind == MIR_CORRUPT || err.kind == MIR_USAGE);
    }
    close(fd);
}

#endif
