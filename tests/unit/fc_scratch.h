/* SPDX-License-Identifier: ISC */
/* A world of the fake cloud in a directory of its own. */
#ifndef FC_SCRATCH_H
#define FC_SCRATCH_H

#include "scratch.h"

#include "world.h"

/* *ret_dir goes with fc_scratch_remove. */
static int fc_scratch_make(char **ret_dir, struct fc_world **ret)
{
    void *dir = NULL;
    if (scratch_make(&dir))
        return -1;
    *ret_dir = dir;
    return fc_world_open(*ret_dir, ret, NULL);
}

static int fc_scratch_remove(char *dir, struct fc_world *world)
{
    void *state = dir;
    fc_world_close(world);
    return scratch_remove(&state);
}

#endif
