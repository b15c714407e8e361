/* SPDX-License-Identifier: ISC */
/*
 * The provider "local": instances are QEMU processes (or Solo5 tenders) on this machine, each owned
 * by a keeper process that ends it at its deadline whether or not the daemon still lives. Call it
 * through the mir_prov_* wrappers only.
 *
 * Kernels are booted as they are: mir_instance_spec.kernel_path names a file that is bootable as
 * it stands, so the caller unwraps gzip, bzip2, xz and zstd first. The file must stay until the
 * instance is deleted (a disk is read while the guest runs) and is never written.
 *
 * Threads: as provider.h says. Limits: create returns within 10 s, everything else within 8 s.
 */
#ifndef LOCAL_PROVIDER_H
#define LOCAL_PROVIDER_H

#include "api/provider.h"

extern const struct mir_provider mir_provider_local;

#endif
