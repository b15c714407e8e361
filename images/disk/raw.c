/* SPDX-License-Identifier: ISC */
/* The disk as it is. Into a file, holes stay holes. */
#include "containers.h"

int img_write_raw(const struct img_disk *disk, struct img_input *input, struct img_output *output,
                  struct mir_error *err)
{
    mir_auto_cursor struct img_cursor cursor;
    img_cursor_init(&cursor, disk, input);
    return img_output_disk(output, &cursor, disk->size, err);
}
