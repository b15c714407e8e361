/* SPDX-License-Identifier: ISC */
/*
 * Statements: what this installation verified of a site, signed with its Ed25519 key so that
 * others may keep and check it (docs/REGISTRY.md says how, with openssl alone).
 *
 * The signed bytes are the statement without its "signature" member as canonical JSON: members
 * sorted by name, no spaces, UTF-8, no line end. Pure functions; any thread.
 */
#ifndef DAEMON_STATEMENT_H
#define DAEMON_STATEMENT_H

#include <jansson.h>
#include <stdint.h>

#include "daemon/site.h"
#include "daemon/store.h"

#define MIRD_PUBLIC_KEY_PEM 128 /* bytes for the PEM text */

/* Fill site->statement from its other members; "" for a site of which nothing was verified. */
int mird_statement_sign(struct mird_site *site, const struct mird_identity *identity, int64_t now_s,
                        struct mir_error *err);

/* The public half of the installation's key as PEM ("-----BEGIN PUBLIC KEY-----"). */
int mird_statement_key_pem(const struct mird_identity *identity, char out[MIRD_PUBLIC_KEY_PEM],
                           struct mir_error *err);

/* 0 when the statement (its JSON text) was signed by the key; MIR_CORRUPT otherwise. */
int mird_statement_verify(const char *statement, const char *key_pem, struct mir_error *err);

#endif
