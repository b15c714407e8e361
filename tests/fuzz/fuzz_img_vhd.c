/* SPDX-License-Identifier: ISC */
/*
 * VHD files of strangers. Both checksums are made right first, or no change would come past them;
 * one input in 256 keeps its own.
 */
#include "fuzz_img_read.h"
#include "put.h"
#include "vhd.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX ((size_t)1 << 20)
#define HEADER_AT 512 /* where the seeds have it */

static unsigned char bytes[FILE_MAX];

static void mend(unsigned char *p, size_t len, size_t hole)
{
    img_put_be32(p + hole, img_vhd_sum(p, len, hole));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < IMG_VHD_FOOTER || size > FILE_MAX)
        return 0;
    memcpy(bytes, data, size);
    if (data[size / 2]) {
        mend(bytes + size - IMG_VHD_FOOTER, IMG_VHD_FOOTER, IMG_VHD_FOOTER_SUM);
        if (size >= HEADER_AT + IMG_VHD_HEADER + IMG_VHD_FOOTER)
            mend(bytes + HEADER_AT, IMG_VHD_HEADER, IMG_VHD_HEADER_SUM);
    }
    fuzz_read(MIR_FORMAT_DISK_VHD, bytes, size);
    return 0;
}
