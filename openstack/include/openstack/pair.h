/* SPDX-License-Identifier: ISC */
/* Names with values that are the user's own: metadata, image properties, extra specifications. */
#ifndef OPENSTACK_PAIR_H
#define OPENSTACK_PAIR_H

#include <stddef.h>

/* In a request; borrowed. Nova: 255 bytes each; the name of letters, digits and "-_.: ". */
struct os_pair {
    const char *name, *value;
};

/* In a reply; owned, `value` NULL when it is empty. */
struct os_found_pair {
    char *name, *value;
};

/* One of a list of words; owned. */
struct os_word {
    char *text;
};

/* Its value, "" when it is empty; NULL: there is none of that name. Borrowed. */
const char *os_pair_value(const struct os_found_pair *pairs, size_t count, const char *name);

#endif
