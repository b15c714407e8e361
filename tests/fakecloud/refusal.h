/* SPDX-License-Identifier: ISC */
/* An operation refused: HTTP status, the cloud's word for it, and a sentence. */
#ifndef FAKECLOUD_REFUSAL_H
#define FAKECLOUD_REFUSAL_H

#include "api/error.h"
#include "verify.h"

struct fc_refusal {
    int status;
    char code[64];
    char message[800];
};

/* How a service words its replies and its errors. */
enum fc_protocol {
    FC_PROTOCOL_EC2 = 0, /* Query form in, XML out */
    FC_PROTOCOL_QUERY,   /* the same with results and member lists: STS, IAM */
    FC_PROTOCOL_JSON,    /* rest-json and json 1.1 */
    FC_PROTOCOL_S3,      /* XML at the root */
    FC_PROTOCOL_COUNT
};

/* Fill *refusal and return -1. */
int fc_refuse(struct fc_refusal *refusal, int status, const char *code, const char *fmt, ...)
    MIR_PRINTF(4, 5);

/* What a service of this protocol calls a failed look at the signature. */
int fc_refuse_denial(struct fc_refusal *refusal, enum fc_protocol protocol, enum fc_denial denial,
                     const struct mir_error *why);

#endif
