/* SPDX-License-Identifier: ISC */
/*
 * The steps of the chain (ec2/chain.h), one function each: they look whether they are configured,
 * and if so get credentials or fail.
 */
#ifndef EC2_SOURCE_H
#define EC2_SOURCE_H

#include "ec2/chain.h"
#include "settings.h"

#define EC2_ROLES_MAX 8 /* profiles that refer to one another */

enum ec2_answer { EC2_ANSWER_FAILED = -1, EC2_ANSWER_NONE = 0, EC2_ANSWER_SERVED = 1 };

/* One walk along the chain. */
struct ec2_asking {
    const struct ec2_config *config;           /* borrowed */
    const struct ec2_chain_settings *settings; /* borrowed; wait and clock are set */
    const char *profile;                       /* borrowed: the one that is looked at */
    bool environment;                          /* its credentials count */
    char why[400];                             /* of a step that is not configured */
    const char *visited[EC2_ROLES_MAX];        /* profiles on the way here */
    size_t visited_count;
};

/* *ret is empty before, and filled when the step served. NONE fills ask->why. */
typedef enum ec2_answer ec2_source_fn(struct ec2_asking *ask, struct ec2_credentials *ret,
                                      struct mir_error *err);

ec2_source_fn ec2_source_environment;
ec2_source_fn ec2_source_role;
ec2_source_fn ec2_source_web_identity;
ec2_source_fn ec2_source_sso;
ec2_source_fn ec2_source_credentials_file;
ec2_source_fn ec2_source_login;
ec2_source_fn ec2_source_process;
ec2_source_fn ec2_source_config_file;
ec2_source_fn ec2_source_container;
ec2_source_fn ec2_source_instance;

/* The steps that stand in a profile, without the role: what a source_profile is asked for. */
enum ec2_answer ec2_source_profile(struct ec2_asking *ask, struct ec2_credentials *ret,
                                   struct mir_error *err);

/* Says why a step is not configured. Returns EC2_ANSWER_NONE. */
enum ec2_answer ec2_none(struct ec2_asking *ask, const char *fmt, ...) MIR_PRINTF(2, 3);

/* The property of the profile that is looked at; NULL when it is not there, or "". */
const struct ec2_property *ec2_asked(const struct ec2_asking *ask, const char *key);

/* Where the container's credentials are: the address, checked; owned. NULL with MIR_OK: nothing is
 * said. MIR_POLICY: plain http to anybody but this machine or the agents of ECS and EKS. */
char *ec2_container_address(const struct ec2_config *config, struct mir_error *err);

#endif
