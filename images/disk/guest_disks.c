/* SPDX-License-Identifier: ISC */
#include "images/guest_disks.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/helper.h"
#include "images/reader.h"

static int check_name(const struct img_guest_disks *disks, const char *name, struct mir_error *err)
{
    const char *names[IMG_BLOCKS_MAX];
    for (unsigned i = 0; i < disks->count; i++)
        names[i] = disks->list[i].name;
    return img_block_name_check(names, disks->count, name, err);
}

static int open_file(const char *path, struct img_guest_disk *disk, uint64_t *ret_bytes,
                     struct mir_error *err)
{
    struct stat st;
    int fd;
    if (img_open_file(path, &fd, err)) {
        mir_error_wrap(err, "the block device %s", disk->name);
        return mir_error_hint(err, "give a file with its content: --block %s=FILE", disk->name);
    }
    img_input_init(&disk->input, fd);
    if (fstat(fd, &st))
        return mir_fail_errno(err, errno, "%s", path);
    *ret_bytes = (uint64_t)st.st_size;
    return img_block_bytes_check(disk->name, *ret_bytes, err);
}

int img_guest_disks_add(struct img_guest_disks *disks, const char *word, struct mir_error *err)
{
    char name[2 * IMG_BLOCK_NAME_MAX] = "";
    size_t len;
    const char *path;
    uint64_t bytes;
    if (img_block_word(word, &len, &path, err))
        return -1;
    memcpy(name, word, len < sizeof name ? len : sizeof name - 1); /* too long: refused by that */
    if (check_name(disks, name, err))
        return -1;
    struct img_guest_disk *disk = &disks->list[disks->count];
    *disk = (struct img_guest_disk){.input = {.fd = -1}};
    memcpy(disk->name, name, len + 1);
    if (open_file(path, disk, &bytes, err)) {
        if (disk->input.fd >= 0)
            close(disk->input.fd);
        return -1;
    }
    disks->count++;
    disks->bytes += bytes;
    return 0;
}

int img_guest_disks_read(struct img_guest_disks *disks, struct mir_error *err)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < disks->count; i++) {
        struct img_guest_disk *disk = &disks->list[i];
        if (img_read_disk(disk->input.fd, MIR_FORMAT_DISK_RAW, &disk->content, err))
            return mir_error_wrap(err, "the block device %s", disk->name);
        bytes += disk->content.size;
    }
    return bytes == disks->bytes
               ? 0
               : mir_fail(err, MIR_CORRUPT, "a block device's file changed while it was read");
}

void img_guest_disks_clear(struct img_guest_disks *disks)
{
    for (unsigned i = 0; i < disks->count; i++) {
        img_disk_clear(&disks->list[i].content);
        close(disks->list[i].input.fd);
    }
    *disks = (struct img_guest_disks){.count = 0};
}
