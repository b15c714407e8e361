/* SPDX-License-Identifier: ISC */
/* OpenStack's calls replayed (wire_run.h, openstack/testdata), in a session that has its token. */
#ifndef TESTS_OS_WIRE_H
#define TESTS_OS_WIRE_H

#include "os_server.h"

#define WIRE_HEADERS                                                                               \
    "Content-Type", "Accept", "OpenStack-API-Version", "Transfer-Encoding", "Range", "ETag",       \
        "X-Delete-At", "X-Object-Manifest", "X-Object-Meta-Owner", "X-Account-Meta-Temp-URL-Key"
#define WIRE_TOKEN "token-1"
#include "wire_run.h"

#endif
