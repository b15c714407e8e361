/* SPDX-License-Identifier: ISC */
/* An environment of the test's own, for what reads the AWS tools' settings. */
#ifndef TESTS_UNIT_EC2_ENV_H
#define TESTS_UNIT_EC2_ENV_H

#include "ec2/config.h"
#include "scratch.h"

#define EC2_ENV_MAX 32

struct ec2_env {
    char *names[EC2_ENV_MAX], *values[EC2_ENV_MAX];
    size_t count;
};

static inline const char *ec2_env_get(void *ctx, const char *name)
{
    const struct ec2_env *env = ctx;
    for (size_t i = 0; i < env->count; i++)
        if (!strcmp(env->names[i], name))
            return env->values[i];
    return NULL;
}

/* NULL takes it away. */
static inline void ec2_env_set(struct ec2_env *env, const char *name, const char *value)
{
    size_t at = 0;
    while (at < env->count && strcmp(env->names[at], name) != 0)
        at++;
    if (at < env->count) {
        free(env->names[at]);
        free(env->values[at]);
        env->count--;
        env->names[at] = env->names[env->count];
        env->values[at] = env->values[env->count];
    }
    if (!value)
        return;
    assert_true(env->count < EC2_ENV_MAX);
    env->names[env->count] = mir_strdup(name);
    env->values[env->count++] = mir_strdup(value);
}

static inline void ec2_env_clear(struct ec2_env *env)
{
    while (env->count > 0)
        ec2_env_set(env, env->names[0], NULL);
}

static inline struct ec2_environment ec2_env_environment(struct ec2_env *env)
{
    return (struct ec2_environment){ec2_env_get, env};
}

/* Both files in the scratch directory, with these texts (NULL: not there), and the variables that
 * lead to them. */
static inline void ec2_env_files(struct ec2_env *env, void *const *state, const char *config,
                                 const char *credentials)
{
    static const char *const names[] = {"config", "credentials"};
    static const char *const variables[] = {"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"};
    const char *const texts[] = {config, credentials};
    for (size_t i = 0; i < MIR_NELEMS(names); i++) {
        mir_auto_free char *path = mir_format("%s/%s", (const char *)*state, names[i]);
        unlink(path);
        if (texts[i])
            free(scratch_file(state, names[i], texts[i]));
        ec2_env_set(env, variables[i], path);
    }
}

#endif
