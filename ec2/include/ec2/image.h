/* SPDX-License-Identifier: ISC */
/*
 * Machine images (AMIs). ec2/tag.h says what all these calls have in common.
 *
 * Registering has no token: give each image a name of its own; a second one of that name is refused
 * (MIR_CONFLICT). The defaults of EC2 are of another time (i386, paravirtual, no ENA), so whoever
 * registers says all three, but for ENA on paravirtual images, of which AWS wants no word.
 */
#ifndef EC2_IMAGE_H
#define EC2_IMAGE_H

#include "ec2/instance.h"

struct ec2_register {
    const char *name;           /* 3..128 of [A-Za-z0-9()[] ./'@_-] */
    const char *description;    /* at most 255 characters */
    const char *architecture;   /* "x86_64", "arm64", "i386" */
    const char *virtualization; /* "hvm", "paravirtual" */
    const char *root_device;    /* "/dev/xvda" */
    const struct ec2_device *devices;
    size_t device_count;
    enum mir_flag ena;      /* the guest has a driver; never on paravirtual images */
    const char *sriov;      /* "simple" */
    const char *boot_mode;  /* "legacy-bios", "uefi", "uefi-preferred" */
    const char *tpm, *imds; /* "v2.0" */
    const char *kernel_id, *ramdisk_id;
    const char *location;           /* of an instance-store bundle: "bucket/manifest.xml" */
    const struct ec2_tag_set *tags; /* for image (and snapshot) */
    size_t tag_count;
    bool dry_run;
};

struct ec2_image_id {
    char id[EC2_ID_TEXT];
};

int ec2_register_image(struct ec2_session *session, const struct ec2_register *args,
                       int64_t until_ms, struct ec2_image_id *ret, struct mir_error *err);

struct ec2_deregister {
    const char *id;
    bool delete_snapshots; /* older endpoints do not; so look afterwards */
    bool dry_run;
};

int ec2_deregister_image(struct ec2_session *session, const struct ec2_deregister *args,
                         int64_t until_ms, struct mir_error *err);

/* From an instance; the snapshots of its volumes come with it. */
struct ec2_create_image_args {
    const char *instance_id, *name, *description;
    enum mir_flag no_reboot;
    const struct ec2_tag_set *tags;
    size_t tag_count;
    bool dry_run;
};

int ec2_create_image(struct ec2_session *session, const struct ec2_create_image_args *args,
                     int64_t until_ms, struct ec2_image_id *ret, struct mir_error *err);

struct ec2_describe_images_args {
    const char *const *ids;
    size_t id_count;
    const char *const *owners; /* "self", "amazon", an account */
    size_t owner_count;
    const struct ec2_filter *filters;
    size_t filter_count;
};

struct ec2_image {
    char id[EC2_ID_TEXT], name[EC2_NAME_TEXT];
    char state[EC2_WORD_TEXT]; /* "pending", "available", "failed", ... */
    char state_reason[160];
    char owner[16];
    char location[EC2_NAME_TEXT + 64];
    char architecture[EC2_WORD_TEXT], virtualization[EC2_WORD_TEXT], boot_mode[EC2_WORD_TEXT];
    char root_device[64], root_device_type[EC2_WORD_TEXT];
    char kernel_id[EC2_ID_TEXT], imds[EC2_WORD_TEXT];
    int64_t created_s;
    bool ena, is_public;
    struct ec2_found_device *devices;
    size_t device_count;
    struct ec2_found_tag *tags;
    size_t tag_count;
};

struct ec2_images {
    struct ec2_image *rows;
    size_t count;
};

int ec2_describe_images(struct ec2_session *session, const struct ec2_describe_images_args *args,
                        int64_t until_ms, struct ec2_images *ret, struct mir_error *err);
void ec2_images_clear(struct ec2_images *images);

#endif
