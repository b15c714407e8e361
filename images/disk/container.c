/* SPDX-License-Identifier: ISC */
#include "images/container.h"

#include <inttypes.h>
#include <string.h>

#include "containers.h"

#define MIB ((uint64_t)1 << 20)

/* Clouds that take VHD (Azure, and OpenStack on such hosts) want whole MiB; a stream-optimised VMDK
 * consists of whole grains. */
static const struct img_container containers[] = {
    {"raw", ".img", "the disk as it is, sparse", IMG_SECTOR, img_write_raw},
    {"qcow2", ".qcow2", "QEMU, OpenStack; without compression", IMG_SECTOR, img_write_qcow2},
    {"vhd", ".vhd", "fixed VHD: the disk and a footer", MIB, img_write_vhd},
    {"vhd-dynamic", ".vhd", "VHD of blocks, without what was never written", MIB,
     img_write_vhd_dynamic},
    {"vmdk", ".vmdk", "stream-optimised VMDK, compressed", (uint64_t)64 << 10, img_write_vmdk},
    {"extents", ".extents", "exactly what was written, for a program that uploads it", IMG_SECTOR,
     img_write_extents},
    {NULL, NULL, NULL, 0, NULL},
};

const struct img_container *img_containers(void)
{
    return containers;
}

const struct img_container *img_container_by_name(const char *name)
{
    for (const struct img_container *c = containers; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

uint64_t img_container_size(const struct img_container *container, uint64_t size_bytes)
{
    return (size_bytes + container->align_bytes - 1) / container->align_bytes *
           container->align_bytes;
}

int img_container_write(const struct img_container *container, const struct img_disk *disk,
                        struct img_input *input, struct img_output *output, struct mir_error *err)
{
    if (!disk->sealed || disk->size % container->align_bytes)
        return mir_fail(err, MIR_INTERNAL,
                        "a disk of %" PRIu64 " bytes was not made ready for the format %s",
                        disk->size, container->name);
    if (!input->seekable && !img_disk_is_sequential(disk)) {
        mir_fail(err, MIR_USAGE,
                 "this disk wants parts of its input in another order than they"
                 " come in");
        return mir_error_hint(err, "give it as a file, not through a pipe");
    }
    if (container->write(disk, input, output, err))
        return -1;
    return img_output_end(output, err);
}
