/* SPDX-License-Identifier: ISC */
/*
 * An inspection as people read it: a table, one line per fact, one block per provider. Pure; links
 * nothing but api.
 */
#ifndef IMAGES_REPORT_H
#define IMAGES_REPORT_H

#include "api/buf.h"
#include "api/kernel.h"

/* Appends; the buffer's own limit counts (8 KiB are always enough without devices). `name` is
 * shown as the file, with what is not printable replaced. */
void img_report(const struct mir_kernel *kernel, const char *name, struct mir_buf *out);

#endif
