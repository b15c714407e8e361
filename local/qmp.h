/* SPDX-License-Identifier: ISC */
/*
 * The little that the keeper wants to know from QEMU's machine protocol: that the machine runs
 * (the answer to the first command comes from QEMU's main loop), and why it was shut down. QEMU
 * may be in the hands of a hostile guest, so everything read is bounded and nothing is trusted
 * beyond those two facts. Pure.
 */
#ifndef LOCAL_QMP_H
#define LOCAL_QMP_H

#include <stdbool.h>
#include <stddef.h>

/* What the keeper sends, once, before QEMU even runs. */
#define LOCAL_QMP_HELLO "{\"execute\":\"qmp_capabilities\"}\n"

struct local_qmp {
    char line[4096];
    size_t len;
    bool skipping; /* in a line that was too long */
    bool ready;
    char shutdown[32]; /* QEMU's word: "guest-shutdown", "guest-reset", ...; "" none yet */
};

void local_qmp_feed(struct local_qmp *qmp, const char *data, size_t len);

#endif
