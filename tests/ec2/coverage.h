/* SPDX-License-Identifier: ISC */
/*
 * What was tried of the bindings' tables: each parameter that was ever sent with a value, and each
 * member of an answer that ever came with one, of every call that a table describes. A name that is
 * wrong in the table of a reply reads as empty, and is found so. For a program of one thread.
 */
#ifndef COVERAGE_H
#define COVERAGE_H

#include "operations.h"

/* Notes one call: args as the call's public function takes them (NULL: it has a struct of its own
 * inside, so only its answers count), and what it gave (NULL: nothing). */
void covered(const struct ec2_operation *operation, const void *args, const void *ret);

/* NULL: there is none of that name. */
const struct ec2_operation *covered_operation(const char *name);

/* What may be missing. "Name" alone: the call is not made at all. A part of `name` in front of a
 * '*' at its end stands for all that begin so. */
struct coverage_gap {
    const char *operation;
    const char *name; /* "TagSpecification[].ResourceType", or "instancesSet/item[]/reason" */
    const char *why;
};

/* Prints a line for each thing that is missing and is no gap, and for each gap that is none (any
 * more); their number. */
size_t coverage_report(const struct coverage_gap *gaps, size_t count);

#endif
