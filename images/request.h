/* SPDX-License-Identifier: ISC */
/*
 * What mirage-image was asked to do: its command line, read by one table. Texts are borrowed from
 * argv.
 */
#ifndef IMAGES_REQUEST_H
#define IMAGES_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"
#include "images/block.h"
#include "images/layout.h"

enum img_command { IMG_INSPECT, IMG_UNPACK, IMG_BUILD };

struct img_request {
    enum img_command command;
    const char *file; /* as given, "-" for stdin; NULL with fd */
    int fd;           /* -1: by name */
    bool json;

    /* of build */
    const char *format;    /* of the container */
    const char *boot;      /* NULL: what the kernel calls for */
    const char *arguments; /* of the kernel; NULL: none */
    const char *grub;      /* folder of the boot loaders; NULL: none */
    uint64_t size_bytes;   /* of the disk; 0: as small as it can be */
    const char *modules[IMG_MODULES_MAX];
    unsigned module_count;
    const char *carrier;                /* folder of a carrier's base; NULL: none */
    const char *blocks[IMG_BLOCKS_MAX]; /* NAME=FILE */
    unsigned block_count;
    const char *carrier_conf; /* the text that the carrier is told; NULL: none */
};

/* argv[1] names the command. MIR_USAGE with the fix; what was read before the error (json) counts
 * already. */
int img_request_parse(int argc, char **argv, struct img_request *ret, struct mir_error *err);

#endif
