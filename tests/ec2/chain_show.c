/* SPDX-License-Identifier: ISC */
/*
 * chain_show [PROFILE]: which step of the credential chain serves here, as one line of JSON, for
 * tests/ec2/chain.py to hold against botocore. A profile that is named is one that the caller
 * chose.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "ec2/chain.h"

static void add_step(json_t *out, struct ec2_chain *chain)
{
    struct ec2_step steps[EC2_CHAIN_STEPS_MAX];
    size_t count = ec2_chain_steps(chain, steps);
    for (size_t i = 0; i < count; i++)
        if (steps[i].state == EC2_STEP_SERVED || steps[i].state == EC2_STEP_FAILED)
            json_object_set_new(out, "step", json_string(steps[i].name));
}

static void add_settings(json_t *out, const struct ec2_config_wish *wish)
{
    struct ec2_config *config = ec2_config_load(wish, NULL);
    struct ec2_setting said;
    if (!config)
        return;
    ec2_config_region(config, &said);
    json_object_set_new(out, "region", said.value ? json_string(said.value) : json_null());
    json_t *endpoints = json_object();
    for (int i = 0; i < EC2_SERVICE_COUNT; i++) {
        const char *name = ec2_service_info((enum ec2_service)i)->name;
        if (ec2_config_endpoint(config, (enum ec2_service)i, &said, NULL))
            json_object_set_new(endpoints, name, json_string("error"));
        else
            json_object_set_new(endpoints, name,
                                said.value ? json_string(said.value) : json_null());
    }
    json_object_set_new(out, "endpoints", endpoints);
    ec2_config_free(config);
}

int main(int argc, char **argv)
{
    struct ec2_chain_settings settings = {.wish = {.profile = argc > 1 ? argv[1] : NULL}};
    struct ec2_chain *chain = ec2_chain_new(&settings);
    struct ec2_credential_source source = ec2_chain_source(chain);
    ec2_auto_credentials struct ec2_credentials got = {0};
    struct mir_error err = {0};
    json_t *out = json_object();
    if (!source.get(source.ctx, &got, &err)) {
        json_object_set_new(out, "key", json_string(got.access_key_id));
        json_object_set_new(out, "secret", json_string(mir_secret_text(&got.secret)));
        json_object_set_new(out, "token", json_string(mir_secret_text(&got.session_token)));
    } else {
        json_object_set_new(out, "error", json_string(err.text));
    }
    add_step(out, chain);
    add_settings(out, &settings.wish);
    json_dumpf(out, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(out);
    ec2_chain_free(chain);
    return 0;
}
