/* SPDX-License-Identifier: ISC */
/* Base 64 with padding (RFC 4648), as checksums, user data and console texts come. Pure. */
#ifndef EC2_BASE64_H
#define EC2_BASE64_H

#include <stddef.h>

#include "api/error.h"

/* Owned text. */
char *ec2_base64(const void *data, size_t len);

/* Owned bytes with a terminator behind them; blanks and line ends between are skipped. NULL: it is
 * none. */
char *ec2_base64_decode(const char *text, size_t *ret_len);

#endif
