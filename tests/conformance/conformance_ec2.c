/* SPDX-License-Identifier: ISC */
/* The list of conformance.c for the provider "ec2". Arguments: the path of mirage-fakecloud, and
 * the way of images ("direct", "s3", "bundle"). */
#include <stdio.h>
#include <string.h>

#include "ec2_target.h"

int main(int argc, char **argv)
{
    static const char *const ways[] = {
        [EC2_TARGET_DIRECT] = "direct", [EC2_TARGET_S3] = "s3", [EC2_TARGET_BUNDLE] = "bundle"};
    struct conformance_target target;
    size_t way = 0;
    while (argc == 3 && way < MIR_NELEMS(ways) && strcmp(ways[way], argv[2]) != 0)
        way++;
    if (argc != 3 || way == MIR_NELEMS(ways)) {
        fprintf(stderr, "usage: %s MIRAGE-FAKECLOUD direct|s3|bundle\n", argv[0]);
        return 2;
    }
    int rc = ec2_target_open(&target, argv[1], (enum ec2_target_way)way);
    if (rc)
        return rc;
    rc = conformance_run(&target);
    ec2_target_close(&target);
    return rc;
}
