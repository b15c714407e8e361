/* SPDX-License-Identifier: ISC */
/* Every call that a table describes, by file; each array ends with a nameless one. Who needs all of
 * them goes through os_operation_lists (openstack/operations.c). */
#ifndef OPENSTACK_OPERATIONS_H
#define OPENSTACK_OPERATIONS_H

#include "call.h"

extern const struct os_operation os_flavor_operations[];
extern const struct os_operation os_identity_operations[];
extern const struct os_operation os_image_operations[];
extern const struct os_operation os_network_operations[];
extern const struct os_operation os_port_operations[];
extern const struct os_operation os_reservation_operations[];
extern const struct os_operation os_security_operations[];
extern const struct os_operation os_server_operations[];
extern const struct os_operation os_volume_operations[];
extern const struct os_operation os_workflow_operations[];

extern const struct mir_table *const os_object_tables[]; /* of Swift's lists; ends with NULL */

extern const struct os_operation *const os_operation_lists[]; /* ends with NULL */

#endif
