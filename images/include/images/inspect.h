/* SPDX-License-Identifier: ISC */
/*
 * Reads a unikernel file and says what it is, what it needs and where it boots. Everything is
 * decided by content, never by file name.
 *
 * This is the parser itself: it reads bytes that strangers wrote, and belongs in the sandboxed
 * `mirage-image` process (or a fuzz target) only. Everybody else asks that process through
 * images/helper.h.
 *
 * Memory: what the limits keep, plus at most 66 MiB for an xz or 32 MiB for a zstd stream that
 * asks for it, plus 1 MiB of buffers. Blocking reads; one thread per call; no globals.
 *
 * Errors: MIR_USAGE for an empty file or one beyond the limits, MIR_CORRUPT for one that is cut off
 * or contradicts itself, MIR_FAILED when reading fails. A file that is nothing known is no error:
 * its format is MIR_FORMAT_UNKNOWN and it boots nowhere.
 */
#ifndef IMAGES_INSPECT_H
#define IMAGES_INSPECT_H

#include <stddef.h>
#include <stdint.h>

#include "api/error.h"
#include "api/kernel.h"

struct krn_limits {
    size_t keep_elf_bytes;       /* how much of an ELF file the probes can see */
    size_t keep_other_bytes;     /* the same for everything else */
    uint64_t max_unpacked_bytes; /* of what a compressed file holds */
    uint64_t max_ratio;          /* unpacked : packed, looked at once ratio_from_bytes came out */
    uint64_t ratio_from_bytes;
};

/* 64 MiB, 4 MiB, 1 GiB, 16384:1 after 64 MiB. */
const struct krn_limits *krn_limits_default(void);

/* The whole file behind fd: from its first byte when it is a regular file (the file offset is
 * neither used nor kept; holes are hashed without being read), until end of file otherwise. */
int krn_inspect_fd(int fd, const struct krn_limits *limits, struct mir_kernel *ret_kernel,
                   struct mir_error *err);

/* The same for bytes in memory (tests, fuzzers). */
int krn_inspect_memory(const void *data, size_t len, const struct krn_limits *limits,
                       struct mir_kernel *ret_kernel, struct mir_error *err);

/* Write the file behind fd to out_fd without its wrapper (as it is when there is none). The limits
 * of unpacking count. MIR_NO_SPACE when the disk is full; part of it may be written then. */
int krn_unpack_fd(int fd, int out_fd, const struct krn_limits *limits, uint64_t *ret_bytes,
                  struct mir_error *err);

#endif
