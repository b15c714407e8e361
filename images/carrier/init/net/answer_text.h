/* SPDX-License-Identifier: ISC */
/*
 * The ownership answer on the wire: whether a connection's first bytes ask for it, and what is said
 * then (docs/REGISTRY.md). Pure.
 */
#ifndef CAR_ANSWER_TEXT_H
#define CAR_ANSWER_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* A request that is ours has a head of at most so many bytes; a longer one is the guest's. */
#define CAR_ASK_BYTES 8192
#define CAR_ANSWER_BYTES 1024

enum car_ask {
    CAR_ASK_MORE,  /* nobody can tell yet */
    CAR_ASK_GUEST, /* whatever it is, it is the guest's */
    CAR_ASK_GET,   /* GET /.well-known/unikernel, its head at its end */
    CAR_ASK_HEAD   /* the same of HEAD */
};

/*
 * All bytes of the connection up to now. As few of them as possible are waited for: the first that
 * does not fit makes it the guest's, and once it is something else than MORE it stays that. A query
 * behind the path, HTTP/0.9 and any other spelling of the path are the guest's.
 */
enum car_ask car_ask_read(const char *bytes, size_t len);

/* Head and body, of HEAD the head alone. deadline 0: null. Returns the length; 0: no room. */
size_t car_answer_write(const char *token, int64_t deadline, enum car_ask ask,
                        char answer[CAR_ANSWER_BYTES]);

#endif
