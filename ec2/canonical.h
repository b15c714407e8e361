/* SPDX-License-Identifier: ISC */
/*
 * The canonical form of a request: what both sides of a signature have to agree on, byte for byte.
 * Pure. Source: "Create a canonical request" of the IAM user guide.
 */
#ifndef EC2_CANONICAL_H
#define EC2_CANONICAL_H

#include "ec2/sign.h"

/* What is signed as a header: the caller's and ours. Borrowed, in the order of appearance. */
struct ec2_header_list {
    struct mir_http_header rows[EC2_SIGN_HEADERS_MAX + 1 + EC2_SIGN_ADDED_MAX];
    size_t count;
};

/* The caller's headers that are signed, and Host. MIR_USAGE: too many, a bad name, or one that only
 * the signer may set. */
int ec2_headers_begin(const struct ec2_sign_request *request, struct ec2_header_list *ret,
                      struct mir_error *err);
void ec2_headers_add(struct ec2_header_list *list, const char *name, const char *value);

/* "host:example\nx-amz-date:...\n" and "host;x-amz-date". Sorts the list. */
void ec2_headers_write(struct ec2_header_list *list, struct mir_buf *ret_lines,
                       struct mir_buf *ret_names);

/* Both parts encoded, sorted, "a=1&b=". */
void ec2_query_write(struct mir_buf *out, const struct ec2_pair *pairs, size_t count);

/* The path as it is signed. */
void ec2_path_write(struct mir_buf *out, const struct ec2_sign_request *request);

#endif
