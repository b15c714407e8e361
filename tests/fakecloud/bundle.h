/* SPDX-License-Identifier: ISC */
/*
 * An instance-store bundle in S3, looked at as RegisterImage does: the manifest that a location
 * names, every part of it, and the disk in them. Shares nothing with what makes bundles: the
 * manifest is read as XML, and what is signed is cut out of its bytes; the signature is opened with
 * the public key and held against a DigestInfo made here; parts are decrypted with EC2's own key.
 *
 * Source of the format: manifests of version 2007-10-10, as ec2-bundle-image makes them; of the
 * refusals: "Error codes for the Amazon EC2 API" (InvalidManifest), and reports of its texts. Under
 * the world's lock.
 */
#ifndef FAKECLOUD_BUNDLE_H
#define FAKECLOUD_BUNDLE_H

#include "api/buf.h"
#include "service.h"

#define FC_BUNDLE_PARTS_MAX 2048

struct fc_bundle {
    char architecture[16];
    char kernel[32];               /* "" none is named */
    char name[128];                /* of the image in the tar file */
    int64_t size, bundled;         /* bytes of the disk, and of all parts */
    char digest[41];               /* SHA-1 of the tar file */
    unsigned char key[16], iv[16]; /* of all parts together */
    json_t *files;                 /* owned: of the parts, in their order */
};

/* Is it whole, ours, and may EC2 read it? 0 and *ret, to be cleared; or InvalidManifest. */
int fc_bundle_check(struct fc_call *call, const char *location, struct fc_bundle *ret,
                    struct fc_refusal *refusal);
void fc_bundle_clear(struct fc_bundle *bundle);
#define fc_auto_bundle MIR_CLEANUP(fc_bundle_clear)

/* --- bundle_keys.c --- */

/* EC2's certificate, for whoever encrypts a bundle (owned); made at the first question, and the
 * same ever after. NULL: it could not be. */
char *fc_bundle_certificate(struct fc_world *world, struct mir_error *err);
/* Another certificate by which the account signs bundles. MIR_USAGE: it is none. */
int fc_bundle_signer_add(struct fc_world *world, const char *pem, struct mir_error *err);

/* 16 bytes, which stand as hexadecimal text encrypted to EC2, in hexadecimal. */
int fc_bundle_secret(struct fc_world *world, const char *hex, unsigned char ret[16]);
/* Is it the RSA-SHA1 signature of a certificate of the account's? (AWS says that a certificate need
 * not be known to it: without any, whatever looks like a signature is taken.) */
bool fc_bundle_signed(struct fc_world *world, const char *text, size_t len, const char *hex);

/* --- bundle_disk.c --- */

/* The parts are, one after the other, the gzip file of a tar file with that digest, in which one
 * disk of that name and size is. NULL, or what is wrong (static). fd: where the disk goes; -1. */
const char *fc_bundle_disk(const struct fc_world *world, const struct fc_bundle *bundle, int fd);

/* The name of the disk that an instance has of it (guest_disk.h). */
#define FC_STORE_TEXT 32
void fc_bundle_store_name(const char *instance, char out[FC_STORE_TEXT]);
/* It is there, for machines to start from. -1: it cannot be written. */
int fc_bundle_store(const struct fc_world *world, const struct fc_bundle *bundle,
                    const char *instance);

#endif
