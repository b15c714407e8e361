/* SPDX-License-Identifier: ISC */
/*
 * S3 (2006-03-01): buckets, objects, lists, uploads in parts. What a request means is told by its
 * method, by how much of a path it has, and by the words of its query; see the table in s3.c.
 */
#ifndef FAKECLOUD_S3_H
#define FAKECLOUD_S3_H

#include "service.h"

#define FC_S3_KEY_MAX 1024

/* Bucket and key of the request: segments[0] and [1] of the call; NULL where there is none. */
int fc_s3_identify(struct fc_call *call, struct fc_refusal *refusal);

/* The bucket, in the region that the request is signed for. */
int fc_s3_bucket(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal);
/* The object: segments[0] "/" segments[1]. */
int fc_s3_object(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal);

/* The body is what Content-MD5 and x-amz-checksum-… say? */
int fc_s3_check_body(struct fc_call *call, struct fc_refusal *refusal);

/* The canned list of x-amz-acl is one, and the bucket takes such. */
int fc_s3_check_acl(struct fc_call *call, struct fc_refusal *refusal);

/* What a PUT or the start of an upload says of an object: {ContentType, _meta: {…}}; new. */
json_t *fc_s3_properties(struct fc_call *call);

/* Make or replace the object of the call. `file` (taken) holds its bytes. */
void fc_s3_put(struct fc_call *call, const char *etag, uint64_t size, json_t *properties,
               char *file);

/* "d41d8c…", of 16 bytes, in quotes. */
void fc_s3_etag(const unsigned char md5[16], char out[40]);

fc_handler fc_s3_list_buckets, fc_s3_create_bucket, fc_s3_head_bucket, fc_s3_delete_bucket,
    fc_s3_get_bucket_location, fc_s3_list_objects, fc_s3_list_objects_v2, fc_s3_delete_objects,
    fc_s3_put_object, fc_s3_get_object, fc_s3_head_object, fc_s3_delete_object,
    fc_s3_create_multipart_upload, fc_s3_upload_part, fc_s3_complete_multipart_upload,
    fc_s3_abort_multipart_upload, fc_s3_list_parts, fc_s3_list_multipart_uploads;

#endif
