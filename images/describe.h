/* SPDX-License-Identifier: ISC */
/* The sentence for people, and the numbers that follow from a rule rather than from a field. */
#ifndef IMAGES_DESCRIBE_H
#define IMAGES_DESCRIBE_H

#include "facts.h"

/* kernel->description, one line. */
void krn_describe(struct krn_facts *facts);

/* kernel->min_memory_bytes, by the rule in describe.c. */
void krn_min_memory(struct krn_facts *facts);

#endif
