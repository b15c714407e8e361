/* SPDX-License-Identifier: ISC */
/*
 * Host ports: finding free ones and telling early that one is taken. A probe is only a probe (QEMU
 * binds later); whoever starts the instance deals with losing that race.
 */
#ifndef LOCAL_PORT_H
#define LOCAL_PORT_H

#include "api/provider.h"

/* Completes requests to what is published: addresses filled in, free ports chosen for 0. `chosen`
 * (may be NULL) gets 1 when at least one port was chosen. MIR_CONFLICT for a port in use,
 * MIR_POLICY for one that may not be bound, MIR_USAGE for addresses that are not IPv4 or ports
 * named twice. */
int local_ports_choose(const struct mir_port *asked, unsigned count, struct mir_port *ret,
                       int *ret_chosen, struct mir_error *err);

#endif
