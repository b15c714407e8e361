/* SPDX-License-Identifier: ISC */
#include "images/build.h"

#include <inttypes.h>

#include "api/machine.h"
#include "images/reader.h"

enum img_boot img_build_boot_for(const struct mir_kernel *kernel)
{
    bool classic = kernel->format == MIR_FORMAT_XEN_PV;
    bool elsewhere = (kernel->boot_ways & (MIR_BOOT_MULTIBOOT1 | MIR_BOOT_MULTIBOOT2)) != 0;
    return classic && !elsewhere ? IMG_BOOT_PVGRUB : IMG_BOOT_BOTH;
}

/* What came out of a wrapper comes once: as one long extent, if the disk has no tables of its own
 * that say where things are. */
static int whole_disk(const struct mir_kernel *kernel, struct img_disk *ret_disk,
                      struct mir_error *err)
{
    if (kernel->format != MIR_FORMAT_DISK_RAW) {
        mir_fail(err, MIR_USAGE, "a compressed file with a %s inside",
                 mir_format_name(kernel->format));
        return mir_error_hint(err, "unpack it once, and give the disk itself");
    }
    if (img_disk_init(ret_disk, (kernel->unpacked_bytes + IMG_SECTOR - 1) / IMG_SECTOR * IMG_SECTOR,
                      err))
        return -1;
    return img_disk_input(ret_disk, 0, 0, kernel->unpacked_bytes, err) ||
                   img_disk_seal(ret_disk, err)
               ? -1
               : 0;
}

/* Whoever did not say how it boots asks nothing of the disk. */
static int check_options(const struct img_build *build, const struct mir_kernel *kernel,
                         struct mir_error *err)
{
    struct img_recipe recipe = build->recipe;
    recipe.kernel = kernel;
    if (!build->boot_given)
        recipe.boot = IMG_BOOT_PVGRUB_BARE;
    return img_layout_ready(&recipe, err);
}

static int open_ready(const struct img_build *build, const struct mir_kernel *kernel,
                      const struct img_input *content, struct img_disk *ret_disk,
                      struct mir_error *err)
{
    if (check_options(build, kernel, err))
        return -1;
    if (kernel->container != MIR_CONTAINER_NONE)
        return whole_disk(kernel, ret_disk, err);
    return img_read_disk(content->fd, kernel->format, ret_disk, err);
}

/* The container may want a larger one; a smaller one would cut something off. */
static int set_size(const struct img_build *build, struct img_disk *disk, struct mir_error *err)
{
    uint64_t asked = build->recipe.disk_bytes;
    if (asked && asked < disk->size) {
        mir_fail(err, MIR_POLICY, "the disk does not fit into %" PRIu64 " bytes: it has %" PRIu64,
                 asked, disk->size);
        return mir_error_hint(err, "ask for --size %" PRIu64 " or more", disk->size);
    }
    uint64_t size = img_container_size(build->container, asked ? asked : disk->size);
    return size == disk->size ? 0 : img_disk_grow(disk, size, err);
}

/* Hosts that are Xen start their guests by BIOS. */
static enum img_boot boot_for(const struct img_build *build, const struct mir_kernel *kernel)
{
    if (build->boot_given)
        return build->recipe.boot;
    if (!build->carrier)
        return img_build_boot_for(kernel);
    return build->carrier->shape == MIR_CARRIER_SHIM ? IMG_BOOT_BIOS : IMG_BOOT_BOTH;
}

/* Only a carrier knows how to give them to a kernel. */
static int check_guest_disks(const struct img_build *build, const struct mir_kernel *kernel,
                             struct mir_error *err)
{
    const struct img_guest_disks *disks = build->recipe.guest_disks;
    if (!disks || !disks->count || (build->carrier && !mir_kernel_is_disk(kernel)))
        return 0;
    mir_fail(err, MIR_USAGE, "block devices are for kernels in a carrier");
    return mir_error_hint(err, mir_kernel_is_disk(kernel)
                                   ? "this is a disk already: what it needs has to be on it"
                                   : "--carrier FOLDER puts one around it");
}

static int lay_out_carried(const struct img_build *build, struct img_recipe *recipe,
                           struct img_input *content, struct img_disk *ret_disk,
                           struct mir_error *err)
{
    struct img_carried carried;
    int rc = img_carried_make(build->carrier, recipe->kernel, build->carrier_conf,
                              build->recipe.guest_disks, content, &carried, err);
    recipe->carried = &carried;
    if (!rc)
        rc = img_layout(recipe, build->grub, ret_disk, err);
    img_carried_clear(&carried);
    return rc;
}

static int lay_out(const struct img_build *build, const struct mir_kernel *kernel,
                   struct img_input *content, struct img_disk *ret_disk, struct img_built *built,
                   struct mir_error *err)
{
    struct img_recipe recipe = build->recipe;
    recipe.kernel = kernel;
    recipe.boot = boot_for(build, kernel);
    if (recipe.disk_bytes)
        recipe.disk_bytes = img_container_size(build->container, recipe.disk_bytes);
    built->boot = recipe.boot;
    return build->carrier ? lay_out_carried(build, &recipe, content, ret_disk, err)
                          : img_layout(&recipe, build->grub, ret_disk, err);
}

int img_build_run(const struct img_build *build, const struct mir_kernel *kernel,
                  struct img_input *content, struct img_output *output, struct img_built *ret,
                  struct mir_error *err)
{
    struct img_built built = {.kernel = *kernel, .converted = mir_kernel_is_disk(kernel)};
    mir_auto_disk struct img_disk disk = {0};
    if (check_guest_disks(build, kernel, err))
        return -1;
    int rc = built.converted ? open_ready(build, kernel, content, &disk, err)
                             : lay_out(build, kernel, content, &disk, &built, err);
    if (rc || set_size(build, &disk, err) ||
        img_container_write(build->container, &disk, content, output, err))
        return -1;
    built.disk_bytes = disk.size;
    built.written_bytes = img_disk_written(&disk);
    built.output_bytes = output->at;
    *ret = built;
    return 0;
}
