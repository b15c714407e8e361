/* SPDX-License-Identifier: ISC */
#include "ec2/ssm.h"

#include "compute_tables.h"

static const struct ec2_field args_fields[] = {
    EC2_MUST(struct ec2_parameter_args, name, "Name", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_parameter_args, decrypt, "WithDecryption", EC2_PUT_TRUE),
};
static const struct ec2_table args_table = EC2_TABLE(struct ec2_parameter_args, args_fields);

/* By itself it stands in an object of its own, in a list it does not. */
#define PARAMETER(prefix)                                                                          \
    EC2_MUST(struct ec2_parameter, name, prefix "Name", EC2_GET_OWNED),                            \
        EC2_MUST(struct ec2_parameter, value, prefix "Value", EC2_GET_OWNED),                      \
        EC2_ROW(struct ec2_parameter, type, prefix "Type", EC2_GET_TEXT),                          \
        EC2_ROW(struct ec2_parameter, version, prefix "Version", EC2_GET_NUMBER)

static const struct ec2_field one_fields[] = {PARAMETER("Parameter/")};
static const struct ec2_table one_table = EC2_TABLE(struct ec2_parameter, one_fields);

static const struct ec2_field path_fields[] = {
    EC2_MUST(struct ec2_parameters_args, path, "Path", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_parameters_args, recursive, "Recursive", EC2_PUT_TRUE),
};
static const struct ec2_table path_table = EC2_TABLE(struct ec2_parameters_args, path_fields);

static const struct ec2_field row_fields[] = {PARAMETER("")};
static const struct ec2_table row_table = EC2_TABLE(struct ec2_parameter, row_fields);

static const struct ec2_field rows_fields[] = {
    EC2_MANY(struct ec2_parameters, rows, count, "Parameters", EC2_GET_LIST, &row_table),
};
static const struct ec2_table rows_table = EC2_TABLE(struct ec2_parameters, rows_fields);

static const struct ec2_field put_fields[] = {
    EC2_MUST(struct ec2_put_parameter_args, name, "Name", EC2_PUT_TEXT),
    EC2_MUST(struct ec2_put_parameter_args, value, "Value", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_put_parameter_args, type, "Type", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_put_parameter_args, description, "Description", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_put_parameter_args, overwrite, "Overwrite", EC2_PUT_TRUE),
};
static const struct ec2_table put_table = EC2_TABLE(struct ec2_put_parameter_args, put_fields);

static const struct ec2_field version_fields[] = {
    EC2_MUST(struct ec2_parameter_version, version, "Version", EC2_GET_NUMBER),
};
static const struct ec2_table version_table =
    EC2_TABLE(struct ec2_parameter_version, version_fields);

enum { GET, BY_PATH, PUT };

#define SSM(operation, args, answer)                                                               \
    .name = operation, .service = EC2_SSM, .protocol = EC2_JSON11, .version = "AmazonSSM",         \
    .request = args, .reply = answer

const struct ec2_operation ec2_ssm_operations[] = {
    [GET] = {SSM("GetParameter", &args_table, &one_table), .reads = true},
    [BY_PATH] = {SSM("GetParametersByPath", &path_table, &rows_table), .reads = true, .page = 10,
                 .page_size = "MaxResults", .page_token = "NextToken", .page_next = "NextToken"},
    [PUT] = {SSM("PutParameter", &put_table, &version_table)},
    {0},
};

EC2_FUNCTION(ec2_get_parameter, struct ec2_parameter_args, struct ec2_parameter,
             &ec2_ssm_operations[GET], ec2_operate)
EC2_CLEAR(ec2_parameter_clear, struct ec2_parameter, &one_table)
EC2_FUNCTION(ec2_get_parameters, struct ec2_parameters_args, struct ec2_parameters,
             &ec2_ssm_operations[BY_PATH], ec2_operate_all)
EC2_FUNCTION(ec2_put_parameter, struct ec2_put_parameter_args, struct ec2_parameter_version,
             &ec2_ssm_operations[PUT], ec2_operate)
EC2_CLEAR(ec2_parameters_clear, struct ec2_parameters, &rows_table)
