/* SPDX-License-Identifier: ISC */
/* The list of conformance.c for the provider "ec2". Argument: the path of mirage-fakecloud. */
#include <stdio.h>

#include "ec2_target.h"

int main(int argc, char **argv)
{
    struct conformance_target target;
    if (argc != 2) {
        fprintf(stderr, "usage: %s MIRAGE-FAKECLOUD\n", argv[0]);
        return 2;
    }
    int rc = ec2_target_open(&target, argv[1]);
    if (rc)
        return rc;
    rc = conformance_run(&target);
    ec2_target_close(&target);
    return rc;
}
