/* SPDX-License-Identifier: ISC */
/*
 * The public listener: routes from paths to the documents made beforehand, and the announcements.
 * Part of the public process; knows no credentials and no store.
 */
#ifndef DAEMON_PUBLIC_SERVER_H
#define DAEMON_PUBLIC_SERVER_H

#include "daemon/link_message.h"
#include "daemon/page.h"

struct mird_public_server;

#define MIRD_ANNOUNCE_BODY_MAX 4096
#define MIRD_ANNOUNCE_PER_MINUTE 30      /* from one address (IPv6: one /64) */
#define MIRD_ANNOUNCE_ALL_PER_MINUTE 300 /* from everybody */

/* What to do with an announcement whose form is right; a worker thread. -1 with err: the answer. */
typedef int mird_announce_fn(void *ctx, const struct mird_link_message *announcement,
                             struct mir_error *err);

/* Serves on the listening socket (taken) until stopped; at first as an empty registry. */
int mird_public_server_start(int listen_fd, mird_announce_fn *announce, void *ctx,
                             struct mird_public_server **ret, struct mir_error *err);
void mird_public_server_stop(struct mird_public_server *server); /* NULL allowed */

/* Serve these sites from now on (a MIRD_LINK_SITES message; taken: left empty). The documents are
 * made when somebody asks for one, not before: most changes are seen by nobody. Any thread. */
void mird_public_server_update(struct mird_public_server *server, struct mird_link_message *sites);

/* The body of POST /v1/announce: strict JSON with name, url, token (and kernel, which is not
 * used). Pure. MIR_USAGE names what is wrong. */
int mird_announce_read(json_t *body, struct mird_link_message *ret, struct mir_error *err);

#endif
