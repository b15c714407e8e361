/* SPDX-License-Identifier: ISC */
/*
 * What an answer that is no success says: its code, message and request id, in whichever of the
 * many forms of OpenStack's services it comes, and what our one table makes of it.
 *
 * Whatever happens, an error is filled. An answer that no service of OpenStack can be seen to have
 * given (no form of theirs, no request id) is judged by its status alone, and its outcome is
 * UNKNOWN: a 404 of some proxy says nothing of what is there.
 */
#ifndef OPENSTACK_ERRORS_H
#define OPENSTACK_ERRORS_H

#include "api/http.h"
#include "openstack/cloud.h"

/* One row per thing that is said; the first that fits counts. */
struct os_error_row {
    int status;       /* 0: any */
    const char *code; /* NULL: any; '*' stands for any characters */
    const char *says; /* a part of the message; NULL: any */
    enum mir_kind kind;
    enum mir_retry retry;
    bool unknown;        /* the service may have done it all the same */
    const char *hint;    /* NULL: none */
    const char *service; /* "swift"; NULL: any */
};

/* What could be read. */
struct os_said {
    char code[64], message[400], request_id[64];
    bool service; /* it is a service that speaks, and nobody in between */
};

void os_said_read(const struct mir_http_response *response, struct os_said *ret);

/* NULL: no row is for it. */
const struct os_error_row *os_error_row(enum os_service service, int status,
                                        const struct os_said *said);

/* As the answer to `operation` of `service`, which only `reads`. -1. */
int os_error_read(const struct mir_http_response *response, enum os_service service,
                  const char *operation, bool reads, struct mir_error *err);

#endif
