/* SPDX-License-Identifier: ISC */
/* Amazon's calls replayed (wire_run.h, ec2/testdata). */
#ifndef TESTS_EC2_WIRE_H
#define TESTS_EC2_WIRE_H

#include "ec2_server.h"

#define WIRE_HEADERS "Content-Type", "X-Amz-Target"
#define WIRE_TOKEN ""
#include "wire_run.h"

#endif
