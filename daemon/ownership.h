/* SPDX-License-Identifier: ISC */
/*
 * The ownership answer that a carrier gives for its guest (docs/REGISTRY.md): whether it can, and
 * at which port of the guest. Pure; any thread.
 */
#ifndef DAEMON_OWNERSHIP_H
#define DAEMON_OWNERSHIP_H

#include "daemon/plan.h"

/* What is asked of the carrier, put into a plan that knows its carrier and its ports. MIR_USAGE
 * with the reason where it cannot be. Nothing where nobody asks for it. */
int mird_ownership_plan(const struct mird_request *request, const struct mird_burden *burden,
                        struct mird_plan *plan, struct mir_error *err);

/* The guest's port where its site is: the one that the URL leads to, else 80, else the first open
 * one that is not 443, where TLS is spoken; 0: there is none. url "": not known yet. */
uint16_t mird_ownership_port(const char *url, const struct mir_port *ports, unsigned port_count,
                             const struct mir_place *place);

#endif
