/* SPDX-License-Identifier: ISC */
/* A world of the fake cloud in a directory of its own. */
#ifndef FC_SCRATCH_H
#define FC_SCRATCH_H

struct fc_world;

/* *ret_dir (owned) and *ret go with fc_scratch_remove. 0, or -1 when there is none. */
int fc_scratch_make(char **ret_dir, struct fc_world **ret);
int fc_scratch_remove(char *dir, struct fc_world *world);

#endif
