/* SPDX-License-Identifier: ISC */
#include "ec2/keypair.h"

#include "compute_tables.h"

static const struct mir_field create_fields[] = {
    MIR_MUST(struct ec2_create_key_args, name, "KeyName", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_create_key_args, type, "KeyType", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_create_key_args, format, "KeyFormat", MIR_PUT_TEXT),
    EC2_ROW_TAGS(struct ec2_create_key_args),
    EC2_ROW_DRY_RUN(struct ec2_create_key_args),
};
static const struct mir_table create_table = MIR_TABLE(struct ec2_create_key_args, create_fields);

static const struct mir_field import_fields[] = {
    MIR_MUST(struct ec2_import_key_args, name, "KeyName", MIR_PUT_TEXT),
    MIR_MANY(struct ec2_import_key_args, public_key, public_key_len, "PublicKeyMaterial",
             MIR_PUT_BASE64, NULL),
    EC2_ROW_TAGS(struct ec2_import_key_args),
    EC2_ROW_DRY_RUN(struct ec2_import_key_args),
};
static const struct mir_table import_table = MIR_TABLE(struct ec2_import_key_args, import_fields);

static const struct mir_field created_fields[] = {
    MIR_ROW(struct ec2_key, id, "keyPairId", MIR_GET_TEXT),
    MIR_MUST(struct ec2_key, name, "keyName", MIR_GET_TEXT),
    MIR_ROW(struct ec2_key, fingerprint, "keyFingerprint", MIR_GET_CUT),
    MIR_MUST(struct ec2_key, private_key, "keyMaterial", MIR_GET_SECRET),
    EC2_ROW_FOUND_TAGS(struct ec2_key),
};
static const struct mir_table created_table = MIR_TABLE(struct ec2_key, created_fields);

static const struct mir_field imported_fields[] = {
    MIR_ROW(struct ec2_key, id, "keyPairId", MIR_GET_TEXT),
    MIR_MUST(struct ec2_key, name, "keyName", MIR_GET_TEXT),
    MIR_ROW(struct ec2_key, fingerprint, "keyFingerprint", MIR_GET_CUT),
    EC2_ROW_FOUND_TAGS(struct ec2_key),
};
static const struct mir_table imported_table = MIR_TABLE(struct ec2_key, imported_fields);

EC2_TARGET_TABLE(delete_table, "KeyName");
EC2_DESCRIBE_TABLE(describe_table, "KeyName");

static const struct mir_field key_fields[] = {
    MIR_ROW(struct ec2_key, id, "keyPairId", MIR_GET_TEXT),
    MIR_MUST(struct ec2_key, name, "keyName", MIR_GET_TEXT),
    MIR_ROW(struct ec2_key, fingerprint, "keyFingerprint", MIR_GET_CUT),
    MIR_ROW(struct ec2_key, type, "keyType", MIR_GET_TEXT),
    MIR_ROW(struct ec2_key, created_s, "createTime", MIR_GET_TIME),
    EC2_ROW_FOUND_TAGS(struct ec2_key),
};
static const struct mir_table key_table = MIR_TABLE(struct ec2_key, key_fields);

static const struct mir_field keys_fields[] = {
    MIR_MANY(struct ec2_keys, rows, count, "keySet/item", MIR_GET_LIST, &key_table),
};
static const struct mir_table keys_table = MIR_TABLE(struct ec2_keys, keys_fields);

enum { CREATE, IMPORT, DELETE, DESCRIBE };

const struct ec2_operation ec2_keypair_operations[] = {
    [CREATE] = {.name = "CreateKeyPair",
                .version = EC2_VERSION,
                .request = &create_table,
                .reply = &created_table,
                .once = true,
                .secret = true},
    [IMPORT] = EC2_ACT("ImportKeyPair", &import_table, &imported_table),
    [DELETE] = EC2_ACT("DeleteKeyPair", &delete_table, NULL),
    [DESCRIBE] = EC2_LOOK("DescribeKeyPairs", &describe_table, &keys_table),
    {0},
};

#define OPERATION(which) (&ec2_keypair_operations[which])

EC2_FUNCTION(ec2_create_key_pair, struct ec2_create_key_args, struct ec2_key, OPERATION(CREATE),
             ec2_operate)
EC2_CLEAR(ec2_key_clear, struct ec2_key, &created_table)
EC2_FUNCTION(ec2_import_key_pair, struct ec2_import_key_args, struct ec2_key, OPERATION(IMPORT),
             ec2_operate)
EC2_FUNCTION_PLAIN(ec2_delete_key_pair, struct ec2_target, OPERATION(DELETE))
EC2_FUNCTION(ec2_describe_key_pairs, struct ec2_describe, struct ec2_keys, OPERATION(DESCRIBE),
             ec2_operate)
EC2_CLEAR(ec2_keys_clear, struct ec2_keys, &keys_table)
