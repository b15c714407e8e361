/* SPDX-License-Identifier: ISC */
/* The word that mirage-reap leaves after a pass in which nothing was left (daemon/pass.h): in the
 * account, where a daemon on another machine finds it, and in the state directory of this one. */
#ifndef MIRD_REAP_WORD_H
#define MIRD_REAP_WORD_H

#include <jansson.h>

#include "reap.h"

/* every_s: 0 when somebody runs it by hand, which is noted here alone, and in no place of the word
 * of a timer. Adds "recorded" to the document: where. -1: a timer's word could be left nowhere, or
 * what was seen may not be ended with these credentials. Blocking. */
int mird_reap_leave_word(const struct mird_reap *reap, const char *state_dir, int64_t every_s,
                         json_t *document, struct mir_error *err);

#endif
