/* SPDX-License-Identifier: ISC */
#include "ec2/keypair.h"

#include "compute_tables.h"

static const struct ec2_field create_fields[] = {
    EC2_MUST(struct ec2_create_key_args, name, "KeyName", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_create_key_args, type, "KeyType", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_create_key_args, format, "KeyFormat", EC2_PUT_TEXT),
    EC2_ROW_TAGS(struct ec2_create_key_args),
    EC2_ROW_DRY_RUN(struct ec2_create_key_args),
};
static const struct ec2_table create_table = EC2_TABLE(struct ec2_create_key_args, create_fields);

static const struct ec2_field import_fields[] = {
    EC2_MUST(struct ec2_import_key_args, name, "KeyName", EC2_PUT_TEXT),
    EC2_MANY(struct ec2_import_key_args, public_key, public_key_len, "PublicKeyMaterial",
             EC2_PUT_BASE64, NULL),
    EC2_ROW_TAGS(struct ec2_import_key_args),
    EC2_ROW_DRY_RUN(struct ec2_import_key_args),
};
static const struct ec2_table import_table = EC2_TABLE(struct ec2_import_key_args, import_fields);

static const struct ec2_field created_fields[] = {
    EC2_ROW(struct ec2_key, id, "keyPairId", EC2_GET_TEXT),
    EC2_MUST(struct ec2_key, name, "keyName", EC2_GET_TEXT),
    EC2_ROW(struct ec2_key, fingerprint, "keyFingerprint", EC2_GET_CUT),
    EC2_MUST(struct ec2_key, private_key, "keyMaterial", EC2_GET_SECRET),
    EC2_ROW_FOUND_TAGS(struct ec2_key),
};
static const struct ec2_table created_table = EC2_TABLE(struct ec2_key, created_fields);

static const struct ec2_field imported_fields[] = {
    EC2_ROW(struct ec2_key, id, "keyPairId", EC2_GET_TEXT),
    EC2_MUST(struct ec2_key, name, "keyName", EC2_GET_TEXT),
    EC2_ROW(struct ec2_key, fingerprint, "keyFingerprint", EC2_GET_CUT),
    EC2_ROW_FOUND_TAGS(struct ec2_key),
};
static const struct ec2_table imported_table = EC2_TABLE(struct ec2_key, imported_fields);

EC2_TARGET_TABLE(delete_table, "KeyName");
EC2_DESCRIBE_TABLE(describe_table, "KeyName");

static const struct ec2_field key_fields[] = {
    EC2_ROW(struct ec2_key, id, "keyPairId", EC2_GET_TEXT),
    EC2_MUST(struct ec2_key, name, "keyName", EC2_GET_TEXT),
    EC2_ROW(struct ec2_key, fingerprint, "keyFingerprint", EC2_GET_CUT),
    EC2_ROW(struct ec2_key, type, "keyType", EC2_GET_TEXT),
    EC2_ROW(struct ec2_key, created_s, "createTime", EC2_GET_TIME),
    EC2_ROW_FOUND_TAGS(struct ec2_key),
};
static const struct ec2_table key_table = EC2_TABLE(struct ec2_key, key_fields);

static const struct ec2_field keys_fields[] = {
    EC2_MANY(struct ec2_keys, rows, count, "keySet/item", EC2_GET_LIST, &key_table),
};
static const struct ec2_table keys_table = EC2_TABLE(struct ec2_keys, keys_fields);

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
