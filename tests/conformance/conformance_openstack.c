/* SPDX-License-Identifier: ISC */
/* The list of conformance.c for the provider "openstack". Arguments: the path of mirage-fakecloud,
 * and how a kernel gets there ("kernel", "disk", "lease"). */
#include <stdio.h>
#include <string.h>

#include "os_target.h"

int main(int argc, char **argv)
{
    static const char *const ways[] = {
        [OS_TARGET_KERNEL] = "kernel", [OS_TARGET_DISK] = "disk", [OS_TARGET_LEASE] = "lease"};
    struct conformance_target target;
    size_t way = 0;
    while (argc == 3 && way < MIR_NELEMS(ways) && strcmp(ways[way], argv[2]) != 0)
        way++;
    if (argc != 3 || way == MIR_NELEMS(ways)) {
        fprintf(stderr, "usage: %s MIRAGE-FAKECLOUD kernel|disk|lease\n", argv[0]);
        return 2;
    }
    int rc = os_target_open(&target, argv[1], (enum os_target_way)way);
    if (rc)
        return rc;
    rc = conformance_run(&target);
    os_target_close(&target);
    return rc;
}
