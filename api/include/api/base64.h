/* SPDX-License-Identifier: ISC */
/* Base 64 with padding (RFC 4648), as checksums, user data and console texts come. Pure. */
#ifndef API_BASE64_H
#define API_BASE64_H

#include <stddef.h>

#include "api/error.h"

/* Owned text. */
char *mir_base64(const void *data, size_t len);

/* Owned bytes with a terminator behind them; blanks and line ends between are skipped. NULL: it is
 * none. */
char *mir_base64_decode(const char *text, size_t *ret_len);

#endif
