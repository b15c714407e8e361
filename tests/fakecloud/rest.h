/* SPDX-License-Identifier: ISC */
/* REST calls with JSON: which operation a path means, and a body held against a table of members
 * (names as of query.h: "Tags.#.Key"). */
#ifndef FAKECLOUD_REST_H
#define FAKECLOUD_REST_H

#include "service.h"

/* Does the request's path match the pattern ("/snapshots/{}/blocks/{}")? Each segment is decoded
 * by itself; what stands for {} goes to segments (owned). */
bool fc_rest_matches(const char *target, const char *pattern, char *segments[FC_SEGMENTS_MAX]);

/* The operation of that method and path; NULL: none. */
const struct fc_operation *fc_rest_find(const struct fc_service *service,
                                        const struct fc_request *request,
                                        char *segments[FC_SEGMENTS_MAX]);

/* The body, an object; an empty body is an empty object. ValidationException, or
 * SerializationException for what is no JSON. */
int fc_json_read(const struct fc_body *body, const struct fc_param *params, json_t **ret,
                 struct fc_refusal *refusal);

int fc_invalid(struct fc_refusal *refusal, const char *fmt, ...) MIR_PRINTF(2, 3);

#endif
