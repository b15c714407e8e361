/* SPDX-License-Identifier: ISC */
/* All of EC2 itself: one header per kind of thing. */
#ifndef EC2_COMPUTE_H
#define EC2_COMPUTE_H

#include "ec2/address.h"
#include "ec2/group.h"
#include "ec2/image.h"
#include "ec2/instance.h"
#include "ec2/keypair.h"
#include "ec2/network.h"
#include "ec2/place.h"
#include "ec2/snapshot.h"
#include "ec2/spot.h"
#include "ec2/tag.h"
#include "ec2/type.h"
#include "ec2/volume.h"

#endif
