/* SPDX-License-Identifier: ISC */
/* What the rest of the room sees of a configuration (ec2/config.h): single values. */
#ifndef EC2_SETTINGS_H
#define EC2_SETTINGS_H

#include <sys/types.h>
#include <time.h>

#include "ec2/config.h"
#include "profile.h"

/* A variable of the environment; NULL when it is not set, or set to nothing. */
const char *ec2_config_variable(const struct ec2_config *config, const char *name);

/* The same, but "" when it is set to nothing. */
const char *ec2_config_variable_raw(const struct ec2_config *config, const char *name);

/* The variable (NULL: none), else the key of the chosen profile (NULL: none). */
void ec2_config_value(const struct ec2_config *config, const char *variable, const char *key,
                      struct ec2_setting *ret);

/* Is it "true", in any case? */
bool ec2_config_flag(const struct ec2_config *config, const char *variable, const char *key);

/* A whole number of 1..max; `otherwise` where nothing is said. MIR_USAGE. */
int ec2_config_number(const struct ec2_config *config, const char *variable, const char *key,
                      int max, int otherwise, int *ret, struct mir_error *err);

/* The service's FIPS or dual-stack endpoint where one is asked for; else NULL. */
const char *ec2_config_variant(const struct ec2_config *config, enum ec2_service service);

/* Both are asked of as flags. */
bool ec2_config_fips(const struct ec2_config *config);
bool ec2_config_dualstack(const struct ec2_config *config);

/* ec2_config_settings with a region of the caller's, borrowed. */
int ec2_config_settings_in(const struct ec2_config *config, const char *region,
                           struct ec2_session_settings *ret, struct mir_error *err);

const struct ec2_profiles *ec2_config_profiles(const struct ec2_config *config);
const char *ec2_config_path(const struct ec2_config *config, enum ec2_profile_file file);
/* What tells one state of a file from another; taken right before it is read. */
struct ec2_stamp {
    struct timespec changed;
    off_t size; /* -1: not there */
    ino_t inode;
};

struct ec2_stamp ec2_config_stamp(const struct ec2_config *config, enum ec2_profile_file file);
bool ec2_stamp_changed(const struct ec2_stamp *stamp, const char *path);

bool ec2_config_found(const struct ec2_config *config, enum ec2_profile_file file);
const char *ec2_config_profile_origin(const struct ec2_config *config); /* "": nobody's choice */

#endif
