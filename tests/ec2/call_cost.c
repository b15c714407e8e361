/* SPDX-License-Identifier: ISC */
/*
 * call_cost [IMAGE]: one listing of instances (all, or those of an image), asked of the service
 * that AWS_ENDPOINT_URL and the keys of the environment name, in a process of its own. Prints how
 * many there are. For `make bench`, against `aws ec2 describe-instances`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "ec2/compute.h"

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

int main(int argc, char **argv)
{
    const char *image = argc > 1 ? argv[1] : NULL, *secret = setting("AWS_SECRET_ACCESS_KEY");
    struct ec2_credentials keys = {0};
    struct mir_error err = {0};
    mir_copy(keys.access_key_id, sizeof keys.access_key_id, setting("AWS_ACCESS_KEY_ID"));
    if (mir_secret_set(&keys.secret, secret, strlen(secret), &err))
        return 1;
    struct ec2_session_settings settings = {.region = setting("AWS_REGION"),
                                            .credentials = ec2_credentials_fixed(&keys)};
    settings.endpoints[EC2_COMPUTE] = setting("AWS_ENDPOINT_URL");
    const struct ec2_filter of_image = {"image-id", &image, 1};
    const struct ec2_describe args = {.filters = &of_image, .filter_count = image ? 1 : 0};
    struct ec2_instances found = {.rows = NULL};
    struct ec2_session *session = ec2_session_new(&settings, &err);
    int rc =
        !session || ec2_describe_instances(session, &args, ec2_until(session, 60000), &found, &err);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    else
        printf("%zu\n", found.count);
    ec2_instances_clear(&found);
    ec2_session_free(session);
    ec2_credentials_clear(&keys);
    return rc;
}
