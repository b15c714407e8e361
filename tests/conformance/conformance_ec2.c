/* SPDX-License-Identifier: ISC */
/* The list of conformance.c for the provider "ec2". Arguments: the path of mirage-fakecloud, and
 * the way of images ("direct", "s3"). */
#include <stdio.h>
#include <string.h>

#include "ec2_target.h"

int main(int argc, char **argv)
{
    struct conformance_target target;
    if (argc != 3) {
        fprintf(stderr, "usage: %s MIRAGE-FAKECLOUD direct|s3\n", argv[0]);
        return 2;
    }
    int rc = ec2_target_open(&target, argv[1], !strcmp(argv[2], "s3"));
    if (rc)
        return rc;
    rc = conformance_run(&target);
    ec2_target_close(&target);
    return rc;
}
