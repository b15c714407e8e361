/* SPDX-License-Identifier: ISC */
/* Keys in the environment. */
#include "keys.h"
#include "source.h"

enum ec2_answer ec2_source_environment(struct ec2_asking *ask, struct ec2_credentials *ret,
                                       struct mir_error *err)
{
    const struct ec2_config *config = ask->config;
    if (!ask->environment)
        return ec2_none(ask, "not asked, since the profile was chosen on purpose");
    struct ec2_key_texts texts = {
        .id = ec2_config_variable(config, "AWS_ACCESS_KEY_ID"),
        .secret = ec2_config_variable(config, "AWS_SECRET_ACCESS_KEY"),
        /* botocore's order */
        .token = ec2_config_variable(config, "AWS_SECURITY_TOKEN"),
        .expires = ec2_config_variable(config, "AWS_CREDENTIAL_EXPIRATION"),
        .account_id = ec2_config_variable(config, "AWS_ACCOUNT_ID"),
        .source = "the environment (AWS_ACCESS_KEY_ID)",
    };
    if (!texts.token)
        texts.token = ec2_config_variable(config, "AWS_SESSION_TOKEN");
    if (!texts.id)
        return ec2_none(ask, "AWS_ACCESS_KEY_ID is not set");
    return ec2_keys_set(&texts, "the environment", ret, err) ? EC2_ANSWER_FAILED
                                                             : EC2_ANSWER_SERVED;
}
