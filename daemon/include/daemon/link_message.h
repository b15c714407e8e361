/* SPDX-License-Identifier: ISC */
/*
 * What crosses between the core and the public process: framed JSON objects, made and read here
 * alone. Framing: 4 bytes length (big endian, 2 .. MIRD_LINK_MAX), then one object with "type".
 *
 * A reader trusts nothing: a frame too long, not JSON, or of a bad shape is MIR_CORRUPT, after
 * which the link is of no more use. Types that are not known are skipped (an older peer).
 */
#ifndef DAEMON_LINK_MESSAGE_H
#define DAEMON_LINK_MESSAGE_H

#include <jansson.h>

#include "api/buf.h"
#include "daemon/site.h"

#define MIRD_LINK_MAX (4u << 20)                     /* bytes of one message */
#define MIRD_LINK_BUFFER_MAX (MIRD_LINK_MAX + 65536) /* of a reader: a message and some more */

enum mird_link_type {
    MIRD_LINK_OTHER,    /* of a type that is not known here */
    MIRD_LINK_SITES,    /* down: all there is to show and to probe */
    MIRD_LINK_SOON,     /* down: probe this site often, now */
    MIRD_LINK_READY,    /* up: the pages are served */
    MIRD_LINK_PROBE,    /* up: what a probe saw */
    MIRD_LINK_ANNOUNCE, /* up: somebody announced a site */
};

struct mird_link_message {
    enum mird_link_type type;
    /* SITES */
    char public_url[128];
    char installation[MIR_ID_TEXT];
    char key_pem[128];
    struct mird_site *sites; /* owned */
    size_t site_count;
    /* SOON, ANNOUNCE */
    char name[MIR_NAME_TEXT];
    int seconds;
    /* ANNOUNCE */
    char url[256];
    char token[MIR_ID_TEXT];
    /* PROBE */
    struct mird_probe probe;
};

void mird_link_message_clear(struct mird_link_message *message);

/* New reference. */
json_t *mird_link_message_json(const struct mird_link_message *message);
int mird_link_message_parse(const json_t *json, struct mird_link_message *ret,
                            struct mir_error *err);

/* Sends one message whole: blocking, one call at a time for one fd. MIR_UNAVAILABLE when the
 * other end is gone or does not read within the socket's send time-out. */
int mird_link_send(int fd, const struct mird_link_message *message, struct mir_error *err);

/* Reads what is there into `in` (whose max is MIRD_LINK_BUFFER_MAX); blocking. 1; 0 at the end; -1.
 */
int mird_link_read(int fd, struct mir_buf *in, struct mir_error *err);

/* Takes the first whole message out of `in`: 1 with *ret to be cleared, 0 when there is none yet,
 * -1 when there never will be. */
int mird_link_take(struct mir_buf *in, struct mird_link_message *ret, struct mir_error *err);

#endif
