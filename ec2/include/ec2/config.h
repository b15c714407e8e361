/* SPDX-License-Identifier: ISC */
/*
 * What the AWS tools are told by the environment and by ~/.aws: the profile, the region, where each
 * service is, whom to trust. The same variables, files and order as theirs, so that what works with
 * `aws` works here and means the same account.
 *
 *     profile      the caller's; AWS_DEFAULT_PROFILE; AWS_PROFILE; "default"
 *     files        AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE; ~/.aws/config, ~/.aws/credentials
 *     region       the caller's; AWS_REGION; AWS_DEFAULT_REGION; the profile's `region`; on request
 *                  what the instance metadata service says
 *     endpoint     AWS_ENDPOINT_URL_<SERVICE>; AWS_ENDPOINT_URL; the profile's `services` section;
 *                  its `endpoint_url`; else AWS's own, or its FIPS or dual-stack variant where
 *                  AWS_USE_FIPS_ENDPOINT or AWS_USE_DUALSTACK_ENDPOINT (or the profile) ask for it
 *     certificates AWS_CA_BUNDLE; `ca_bundle`
 *     attempts     AWS_MAX_ATTEMPTS; `max_attempts`
 *     proxies      libcurl's rules: https_proxy, HTTPS_PROXY, ALL_PROXY, NO_PROXY, http_proxy
 *
 * A variable that is set to nothing counts as not set. Read once when it is loaded, and not changed
 * afterwards but by ec2_config_ask_region; then any thread may read it.
 *
 * Errors: MIR_USAGE (a file or value that cannot be read, with its place), MIR_CREDENTIALS (there
 * is no such profile), and what reading a file gives.
 */
#ifndef EC2_CONFIG_H
#define EC2_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "api/clock.h"
#include "api/error.h"
#include "ec2/imds.h"
#include "ec2/session.h"

/* The environment: a variable's value, borrowed for as long as what was told of it lives; NULL:
 * not set. get NULL: the process's own. */
struct ec2_environment {
    const char *(*get)(void *ctx, const char *name);
    void *ctx;
};

/* What the caller says. Texts are copied. */
struct ec2_config_wish {
    const char *profile; /* NULL: as the environment says. One that is given here turns off the
                          * credentials of the environment, as it does in the AWS tools */
    const char *region;  /* NULL: as the environment and the profile say */
    struct ec2_environment environment;
};

struct ec2_config; /* opaque */

/* A value and where it was said: "AWS_REGION", "/home/me/.aws/config:7", "" nowhere. */
struct ec2_setting {
    const char *value; /* borrowed from the configuration; NULL: not said */
    char origin[256];
};

/* Owned. Blocking (files). */
struct ec2_config *ec2_config_load(const struct ec2_config_wish *wish, struct mir_error *err);
void ec2_config_free(struct ec2_config *config); /* NULL allowed */

/* Never NULL; *ret_explicit (may be NULL): it was the caller's. */
const char *ec2_config_profile(const struct ec2_config *config, bool *ret_explicit);

/* The region, or no value. */
void ec2_config_region(const struct ec2_config *config, struct ec2_setting *ret);

/* The same after asking the instance metadata service for a region that nobody has said; MIR_USAGE
 * when that gives none either. Blocks up to its time limit (1 s). */
int ec2_config_ask_region(struct ec2_config *config, struct mir_error *err);

/* Where a service is, if something is said of it; fails where what is said makes no sense (a
 * services section that does not exist, FIPS and an endpoint of one's own). A variant needs a
 * region. */
int ec2_config_endpoint(const struct ec2_config *config, enum ec2_service service,
                        struct ec2_setting *ret, struct mir_error *err);

/* Fills region, endpoints, ca_file and attempts_max of a session's settings, with texts borrowed
 * from the configuration. The rest is left as it is. MIR_USAGE also when there is no region. */
int ec2_config_settings(const struct ec2_config *config, struct ec2_session_settings *ret,
                        struct mir_error *err);

/* How to ask the instance metadata service: AWS_EC2_METADATA_DISABLED,
 * AWS_EC2_METADATA_SERVICE_ENDPOINT and ..._ENDPOINT_MODE, AWS_METADATA_SERVICE_TIMEOUT (seconds),
 * AWS_METADATA_SERVICE_NUM_ATTEMPTS, or the profile's keys of these names. MIR_USAGE. */
int ec2_config_imds(const struct ec2_config *config, struct ec2_imds_settings *ret,
                    struct mir_error *err);

/* --- for people: what counts, and who said so --- */

#define EC2_CONFIG_ROWS_MAX 32

struct ec2_config_row {
    char name[40];   /* "region" */
    char value[256]; /* never a secret */
    char origin[256];
};

/* At most EC2_CONFIG_ROWS_MAX rows; their number. What is neither said nor needed has none. */
size_t ec2_config_rows(const struct ec2_config *config, struct ec2_config_row *ret);

/* What was ignored in the files, as "path:line: reason"; NULL behind the last. */
const char *ec2_config_warning(const struct ec2_config *config, size_t at);

#endif
