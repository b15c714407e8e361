/* SPDX-License-Identifier: ISC */
/*
 * A result that is a file: it is there whole or not at all. Until it is kept it has no name (or, on
 * file systems that know no files without one, a hidden name beside its own), so that neither an
 * error nor an interruption leaves a part of it.
 *
 * Single thread; blocking.
 */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include <stdbool.h>

#include "api/error.h"

struct cmd_output_file {
    const char *path; /* borrowed */
    char *part;       /* owned: the hidden name; NULL: it has none */
    int fd;           /* owned; of "-" standard output */
    bool is_stdout;
    bool replace;
};

/* path "-" is standard output, which must not be a terminal (MIR_USAGE). MIR_CONFLICT when there is
 * such a file and it is not to be replaced; MIR_NOT_FOUND for a folder that is not there. Close it
 * in any case. */
int cmd_output_open(struct cmd_output_file *file, const char *path, bool replace,
                    struct mir_error *err);

/* Gives it its name, durably. MIR_CONFLICT when somebody else took the name meanwhile. */
int cmd_output_keep(struct cmd_output_file *file, struct mir_error *err);

/* What was not kept is away. */
void cmd_output_close(struct cmd_output_file *file);

#endif
