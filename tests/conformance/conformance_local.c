/* SPDX-License-Identifier: ISC */
/* The list of conformance.c for the provider "local". */
#include <stdio.h>

#include "local_target.h"

int main(void)
{
    struct conformance_target target;
    int rc = local_target_open(&target, "auto");
    if (rc)
        return rc;
    rc = conformance_run(&target);
    local_target_close(&target);
    return rc;
}
