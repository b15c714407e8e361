/* SPDX-License-Identifier: ISC */
#include "ec2/ssm.h"

#include "compute_tables.h"

static const struct mir_field args_fields[] = {
    MIR_MUST(struct ec2_parameter_args, name, "Name", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_parameter_args, decrypt, "WithDecryption", MIR_PUT_TRUE),
};
static const struct mir_table args_table = MIR_TABLE(struct ec2_parameter_args, args_fields);

/* By itself it stands in an object of its own, in a list it does not. */
#define PARAMETER(prefix)                                                                          \
    MIR_MUST(struct ec2_parameter, name, prefix "Name", MIR_GET_OWNED),                            \
        MIR_MUST(struct ec2_parameter, value, prefix "Value", MIR_GET_OWNED),                      \
        MIR_ROW(struct ec2_parameter, type, prefix "Type", MIR_GET_TEXT),                          \
        MIR_ROW(struct ec2_parameter, version, prefix "Version", MIR_GET_NUMBER)

static const struct mir_field one_fields[] = {PARAMETER("Parameter/")};
static const struct mir_table one_table = MIR_TABLE(struct ec2_parameter, one_fields);

static const struct mir_field path_fields[] = {
    MIR_MUST(struct ec2_parameters_args, path, "Path", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_parameters_args, recursive, "Recursive", MIR_PUT_TRUE),
};
static const struct mir_table path_table = MIR_TABLE(struct ec2_parameters_args, path_fields);

static const struct mir_field row_fields[] = {PARAMETER("")};
static const struct mir_table row_table = MIR_TABLE(struct ec2_parameter, row_fields);

static const struct mir_field rows_fields[] = {
    MIR_MANY(struct ec2_parameters, rows, count, "Parameters", MIR_GET_LIST, &row_table),
};
static const struct mir_table rows_table = MIR_TABLE(struct ec2_parameters, rows_fields);

static const struct mir_field put_fields[] = {
    MIR_MUST(struct ec2_put_parameter_args, name, "Name", MIR_PUT_TEXT),
    MIR_MUST(struct ec2_put_parameter_args, value, "Value", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_put_parameter_args, type, "Type", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_put_parameter_args, description, "Description", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_put_parameter_args, overwrite, "Overwrite", MIR_PUT_TRUE),
};
static const struct mir_table put_table = MIR_TABLE(struct ec2_put_parameter_args, put_fields);

static const struct mir_field version_fields[] = {
    MIR_MUST(struct ec2_parameter_version, version, "Version", MIR_GET_NUMBER),
};
static const struct mir_table version_table =
    MIR_TABLE(struct ec2_parameter_version, version_fields);

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
