/* SPDX-License-Identifier: ISC */
/*
 * Credentials as the AWS tools find them: the first of these steps that is configured serves, and
 * none after it is asked, even when it fails.
 *
 *     environment        AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SECURITY_TOKEN or
 *                        AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION (not with a profile that the
 *                        caller chose)
 *     role               role_arn with source_profile or credential_source
 *     web identity       AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME, or the
 *                        profile's keys of these names
 *     SSO                not served here, and said so
 *     credentials file   the profile's keys in it
 *     login              not served here, and said so
 *     process            credential_process
 *     config file        the profile's keys in it
 *     container          AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or ..._FULL_URI
 *     instance           the role of the EC2 instance (ec2/imds.h)
 *
 * What expires is asked for anew: 15 minutes before it does (a quarter of its life where that is
 * less) by one caller while the others get what there is; 10 minutes (a sixth) before by all, who
 * wait for it. While what there is has not expired, a failure to renew it is no failure. The files
 * are read again whenever they have changed, so that a tool that renews the keys in them is
 * followed.
 *
 * What a service refuses before it has expired (a session that was ended, a key that was taken
 * back) is asked for anew as well, once in half a minute, when the step that gave it gives others:
 * role, web identity, process, container and instance do; environment and files do not.
 *
 * Any thread, several at once. Blocking. Errors: MIR_CREDENTIALS (there are none, or what is
 * configured does not serve: the text says which and why, never a secret), MIR_USAGE (the files
 * cannot be read), MIR_TIMEOUT, MIR_UNAVAILABLE, MIR_CORRUPT, as the step that failed says.
 */
#ifndef EC2_CHAIN_H
#define EC2_CHAIN_H

#include <stddef.h>

#include "api/clock.h"
#include "api/error.h"
#include "ec2/config.h"
#include "ec2/credentials.h"

struct ec2_chain; /* opaque */

struct ec2_chain_settings {
    struct ec2_config_wish wish;   /* the environment is borrowed, the texts are copied */
    const struct mir_clock *clock; /* borrowed; NULL: the machine's */
    int process_timeout_ms;        /* of credential_process; 0: 60 000 */
    /* For tests: how the time between two attempts is spent; NULL: really. */
    void (*wait)(void *ctx, int64_t ms);
    void *wait_ctx;
};

/* Owned; nothing is asked yet. */
struct ec2_chain *ec2_chain_new(const struct ec2_chain_settings *settings);
void ec2_chain_free(struct ec2_chain *chain); /* no call may run; NULL allowed */

/* The chain as a source; lives as long as the chain. */
struct ec2_credential_source ec2_chain_source(struct ec2_chain *chain);

/* --- for people: what each step said when it was last asked --- */

enum ec2_step_state { EC2_STEP_NOT_ASKED, EC2_STEP_NONE, EC2_STEP_SERVED, EC2_STEP_FAILED };

#define EC2_CHAIN_STEPS_MAX 16

struct ec2_step {
    const char *name; /* static */
    enum ec2_step_state state;
    char text[400]; /* what it found, or why it did not serve */
};

/* All steps in their order; their number. */
size_t ec2_chain_steps(struct ec2_chain *chain, struct ec2_step ret[EC2_CHAIN_STEPS_MAX]);

#endif
