/* SPDX-License-Identifier: ISC */
/*
 * The client's side of the sandboxed inspector: starts `mirage-image` for one file, waits for its
 * answer with a deadline, and believes nothing of it that mir_kernel_from_json does not accept.
 *
 * Every call starts and reaps a process of its own: any thread, any number at once. The inspector
 * gets the file as its only descriptor beside its answer, and an empty environment. Blocking, at
 * most until the deadline. Links libc, jansson and api only.
 *
 * Errors: MIR_NOT_FOUND, MIR_USAGE (directory, empty, too large to unpack), MIR_CORRUPT (cut off,
 * contradictory, or the inspector was stopped while reading it), MIR_TIMEOUT, MIR_INTERNAL (the
 * inspector cannot be started). Texts begin with the name of the file.
 */
#ifndef IMAGES_HELPER_H
#define IMAGES_HELPER_H

#include <stdint.h>

#include "api/error.h"
#include "api/kernel.h"
#include "images/summary.h"

#define IMG_INSPECT_TIMEOUT_MS 60000 /* for `timeout_ms` 0 */

/* Open a kernel for reading: a regular file that is not empty. MIR_NOT_FOUND, MIR_USAGE or what
 * open(2) says. The fd is the caller's. */
int img_open_file(const char *path, int *ret_fd, struct mir_error *err);

/* Inspect the whole file behind fd (borrowed; its offset is not used). helper_path: the program
 * `mirage-image`. name: for messages. */
int img_inspect_fd(const char *helper_path, int fd, const char *name, int64_t timeout_ms,
                   struct mir_kernel *ret_kernel, struct mir_error *err);

/* The same for a path. */
int img_inspect_file(const char *helper_path, const char *path, int64_t timeout_ms,
                     struct mir_kernel *ret_kernel, struct mir_error *err);

/* Take the compression off the whole file behind fd: the unpacked bytes are written to out_fd
 * (borrowed, an empty file; from its offset on), by the same sandboxed program. Not for a kernel
 * without a wrapper: use the file itself. MIR_NO_SPACE when the disk is full; after any failure
 * remove what was written. */
int img_unpack_fd(const char *helper_path, int fd, int out_fd, const char *name, int64_t timeout_ms,
                  struct mir_error *err);

/* Write an image of the kernel or disk behind fd to out_fd (borrowed; an empty file, or a pipe), by
 * the same sandboxed program. words: its options for that, NULL-terminated (mirage-image --help).
 * After any failure remove what was written. */
int img_build_fd(const char *helper_path, int fd, int out_fd, const char *name,
                 const char *const *words, int64_t timeout_ms, struct img_summary *ret,
                 struct mir_error *err);

#endif
