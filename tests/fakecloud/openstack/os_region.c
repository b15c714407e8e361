/* SPDX-License-Identifier: ISC */
/* What a region has before anybody came: networks, and an image of the cloud's own. */
#include "neutron_more.h"
#include "os.h"

void fos_region_ready(struct fc_call *call)
{
    fos_network_ready(call);
}
