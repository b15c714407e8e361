/* SPDX-License-Identifier: ISC */
/*
 * The providers built in, in the order of the Meson option `providers`; the table itself is
 * generated, so that adding a cloud or leaving one out touches no C file. Static, any thread.
 */
#ifndef MIRD_PROVIDER_LIST_H
#define MIRD_PROVIDER_LIST_H

#include <stddef.h>

#include "api/provider.h"

extern const struct mir_provider *const mird_provider_list[];
extern const size_t mird_provider_list_count;

#endif
