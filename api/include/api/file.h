/* SPDX-License-Identifier: ISC */
/*
 * Files that must not be half-written, and reading with a limit. Blocking; any thread.
 */
#ifndef API_FILE_H
#define API_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "api/error.h"

/* The whole file, owned, NUL-terminated; *ret_len (may be NULL) excludes the terminator. More than
 * max_bytes is MIR_CORRUPT. */
int mir_file_read(const char *path, size_t max_bytes, char **ret_text, size_t *ret_len,
                  struct mir_error *err);

/* Write-fsync-rename-fsync(directory): after 0 the new content survives a power loss; after -1
 * the old file is as it was. The directory is given as an open fd (AT_FDCWD allowed). */
int mir_file_write_at(int dir_fd, const char *name, const void *data, size_t len, mode_t mode,
                      struct mir_error *err);

/* mkdir -p with the given mode for what is missing. */
int mir_dir_make(const char *path, mode_t mode, struct mir_error *err);

/* Remove a directory and what is in it (never follows links). Absent is success. */
int mir_dir_remove_at(int dir_fd, const char *name, struct mir_error *err);

/* write(2) until all is written; -1 with errno set. */
int mir_write_all(int fd, const void *data, size_t len);

#endif
