/* SPDX-License-Identifier: ISC */
/*
 * The head of a VMDK file that holds a sparse disk, and the text in it that says of which kind the
 * disk is: for who looks into the file and for who reads it. Format: VMware's "Virtual Disk Format
 * 1.1"; numbers are little-endian.
 *
 * Pure; the bytes are a stranger's.
 */
#ifndef IMAGES_VMDK_HEAD_H
#define IMAGES_VMDK_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/error.h"

#define IMG_VMDK_SECTOR ((uint64_t)512)
#define IMG_VMDK_HEAD_BYTES 512
#define IMG_VMDK_MARKER_BYTES 12 /* in front of a compressed grain: its sector, its length */
#define IMG_VMDK_TEXT_MAX ((uint64_t)64 << 10)
#define IMG_VMDK_GRAIN_MAX ((uint64_t)64 << 20)
#define IMG_VMDK_PACKED_GRAIN_MAX ((uint64_t)256 << 10)

/* All in bytes. */
struct img_vmdk_head {
    uint64_t size;         /* of the disk */
    uint64_t grain_bytes;  /* a power of two, 4 KiB at least */
    uint64_t text_at;      /* 0: there is none */
    uint64_t text_bytes;   /* at most IMG_VMDK_TEXT_MAX */
    uint64_t directory_at; /* with directory_at_end it stands in the footer */
    bool directory_at_end;
    uint64_t grains_at;     /* behind all tables that come first */
    uint32_t table_entries; /* of one grain table, at most 512 */
    bool packed;            /* grains are deflated, each behind a marker */
    bool zeroed;            /* entry 1 of a grain table: a grain of zeros */
};

/* The file's first sector, or the copy in its footer. MIR_CORRUPT for what is none, MIR_USAGE for
 * one that nothing here reads. */
int img_vmdk_head(const unsigned char p[IMG_VMDK_HEAD_BYTES], struct img_vmdk_head *ret,
                  struct mir_error *err);

/* What the text says of the file that it stands in. */
enum img_vmdk_kind {
    IMG_VMDK_WHOLE,   /* the disk, all of it */
    IMG_VMDK_PARENT,  /* what differs from another file */
    IMG_VMDK_PIECES,  /* a part of the disk, or a list of other files */
    IMG_VMDK_NO_TEXT, /* nothing: it is no such text */
};

enum img_vmdk_kind img_vmdk_kind(const void *text, size_t len);

#endif
