/* SPDX-License-Identifier: ISC */
/*
 * The grammar of ~/.aws/config and ~/.aws/credentials: sections, properties, one level of
 * sub-properties, each with the file and line it came from.
 *
 *     [profile NAME] [default] [services NAME] [sso-session NAME]    in the config file
 *     [NAME]                                                         in the credentials file
 *     key = value             `#` or `;` after white space begins a comment
 *      more of the value      deeper than its key: joined with a line end, no comments
 *     key =
 *       sub = value           under a key without a value
 *
 * Sections of one name are one section, the later of two equal keys counts, and what the
 * credentials file says counts before the config file. [profile default] replaces [default]. Keys
 * are met without regard to case. Where the AWS SDKs' common grammar and botocore (the aws command)
 * differ, whatever either of them reads is read, so that a file that serves one of them serves
 * here: repeated sections and keys, `key: value`, indented keys and comments, names in quotes. A
 * comment behind a value is one, as in the SDKs; botocore would take it as part of the value.
 *
 * Values may be secrets: they are wiped when freed, and never part of an error or a warning. A
 * collection is filled by one thread; what is filled may be read by any.
 *
 * Source of the format: the AWS SDKs and Tools Reference Guide ("Format of the shared config and
 * credentials files"), botocore's behaviour.
 */
#ifndef EC2_PROFILE_H
#define EC2_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/error.h"

#define EC2_PROFILE_FILE_MAX ((size_t)1 << 20) /* bytes of one file */
#define EC2_PROFILE_ITEMS_MAX 10000 /* sections, properties and lines that continue one */
#define EC2_PROFILE_VALUE_MAX 65536 /* bytes of one value */
#define EC2_PROFILE_WARNINGS_MAX 20 /* more are counted, but not kept */

enum ec2_section { EC2_SECTION_PROFILE, EC2_SECTION_SERVICES, EC2_SECTION_SSO_SESSION };

/* In the order of their weight. */
enum ec2_profile_file { EC2_FILE_CONFIG, EC2_FILE_CREDENTIALS };
#define EC2_PROFILE_FILES 2

struct ec2_profiles; /* opaque */

/* All borrowed from the collection. */
struct ec2_property {
    const char *key;   /* lower case */
    const char *sub;   /* "" for a property of the section itself */
    const char *value; /* "" when it has sub-properties */
    const char *path;  /* of the file, as it was given */
    unsigned line;
    enum ec2_profile_file file;
};

struct ec2_profiles *ec2_profiles_new(void);       /* an empty one */
void ec2_profiles_free(struct ec2_profiles *list); /* NULL allowed */

/* Adds a text of `len` bytes. MIR_USAGE with "path:line" for a line that is none of the above,
 * MIR_CORRUPT for a NUL in the text or more than the limits above; the collection is
 * then to be freed. `path` is copied. */
int ec2_profiles_parse(struct ec2_profiles *list, enum ec2_profile_file file, const char *path,
                       const char *text, size_t len, struct mir_error *err);

/* The same from a file; one that is not there is no error: *ret_found (may be NULL) says so.
 * Blocking. */
int ec2_profiles_read(struct ec2_profiles *list, enum ec2_profile_file file, const char *path,
                      bool *ret_found, struct mir_error *err);

/* Is there such a section? A profile may be in either file. */
bool ec2_profiles_has(const struct ec2_profiles *list, enum ec2_section kind, const char *name);

/* The value that counts, borrowed, or NULL. `sub` may be NULL or "" for none. */
const struct ec2_property *ec2_profiles_get(const struct ec2_profiles *list, enum ec2_section kind,
                                            const char *name, const char *key, const char *sub);

/* The same within one file. */
const struct ec2_property *ec2_profiles_get_in(const struct ec2_profiles *list,
                                               enum ec2_profile_file file, enum ec2_section kind,
                                               const char *name, const char *key, const char *sub);

/* The sections of that kind in the order of the files, each name once: borrowed name of number
 * `at`, or NULL behind the last. */
const char *ec2_profiles_name(const struct ec2_profiles *list, enum ec2_section kind, size_t at);

/* The properties of a section, number `at` of those that count, or NULL behind the last; for
 * listing and tests. */
const struct ec2_property *ec2_profiles_property(const struct ec2_profiles *list,
                                                 enum ec2_section kind, const char *name,
                                                 size_t at);

/* What was read but ignored, as "path:line: reason"; NULL behind the last. */
const char *ec2_profiles_warning(const struct ec2_profiles *list, size_t at);

#endif
