/* SPDX-License-Identifier: ISC */
#ifndef FAKECLOUD_IMDS_H
#define FAKECLOUD_IMDS_H

#include "service.h"

/* Paths that begin with "/_imds/". */
void fc_imds(struct fc_server *server, struct fc_request *request, struct fc_reply *reply);

#endif
