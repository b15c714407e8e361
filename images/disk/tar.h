/* SPDX-License-Identifier: ISC */
/* The one tar header that is needed: a regular file, of root, mode 0644, of the year 1970. */
#ifndef IMAGES_DISK_TAR_H
#define IMAGES_DISK_TAR_H

#include <stdint.h>

#define IMG_TAR_BLOCK 512
#define IMG_TAR_NAME_MAX 99

/* POSIX's ustar; a size beyond its 8 GiB as GNU tar writes it. Behind the file: zeros up to a whole
 * block, and two blocks of them. */
void img_tar_header(unsigned char p[IMG_TAR_BLOCK], const char *name, uint64_t size);

#endif
