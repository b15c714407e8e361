/* SPDX-License-Identifier: ISC */
/*
 * A carrier's last word, found on the console of its machine: "carrier[12.345] power off: REASON"
 * or "...: REASON: TEXT" as a line of its own, with its console's other lines before and behind it
 * (docs/CARRIERS.md). What a guest says has a prefix there, so it cannot say this; a shim's guest
 * has the console to itself, and of that nothing is taken. Pure.
 */
#ifndef DAEMON_CARRIER_WORD_H
#define DAEMON_CARRIER_WORD_H

#include "daemon/deployment.h"

#define MIRD_CARRIER_WORD_MAX 128

/* The last one of a console's end, clean for showing. False: there is none, and out is left. */
bool mird_carrier_word(const char *console, size_t len, char out[MIRD_CARRIER_WORD_MAX]);

/* What the provider says of the end, and that word behind it: "powered off: guest failed: it
 * crashed". A carrier that keeps the lease's own deadline ends it by the deadline, whoever was
 * first: that is said as providers say it. */
void mird_carrier_word_join(const char word[MIRD_CARRIER_WORD_MAX], struct mir_instance *instance);

#endif
