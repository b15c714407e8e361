/* SPDX-License-Identifier: ISC */
/* Apart from provider.c, so that a client which only checks names does not link libcrypto. */
#include <string.h>

#include "api/provider.h"

int mir_name_valid(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < MIR_NAME_TEXT && *name != '-' && name[len - 1] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}
