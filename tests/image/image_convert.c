/* SPDX-License-Identifier: ISC */
/*
 * image_convert FROM TO INPUT OUTPUT
 * image_convert place:AT:BYTES TO INPUT OUTPUT
 * image_convert random:SEED:BYTES TO INPUT OUTPUT
 *
 * The first reads a disk image (disk-raw, disk-qcow2, disk-vhd, disk-vmdk) and writes it. The
 * second writes a disk of that size with all of INPUT at one place. The third makes up a disk from
 * a seed, with ranges of INPUT, made bytes, written zeros and holes, and writes that; what was
 * written is said as "AT LEN" lines. OUTPUT "-" is stdout. For tests and measurements; not
 * installed.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image_random.h"
#include "images/container.h"
#include "images/reader.h"

static int fail(const struct mir_error *err)
{
    fprintf(stderr, "%s: %s (%s)\n", mir_kind_info(err->kind)->name, err->text, err->hint);
    return 1;
}

static int placed(struct img_disk *disk, uint64_t at, uint64_t size, uint64_t input_bytes,
                  struct mir_error *err)
{
    return img_disk_init(disk, size, err) || img_disk_input(disk, at, 0, input_bytes, err)
               ? -1
               : img_disk_seal(disk, err);
}

static int open_disk(const char *from, int fd, const struct img_container *to,
                     struct img_disk *disk, struct mir_error *err)
{
    unsigned long long a, bytes;
    struct stat st;
    if (fstat(fd, &st))
        return mir_fail(err, MIR_FAILED, "no input");
    if (sscanf(from, "place:%llu:%llu", &a, &bytes) == 2)
        return placed(disk, a, img_container_size(to, bytes), (uint64_t)st.st_size, err);
    if (sscanf(from, "random:%llu:%llu", &a, &bytes) == 2)
        return image_random(disk, a, img_container_size(to, bytes), (uint64_t)st.st_size, err);
    int format = mir_format_by_name(from);
    if (format < 0)
        return mir_fail(err, MIR_USAGE, "no such format: %s", from);
    if (img_read_disk(fd, (enum mir_format)format, disk, err))
        return -1;
    return img_disk_grow(disk, img_container_size(to, disk->size), err);
}

int main(int argc, char **argv)
{
    const struct img_container *to = argc == 5 ? img_container_by_name(argv[2]) : NULL;
    struct mir_error err = {0};
    struct img_disk disk = {0};
    struct img_input input;
    struct img_output output;
    if (!to) {
        fprintf(stderr, "usage: image_convert FROM TO INPUT OUTPUT\n");
        return 2;
    }
    int in = open(argv[3], O_RDONLY | O_CLOEXEC);
    if (in < 0 || open_disk(argv[1], in, to, &disk, &err))
        return fail(&err);
    int out = !strcmp(argv[4], "-") ? STDOUT_FILENO
                                    : open(argv[4], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    img_input_init(&input, in);
    img_output_init(&output, out);
    if (out < 0 || img_container_write(to, &disk, &input, &output, &err))
        return fail(&err);
    for (size_t i = 0; strncmp(argv[1], "random:", 7) == 0 && i < disk.count; i++)
        fprintf(stderr, "%" PRIu64 " %" PRIu64 "\n", disk.extents[i].at, disk.extents[i].len);
    img_disk_clear(&disk);
    return 0;
}
