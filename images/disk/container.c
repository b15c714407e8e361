/* SPDX-License-Identifier: ISC */
#include "images/container.h"

#include <string.h>

#include "containers.h"

static const struct img_container containers[] = {
    {"raw", ".img", "the disk as it is, sparse", IMG_SECTOR, img_write_raw},
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
