/* SPDX-License-Identifier: ISC */
/*
 * From a carrier that has its configuration, its deadline and its file systems to a guest that
 * runs, and on to its end: one function per kind of guest, and what they share.
 */
#ifndef CAR_START_H
#define CAR_START_H

#include "conf.h"
#include "modules.h"
#include "net.h"
#include "proc.h"

#define CAR_KERNEL "/kernel"
#define CAR_TENDER_HVT "/tender/solo5-hvt"

/* Both end the machine when the guest has ended, or cannot be started. */
_Noreturn void car_run_xen(const struct car_conf *conf, struct car_programs *programs);
_Noreturn void car_run_solo5(const struct car_conf *conf, struct car_programs *programs);

/* The guest's disks, waited for, and said on the console; ends the machine when one is missing. */
void car_disks_await(const struct car_conf *conf, struct car_disks *ret);

/* Of this machine, for this guest. The list of devices is the callee's own. */
void car_facts(const struct car_conf *conf, unsigned image, struct car_module_facts *ret);

/*
 * The network as conf wants it, its process begun; NULL for `net none`. Ends the machine (no
 * network) when there is no card.
 */
struct car_net *car_network(const struct car_conf *conf);

/* Connects the guest's interface; ends the machine when that fails. NULL is fine. */
void car_network_attach(struct car_net *net, const char *interface);

/* Ends the machine as a vital program has ended before its time. */
_Noreturn void car_off_without(const struct car_program *program);

#endif
