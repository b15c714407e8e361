/* SPDX-License-Identifier: ISC */
/*
 * The provider "openstack": images in Glance made of the kernel, a port with a floating address and
 * a security group, a server on it, all of it marked in the request that makes it and found again
 * by its marks. Call it through the mir_prov_* wrappers only. openstack/README.md has the awkward
 * facts.
 *
 * Threads: as provider.h says. On this machine stands, for each lease, only where it is
 * (<state_dir>/openstack/<lease id>), which saves questions and names the clouds that are in use.
 */
#ifndef OPENSTACK_PROVIDER_H
#define OPENSTACK_PROVIDER_H

#include "api/provider.h"

extern const struct mir_provider mir_provider_openstack;

#endif
