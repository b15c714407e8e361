/* SPDX-License-Identifier: ISC */
/*
 * The imager that providers are given (api/imager.h): mirage-image builds the disk in its sandbox
 * and writes it into a pipe, and what comes out of the pipe is checked here before the provider
 * sees it.
 */
#ifndef MIRD_IMAGER_H
#define MIRD_IMAGER_H

#include "api/imager.h"

/* helper_path: the program mirage-image; borrowed for as long as the imager is used. */
struct mir_imager mird_imager(const char *helper_path);

#endif
