/* SPDX-License-Identifier: ISC */
/*
 * The program that a Linux carrier runs a Solo5 kernel under. No package of the distribution has
 * it, so it is the user's own: `solo5_spt` and `solo5_hvt` in section [carrier] of the
 * configuration, else on PATH. It is copied into the carrier and started there, never here.
 *
 * Looks at files; any thread.
 */
#ifndef DAEMON_TENDER_H
#define DAEMON_TENDER_H

#include "api/config.h"
#include "api/kernel.h"
#include "api/provider.h"

/* solo5-spt or solo5-hvt; NULL: kernels of this format have none. */
const char *mird_tender_name(enum mir_format format);

/* Where it is; *ret_path is owned and may be NULL (not wanted). MIR_POLICY with the fix: there is
 * none, or what is there cannot be it: it has to be an ELF program for x86-64. */
int mird_tender_find(const struct mir_config *config, enum mir_format format, char **ret_path,
                     struct mir_error *err);

/* A line of doctor: which there are. */
void mird_tender_check(const struct mir_config *config, struct mir_check *ret);

#endif
