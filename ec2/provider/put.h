/* SPDX-License-Identifier: ISC */
/*
 * An upload under way, as the files of it share it: put.c has its order, put_direct.c and
 * put_import.c are the two ways of a disk into a snapshot, put_bundle.c is the one without,
 * put_register.c makes an image of either, put_wait.c waits for what EC2 makes of each. One thread;
 * nothing here is owned.
 */
#ifndef MIR_PUT_H
#define MIR_PUT_H

#include "cloud.h"

#define PUT_IMAGER_MS 120000
#define PUT_DESCRIPTION "one kernel of mirage-deploy"
#define TAG_WHOLE "mirage-deploy:whole" /* of a snapshot: all of the disk is in it */

struct put {
    struct cloud *cloud;
    struct ec2_session *session;
    const struct mir_instance_spec *spec;
    struct ec2_machine machine;
    struct mir_needs needs;
    bool pv;            /* paravirtual: EC2 starts it by PV-GRUB */
    enum mir_arch arch; /* of the image */
    char disk[MIR_SHA256_TEXT];
    struct cloud_tags tags;
    int64_t until_ms;
    bool began;                         /* something is in the bucket, also when it fails */
    char kernel[EC2_ID_TEXT];           /* of PV-GRUB; "" none is needed */
    char location[64 + CLOUD_KEY_TEXT]; /* of a bundle's manifest: BUCKET/KEY; "" none */
    char task[EC2_ID_TEXT];             /* an import; these three "" until there is one */
    char snapshot[EC2_ID_TEXT];
    char image[EC2_ID_TEXT];
};

/* The disk is in a snapshot of the deployment's, which is marked as whole and may still be
 * pending: put->snapshot. What an earlier attempt has left in the middle is gone on with, or put
 * away. */
int cloud_put_direct(struct put *put, struct mir_error *err);
int cloud_put_import(struct put *put, struct mir_error *err);

/* A snapshot under our token that is good for nothing; gone already is as well. */
int cloud_put_remove_snapshot(struct put *put, const char *id, struct mir_error *err);

/* All files of the bundle are in the bucket: put->location. */
int cloud_put_bundle(struct put *put, struct mir_error *err);

/* put->kernel, where one is needed: before anything is sent. MIR_POLICY: the region has none. */
int cloud_put_kernel(struct put *put, struct mir_error *err);

/* put->image, of a snapshot that is completed, or of the bundle at put->location. */
int cloud_put_register(struct put *put, struct mir_error *err);

/* MIR_FAILED: EC2 could not make it. MIR_TIMEOUT: its end was not seen; the next attempt goes on
 * with it. An import that is ready has said put->snapshot. */
int cloud_put_wait_import(struct put *put, struct mir_error *err);
int cloud_put_wait_snapshot(struct put *put, struct mir_error *err);
/* Is this snapshot there, and completed? */
int cloud_put_stands(struct put *put, const char *snapshot, bool *ret, struct mir_error *err);
int cloud_put_wait_image(struct put *put, struct mir_error *err);

#endif
