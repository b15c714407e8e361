/* SPDX-License-Identifier: ISC */
#include "operations.h"

const struct os_operation *const os_operation_lists[] = {
    os_flavor_operations,
    os_identity_operations,
    os_image_operations,
    os_network_operations,
    os_port_operations,
    os_reservation_operations,
    os_security_operations,
    os_server_operations,
    os_volume_operations,
    os_workflow_operations,
    NULL,
};
