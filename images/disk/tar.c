/* SPDX-License-Identifier: ISC */
#include "tar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "put.h"

#define SIZE_AT 124
#define SIZE_OCTAL_MAX (((uint64_t)1 << 33) - 1) /* eleven octal digits */
#define SUM_AT 148

void img_tar_header(unsigned char p[IMG_TAR_BLOCK], const char *name, uint64_t size)
{
    char *text = (char *)p;
    unsigned sum = 0;
    memset(p, 0, IMG_TAR_BLOCK);
    mir_copy(text, IMG_TAR_NAME_MAX + 1, name);
    memcpy(text + 100, "0000644", 8);
    memcpy(text + 108, "0000000", 8); /* user, group */
    memcpy(text + 116, "0000000", 8);
    if (size <= SIZE_OCTAL_MAX) {
        snprintf(text + SIZE_AT, 12, "%011" PRIo64, size);
    } else {
        p[SIZE_AT] = 0x80; /* binary */
        img_put_be64(p + SIZE_AT + 4, size);
    }
    memcpy(text + 136, "00000000000", 12); /* time */
    memset(text + SUM_AT, ' ', 8);
    text[156] = '0';
    memcpy(text + 257,
           "ustar\0"
           "00",
           8);
    memcpy(text + 265, "root", 4);
    memcpy(text + 297, "root", 4);
    for (unsigned i = 0; i < IMG_TAR_BLOCK; i++)
        sum += p[i];
    snprintf(text + SUM_AT, 8, "%06o", sum); /* digits, NUL, and the space that is there */
}
