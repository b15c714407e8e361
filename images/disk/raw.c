/* SPDX-License-Identifier: ISC */
/* The disk as it is. Into a file, holes stay holes. */
#include "containers.h"

int img_write_raw(const struct img_disk *disk, struct img_input *input, struct img_output *output,
                  struct mir_error *err)
{
    mir_auto_cursor struct img_cursor cursor;
    struct img_run run = {0};
    img_cursor_init(&cursor, disk, input);
    do {
        if (img_cursor_next(&cursor, &run, err))
            return -1;
        if (run.data ? img_output_write(output, run.data, (size_t)run.len, err)
                     : img_output_zeros(output, run.len, err))
            return -1;
    } while (run.len);
    return img_output_end(output, err);
}
