/* SPDX-License-Identifier: ISC */
/*
 * The provider "ec2": an image made of the kernel by way of EBS direct, an instance of it, and what
 * belongs to it, all of it tagged and found again by its tags alone. Call it through the mir_prov_*
 * wrappers only. ec2/README.md has the awkward facts.
 *
 * Threads: as provider.h says. Nothing is kept on this machine.
 */
#ifndef EC2_PROVIDER_H
#define EC2_PROVIDER_H

#include "api/provider.h"

extern const struct mir_provider mir_provider_ec2;

#endif
