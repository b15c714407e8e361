/* SPDX-License-Identifier: ISC */
#include "images/reader.h"

#include "gather.h"

/* A file that is no whole number of sectors is read as if zeros followed. */
static int read_raw(struct img_gather *gather, struct mir_error *err)
{
    uint64_t size = (gather->file_bytes + IMG_SECTOR - 1) / IMG_SECTOR * IMG_SECTOR;
    if (img_disk_init(&gather->disk, size, err))
        return -1;
    return img_gather_whole(gather, gather->file_bytes, err);
}

static const struct reader {
    enum mir_format format;
    int (*read)(struct img_gather *gather, struct mir_error *err);
} readers[] = {
    {MIR_FORMAT_DISK_RAW, read_raw},
    {MIR_FORMAT_DISK_QCOW2, img_read_qcow2},
    {MIR_FORMAT_DISK_VHD, img_read_vhd},
    {MIR_FORMAT_DISK_VMDK, img_read_vmdk},
};

static int not_read_here(struct mir_error *err)
{
    mir_fail(err, MIR_USAGE, "this is no disk that is read here");
    return mir_error_hint(err, "raw, qcow2, VHD and VMDK disk images are read");
}

int img_read_disk(int fd, enum mir_format format, struct img_disk *ret_disk, struct mir_error *err)
{
    mir_auto_gather struct img_gather gather = {0};
    if (img_gather_init(&gather, fd, err))
        return -1;
    for (size_t i = 0; i < MIR_NELEMS(readers); i++)
        if (readers[i].format == format)
            return readers[i].read(&gather, err) || img_gather_end(&gather, ret_disk, err) ? -1 : 0;
    return not_read_here(err);
}
