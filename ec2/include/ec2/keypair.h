/* SPDX-License-Identifier: ISC */
/* Key pairs for guests that have a login. ec2/tag.h says what all these calls have in common. A
 * second one of a name is refused (MIR_CONFLICT). */
#ifndef EC2_KEYPAIR_H
#define EC2_KEYPAIR_H

#include "api/secret.h"
#include "ec2/tag.h"

struct ec2_create_key_args {
    const char *name;
    const char *type;               /* "rsa", "ed25519" */
    const char *format;             /* "pem", "ppk" */
    const struct ec2_tag_set *tags; /* for key-pair */
    size_t tag_count;
    bool dry_run;
};

struct ec2_key {
    char id[EC2_ID_TEXT], name[EC2_NAME_TEXT], fingerprint[128], type[EC2_WORD_TEXT];
    struct mir_secret private_key; /* of a new one; it is told this once */
    int64_t created_s;
    struct ec2_found_tag *tags;
    size_t tag_count;
};

struct ec2_keys {
    struct ec2_key *rows;
    size_t count;
};

/* The private key exists in this answer only: asked for once, never repeated. */
int ec2_create_key_pair(struct ec2_session *session, const struct ec2_create_key_args *args,
                        int64_t until_ms, struct ec2_key *ret, struct mir_error *err);
void ec2_key_clear(struct ec2_key *key);

struct ec2_import_key_args {
    const char *name;
    const void *public_key; /* as in ~/.ssh/id_ed25519.pub */
    size_t public_key_len;
    const struct ec2_tag_set *tags;
    size_t tag_count;
    bool dry_run;
};

int ec2_import_key_pair(struct ec2_session *session, const struct ec2_import_key_args *args,
                        int64_t until_ms, struct ec2_key *ret, struct mir_error *err);
/* By name; one that is not there is deleted, too. */
int ec2_delete_key_pair(struct ec2_session *session, const struct ec2_target *args,
                        int64_t until_ms, struct mir_error *err);
/* By names. */
int ec2_describe_key_pairs(struct ec2_session *session, const struct ec2_describe *args,
                           int64_t until_ms, struct ec2_keys *ret, struct mir_error *err);
void ec2_keys_clear(struct ec2_keys *keys);

#endif
