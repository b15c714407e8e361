/* SPDX-License-Identifier: ISC */
/*
 * Ready-made disks, as a disk: a raw, qcow2, VHD or VMDK file becomes extents that point into it,
 * so that any container can be written of it. Nothing of the content is read here, only the tables.
 *
 * The file may be anyone's: every number in it is checked against its size, nothing is believed to
 * be free of loops or overlaps, and a file that would need another one (a backing file, a parent,
 * external data) is refused and never opened. Memory: at most IMG_READ_EXTENTS_MAX extents and as
 * many tables, 96 MiB for the worst of files and some KiB for those of every day. Blocking; one
 * thread; the file is not changed.
 */
#ifndef IMAGES_READER_H
#define IMAGES_READER_H

#include "api/kernel.h"
#include "images/disk.h"

#define IMG_READ_EXTENTS_MAX ((size_t)1 << 20)

/* fd: a regular file, borrowed, the input of the disk later. *ret_disk is made here, sealed; clear
 * it. What reads as zeros because it was never written, or was given up, is a hole.
 * MIR_USAGE: not a disk that is read here (the hint says how to convert it); MIR_CORRUPT: damaged,
 * cut off, or made to deceive. */
int img_read_disk(int fd, enum mir_format format, struct img_disk *ret_disk, struct mir_error *err);

#endif
