/* SPDX-License-Identifier: ISC */
/* The writers of the container table, one file each. */
#ifndef IMAGES_DISK_CONTAINERS_H
#define IMAGES_DISK_CONTAINERS_H

#include "images/container.h"

int img_write_raw(const struct img_disk *disk, struct img_input *input, struct img_output *output,
                  struct mir_error *err);
int img_write_qcow2(const struct img_disk *disk, struct img_input *input, struct img_output *output,
                    struct mir_error *err);
int img_write_vhd(const struct img_disk *disk, struct img_input *input, struct img_output *output,
                  struct mir_error *err);
int img_write_vhd_dynamic(const struct img_disk *disk, struct img_input *input,
                          struct img_output *output, struct mir_error *err);
int img_write_vmdk(const struct img_disk *disk, struct img_input *input, struct img_output *output,
                   struct mir_error *err);
int img_write_extents(const struct img_disk *disk, struct img_input *input,
                      struct img_output *output, struct mir_error *err);

#endif
