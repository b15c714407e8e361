/* SPDX-License-Identifier: ISC */
#include "fc_scratch.h"

#include "scratch.h"
#include "world.h"

int fc_scratch_make(char **ret_dir, struct fc_world **ret)
{
    void *dir = NULL;
    if (scratch_make(&dir))
        return -1;
    *ret_dir = dir;
    return fc_world_open(*ret_dir, ret, NULL);
}

int fc_scratch_remove(char *dir, struct fc_world *world)
{
    void *state = dir;
    fc_world_close(world);
    return scratch_remove(&state);
}
