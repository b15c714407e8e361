/* SPDX-License-Identifier: ISC */
/* scale ROW DIR ...: one row about many leases, as a line of JSON. The rows of make bench, and
 * (with fewer leases) the tests of make check, where only what is right counts, not how long it
 * takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scale.h"

static int usage(void)
{
    fputs("scale fill DIR LEASES      leases due in a day\n"
          "scale hold DIR LEASES S    start with them; memory, and wake-ups in S seconds\n"
          "scale due DIR LEASES DUE   DUE of LEASES end in the same second\n"
          "scale hang DIR DUE EACH    of DUE, the delete of every EACH-th hangs\n"
          "scale single DIR ROUNDS    one durable change at a time, and append + fdatasync\n"
          "scale grouped DIR CHANGES  changes that nobody waits for\n",
          stderr);
    return 2;
}

static int fill(const char *dir, unsigned leases)
{
    struct scale_house house;
    scale_open(&house, dir, leases, false);
    scale_fill(&house, 0, leases, scale_now_us() / 1000000 + 86400);
    scale_close(&house);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return usage();
    const char *row = argv[1], *dir = argv[2];
    unsigned count = (unsigned)strtoul(argv[3], NULL, 10);
    unsigned more = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
    if (!strcmp(row, "fill"))
        return fill(dir, count);
    if (!strcmp(row, "hold"))
        return scale_hold(dir, count, more);
    if (!strcmp(row, "due"))
        return scale_due(dir, count, more);
    if (!strcmp(row, "hang"))
        return scale_hang(dir, count, more ? more : 10);
    if (!strcmp(row, "single"))
        return scale_single(dir, count);
    if (!strcmp(row, "grouped"))
        return scale_grouped(dir, count);
    return usage();
}
