/* SPDX-License-Identifier: ISC */
/*
 * Credentials made of texts from outside, checked so far that they can stand in a request: what
 * each source ends in. No text of a key is ever part of an error.
 */
#ifndef EC2_KEYS_H
#define EC2_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "ec2/credentials.h"

/* Borrowed; NULL or "": not there. */
struct ec2_key_texts {
    const char *id, *secret, *token;
    const char *expires;    /* RFC 3339 */
    const char *account_id; /* dropped when it is none */
    const char *source;     /* for people */
};

/* The sets of names that services and programs use in their JSON. */
enum ec2_key_names {
    EC2_KEYS_PROCESS, /* Version 1, SessionToken, Expiration if they expire */
    EC2_KEYS_SERVICE  /* Token and Expiration, always */
};

/* *ret, an empty one, becomes them. MIR_CREDENTIALS: one is missing, or cannot be one; MIR_CORRUPT:
 * the time is none. `what` names the source in the errors. */
int ec2_keys_set(const struct ec2_key_texts *texts, const char *what, struct ec2_credentials *ret,
                 struct mir_error *err);

/* The same from a JSON document, whose texts are wiped afterwards. MIR_CORRUPT: it is no such
 * document. */
int ec2_keys_from_json(const char *text, size_t len, enum ec2_key_names names, const char *what,
                       const char *source, struct ec2_credentials *ret, struct mir_error *err);

#endif
