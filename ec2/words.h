/* SPDX-License-Identifier: ISC */
/*
 * A line split into words as a POSIX shell quotes them, with nothing expanded: what the AWS tools
 * do with credential_process and the heads of sections. Pure.
 */
#ifndef EC2_WORDS_H
#define EC2_WORDS_H

#include <stddef.h>

#include "api/error.h"

#define EC2_WORDS_MAX 256

/* Owned, NULL-terminated; to be freed by ec2_words_free. MIR_USAGE: an open quote, a backslash at
 * the end, more than EC2_WORDS_MAX words. */
char **ec2_words_split(const char *text, size_t len, size_t *ret_count, struct mir_error *err);
void ec2_words_free(char **words); /* NULL allowed */

#endif
