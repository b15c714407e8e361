/* SPDX-License-Identifier: ISC */
/* What the calls of S3 have in common: where they go, and XML that is sent and read. */
#ifndef EC2_S3_CALL_H
#define EC2_S3_CALL_H

#include "api/record.h"
#include "call.h"
#include "ec2/s3.h"

#define EC2_S3_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

/* One call, filled by its maker; path and host_name come from the object. */
struct ec2_s3_call {
    struct ec2_call call;
    struct mir_http_header headers[EC2_S3_METADATA_MAX + 5];
    char *names[EC2_S3_METADATA_MAX]; /* owned: "x-amz-meta-..." */
    char *path;                       /* owned */
    char digest[EC2_HEX_TEXT];        /* of a body whose digest is not known */
    struct mir_xml *xml;              /* owned: the answer; NULL: none was wanted */
    const char *root;                 /* the answer's element */
};

/* MIR_USAGE: names that cannot be. Clear it in any case. */
int ec2_s3_call_init(struct ec2_s3_call *s3, struct ec2_session *session, const char *operation,
                     const char *method, const struct ec2_s3_object *object, struct mir_error *err);
void ec2_s3_call_clear(struct ec2_s3_call *s3);
#define ec2_auto_s3_call MIR_CLEANUP(ec2_s3_call_clear)

void ec2_s3_call_header(struct ec2_s3_call *s3, const char *name, const char *value);

/* MIR_USAGE: metadata that cannot be sent. */
int ec2_s3_call_body(struct ec2_s3_call *s3, const struct ec2_s3_body *body, struct mir_error *err);

/* The call; with `root` its answer has to be that document, and is kept in s3->xml. An <Error> is
 * an error even under the status 200. ret as in ec2_call. */
int ec2_s3_call_do(struct ec2_s3_call *s3, struct ec2_session *session, const char *root,
                   int64_t until_ms, struct mir_http_response *ret, struct mir_error *err);

/* The answer's ETag without its quotes; "" when there is none. */
void ec2_s3_etag_of(const struct mir_http_response *response, char out[EC2_S3_ETAG_TEXT]);

/* Text between the tags of an element. */
void ec2_s3_xml_text(struct mir_buf *out, const char *name, const char *text);

/* Undoes percent-encoding, in place. */
void ec2_s3_decode(char *text);

/* Does `err` say that it is not there? */
bool ec2_s3_absent(const struct mir_error *err);

#endif
