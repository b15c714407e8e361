/* SPDX-License-Identifier: ISC */
/* "Did you mean": the nearest of a list of names by edit distance. Pure. */
#ifndef API_SUGGEST_H
#define API_SUGGEST_H

#include <stddef.h>

/* The name nearest to `wrong`, borrowed from the list; NULL when none is near enough (a third of
 * its length, at least one edit). Names longer than 64 bytes are never near. */
const char *mir_suggest(const char *wrong, const char *const *names, size_t count);

#endif
