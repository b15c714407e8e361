/* SPDX-License-Identifier: ISC */
/*
 * The identity of an installation: id, HMAC key for tags, Ed25519 seed for statements. Kept in
 * <state_dir>/identity (0600), outside the database, so that with the database lost, or by a
 * program that has none (mirage-reap), our tags on what runs are still recognised.
 *
 * A plain value with secrets: whoever has one cleanses it. Blocking file access; any thread.
 */
#ifndef DAEMON_IDENTITY_H
#define DAEMON_IDENTITY_H

#include "api/error.h"
#include "api/id.h"

struct mird_identity {
    char installation[MIR_ID_TEXT];
    unsigned char tag_key[32];
    unsigned char sign_seed[32];
};

/* MIR_NOT_FOUND when there is none; MIR_CORRUPT. */
int mird_identity_read(const char *state_dir, struct mird_identity *ret, struct mir_error *err);

/* Read it, or make it when there is none. */
int mird_identity_load(const char *state_dir, struct mird_identity *ret, struct mir_error *err);

#endif
