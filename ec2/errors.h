/* SPDX-License-Identifier: ISC */
/*
 * What an answer that is no success says: its code, message and request id, in whichever of the
 * forms of AWS's protocols it comes, and what our one table makes of the code.
 *
 * Whatever happens, an error is filled: an answer without a readable code is judged by its status,
 * and its outcome is UNKNOWN.
 */
#ifndef EC2_ERRORS_H
#define EC2_ERRORS_H

#include "api/http.h"

/* One row per code, or per kind of code ("*.NotFound", "Invalid*"). */
struct ec2_error_row {
    const char *code;
    enum mir_kind kind;
    enum mir_retry retry;
    bool unknown;     /* the service may have done it all the same */
    const char *hint; /* NULL: none */
};

/* NULL: no row is for that code. */
const struct ec2_error_row *ec2_error_row(const char *code);

/* As the answer to `operation` of `service` (its signing name), which only `reads`. -1. */
int ec2_error_read(const struct mir_http_response *response, const char *service,
                   const char *operation, bool reads, struct mir_error *err);

#endif
