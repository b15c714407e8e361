/* SPDX-License-Identifier: ISC */
/* SSM parameters: texts under names, such as the ids of public images. Blocking, any thread;
 * ec2/session.h says what every call has in common. Source: AWS Systems Manager API 2014-11-06. */
#ifndef EC2_SSM_H
#define EC2_SSM_H

#include <stdbool.h>
#include <stddef.h>

#include "ec2/session.h"

struct ec2_parameter_args {
    const char *name; /* "/aws/service/..." */
    bool decrypt;
};

struct ec2_parameter {
    char *name, *value; /* owned */
    char type[16];
    int64_t version;
};

int ec2_get_parameter(struct ec2_session *session, const struct ec2_parameter_args *args,
                      int64_t until_ms, struct ec2_parameter *ret, struct mir_error *err);
void ec2_parameter_clear(struct ec2_parameter *parameter);

struct ec2_parameters_args {
    const char *path;
    bool recursive;
};

struct ec2_parameters {
    struct ec2_parameter *rows;
    size_t count;
};

struct ec2_put_parameter_args {
    const char *name, *value; /* at most 4096 bytes of value */
    const char *type;         /* "String" */
    const char *description;  /* NULL: none */
    bool overwrite;           /* else MIR_CONFLICT when there is one */
};

struct ec2_parameter_version {
    int64_t version;
};

/* The same again is another version of it: repeated without harm. */
int ec2_put_parameter(struct ec2_session *session, const struct ec2_put_parameter_args *args,
                      int64_t until_ms, struct ec2_parameter_version *ret, struct mir_error *err);

int ec2_get_parameters(struct ec2_session *session, const struct ec2_parameters_args *args,
                       int64_t until_ms, struct ec2_parameters *ret, struct mir_error *err);
void ec2_parameters_clear(struct ec2_parameters *parameters);

#endif
