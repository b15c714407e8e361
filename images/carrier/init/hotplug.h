/* SPDX-License-Identifier: ISC */
/* The programs that xl starts for each device of a domain: the first process by another name. */
#ifndef CAR_HOTPLUG_H
#define CAR_HOTPLUG_H

#include <stdbool.h>

/* The guest's disks, as links to their devices, by Xen's numbers: 51712, ... */
#define CAR_DISK_FOLDER "/run/disks"

/* Is argv[0] one of those names (ends in "vif" or "block")? */
bool car_is_hotplug(const char *name);

/* An exit status. Takes what xl gives: the action as argument, the device in the environment. */
int car_hotplug(int argc, char **argv);

#endif
