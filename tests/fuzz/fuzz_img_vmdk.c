/* SPDX-License-Identifier: ISC */
/*
 * VMDK files of strangers, sparse and stream-optimised: what is taken lies inside the file, once,
 * and can be converted, or is found not to unpack. Where the header leads to a footer, one with the
 * same numbers is put there first, or hardly a change would come past it; one input in 256 keeps
 * its own.
 */
#include "fuzz_img_read.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX ((size_t)1 << 20)
#define SECTOR ((size_t)512)
#define DIRECTORY 56 /* in the header: its place, or all ones for the footer's */

static unsigned char bytes[FILE_MAX];

static void mend(size_t size)
{
    static const unsigned char at_end[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    unsigned char directory[8], *footer = bytes + size - 2 * SECTOR;
    if (size < 5 * SECTOR || memcmp(bytes + DIRECTORY, at_end, 8))
        return;
    memset(footer - SECTOR, 0, SECTOR);
    footer[-(ptrdiff_t)SECTOR] = 1;
    footer[-(ptrdiff_t)SECTOR + 12] = 3;
    memcpy(directory, footer + DIRECTORY, 8);
    memcpy(footer, bytes, SECTOR);
    memcpy(footer + DIRECTORY, directory, 8);
    memset(footer + SECTOR, 0, SECTOR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > FILE_MAX)
        return 0;
    memcpy(bytes, data, size);
    if (size && data[size / 2])
        mend(size);
    fuzz_read(MIR_FORMAT_DISK_VMDK, bytes, size);
    return 0;
}
