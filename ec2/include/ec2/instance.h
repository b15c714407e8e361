/* SPDX-License-Identifier: ISC */
/*
 * Instances: launched, looked at, ended. ec2/tag.h says what all these calls have in common.
 *
 * Launching is idempotent by its client token: the same token finds the first instance, also when
 * it has ended; with other parameters it is refused (MIR_CONFLICT). Ending is idempotent. For some
 * minutes after a launch other calls may say that the instance is not there (MIR_NOT_FOUND).
 */
#ifndef EC2_INSTANCE_H
#define EC2_INSTANCE_H

#include "ec2/tag.h"

/* A disk of an instance or image. */
struct ec2_device {
    const char *name; /* "/dev/xvda" */
    const char *snapshot_id;
    int64_t size_gib;
    const char *volume_type; /* "gp3" */
    enum mir_flag delete_on_termination, encrypted;
    int64_t iops, throughput;
};

struct ec2_interface {
    int64_t index;
    const char *subnet_id;
    const char *const *group_ids;
    size_t group_count;
    enum mir_flag public_address; /* a public IPv4 address */
    int64_t ipv6_count;
    enum mir_flag delete_on_termination, primary_ipv6;
};

struct ec2_run {
    int64_t count;                              /* exactly so many */
    const char *image_id, *type, *client_token; /* token: at most 64 ASCII characters */
    const char *shutdown_behavior;              /* when it powers itself off: "terminate" */
    const char *key_name, *zone, *kernel_id, *ramdisk_id;
    const char *profile_arn, *profile_name; /* its role */
    const void *user_data;
    size_t user_data_len;
    /* Where it stands: these, or interfaces (then both go in there). */
    const char *subnet_id;
    const char *const *group_ids;
    size_t group_count;
    const struct ec2_interface *interfaces;
    size_t interface_count;
    const struct ec2_device *devices;
    size_t device_count;
    const struct ec2_tag_set *tags; /* for instance, volume, network-interface, ... */
    size_t tag_count;
    /* The metadata service: "required", "enabled". */
    const char *http_tokens, *http_endpoint, *http_protocol_ipv6, *metadata_tags;
    int64_t hop_limit;
    const char *market;                                         /* "spot" */
    const char *spot_type, *spot_max_price, *spot_interruption; /* "one-time", USD/h, "terminate" */
    const char *cpu_credits;                                    /* "standard" */
    const char *nested_virtualization;                          /* "enabled" */
    enum mir_flag ebs_optimized, disable_api_termination, disable_api_stop;
    bool dry_run;
};

#define EC2_PENDING 0
#define EC2_RUNNING 16
#define EC2_SHUTTING_DOWN 32
#define EC2_TERMINATED 48
#define EC2_STOPPING 64
#define EC2_STOPPED 80

struct ec2_found_group {
    char id[EC2_ID_TEXT];
    char name[EC2_NAME_TEXT];
};

struct ec2_found_device {
    char name[64];
    char volume_id[EC2_ID_TEXT];
    char snapshot_id[EC2_ID_TEXT]; /* of an image's device */
    int64_t size_gib;              /* likewise */
    bool delete_on_termination;
};

struct ec2_found_interface {
    char id[EC2_ID_TEXT];
    char status[EC2_WORD_TEXT];
    char address[64];       /* public IPv4; "" none */
    char address_owner[64]; /* "amazon", or the account whose elastic address it is */
};

/* Texts are "" when the answer does not say. */
struct ec2_instance {
    char id[EC2_ID_TEXT], image_id[EC2_ID_TEXT];
    int64_t state_code; /* EC2_RUNNING, ...; its low byte alone counts */
    char state[EC2_WORD_TEXT];
    char type[EC2_WORD_TEXT], zone[EC2_WORD_TEXT], architecture[EC2_WORD_TEXT];
    char dns_name[128], private_dns_name[128];
    char address[64], private_address[64], ipv6[64];
    int64_t launched_s;
    char reason[160]; /* why it changed its state last, for people */
    char state_reason_code[80], state_reason[160];
    char key_name[EC2_NAME_TEXT], client_token[80];
    char root_device[64], virtualization[EC2_WORD_TEXT], hypervisor[EC2_WORD_TEXT];
    char boot_mode[EC2_WORD_TEXT], current_boot_mode[EC2_WORD_TEXT];
    char lifecycle[EC2_WORD_TEXT], spot_request_id[EC2_ID_TEXT], kernel_id[EC2_ID_TEXT];
    char vpc_id[EC2_ID_TEXT], subnet_id[EC2_ID_TEXT];
    char http_tokens[EC2_WORD_TEXT];
    bool ena;
    struct ec2_found_tag *tags;
    size_t tag_count;
    struct ec2_found_group *groups;
    size_t group_count;
    struct ec2_found_device *devices;
    size_t device_count;
    struct ec2_found_interface *interfaces;
    size_t interface_count;
};

struct ec2_instances {
    struct ec2_instance *rows;
    size_t count;
    char reservation_id[EC2_ID_TEXT]; /* of a launch */
};

int ec2_run_instances(struct ec2_session *session, const struct ec2_run *args, int64_t until_ms,
                      struct ec2_instances *ret, struct mir_error *err);
int ec2_describe_instances(struct ec2_session *session, const struct ec2_describe *args,
                           int64_t until_ms, struct ec2_instances *ret, struct mir_error *err);
void ec2_instances_clear(struct ec2_instances *instances);

/* One instance a call: one bad id among several would keep all of them running. */
struct ec2_change {
    const char *id;
    enum mir_flag force, skip_os_shutdown;
    bool dry_run;
};

struct ec2_changed {
    char id[EC2_ID_TEXT];
    int64_t before, now; /* state codes */
};

int ec2_terminate_instance(struct ec2_session *session, const struct ec2_change *args,
                           int64_t until_ms, struct ec2_changed *ret, struct mir_error *err);
int ec2_stop_instance(struct ec2_session *session, const struct ec2_change *args, int64_t until_ms,
                      struct ec2_changed *ret, struct mir_error *err);
int ec2_start_instance(struct ec2_session *session, const struct ec2_target *args, int64_t until_ms,
                       struct ec2_changed *ret, struct mir_error *err);

struct ec2_console_args {
    const char *id;
    bool latest; /* the text of now; Nitro types only. Else: as of the last change of state */
    bool dry_run;
};

/* A copy of the console's last 64 KiB at most; empty for the first minutes. */
struct ec2_console {
    char *text; /* owned; NULL: nothing yet. May hold any bytes */
    size_t len;
    int64_t at_s;
};

int ec2_get_console_output(struct ec2_session *session, const struct ec2_console_args *args,
                           int64_t until_ms, struct ec2_console *ret, struct mir_error *err);
void ec2_console_clear(struct ec2_console *console);

struct ec2_screenshot_args {
    const char *id;
    bool wake_up, dry_run;
};

struct ec2_screenshot {
    char *jpeg; /* owned */
    size_t len;
};

int ec2_get_console_screenshot(struct ec2_session *session, const struct ec2_screenshot_args *args,
                               int64_t until_ms, struct ec2_screenshot *ret, struct mir_error *err);
void ec2_screenshot_clear(struct ec2_screenshot *screenshot);

/* One attribute a call, as EC2 wants it. */
struct ec2_modify {
    const char *id;
    enum mir_flag disable_api_termination, disable_api_stop;
    const char *shutdown_behavior;
    bool dry_run;
};

int ec2_modify_instance(struct ec2_session *session, const struct ec2_modify *args,
                        int64_t until_ms, struct mir_error *err);

struct ec2_attribute_args {
    const char *id;
    const char *attribute; /* "instanceInitiatedShutdownBehavior", "disableApiTermination", ... */
};

struct ec2_attributes { /* that one which was asked for */
    char id[EC2_ID_TEXT];
    char shutdown_behavior[EC2_WORD_TEXT];
    bool disable_api_termination, disable_api_stop;
};

int ec2_describe_instance_attribute(struct ec2_session *session,
                                    const struct ec2_attribute_args *args, int64_t until_ms,
                                    struct ec2_attributes *ret, struct mir_error *err);

#endif
