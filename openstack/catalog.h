/* SPDX-License-Identifier: ISC */
/*
 * What Keystone says of a token: who has it, for which project, until when, and the catalog of what
 * the cloud offers where. Pure; any thread.
 */
#ifndef OPENSTACK_CATALOG_H
#define OPENSTACK_CATALOG_H

#include <jansson.h>

#include "api/record.h"
#include "openstack/identity.h"
#include "openstack/session.h"

extern const struct mir_table os_who_table; /* struct os_who, of the member "token" */

/* The endpoint that the user means: by the service's type and its aliases, name, interface and
 * region; borrowed from `who`. NULL and MIR_USAGE with the code EndpointNotFound: there is none, or
 * with no code: there are several regions, and none was said. */
const struct os_found_endpoint *os_catalog_find(const struct os_who *who,
                                                const struct os_cloud *cloud,
                                                enum os_service service, struct mir_error *err);

#endif
