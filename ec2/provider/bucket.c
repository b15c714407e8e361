/* SPDX-License-Identifier: ISC */
/* The bucket that images may go through, and the keys in it:
 * mirage-deploy/INSTALLATION/DEPLOYMENT/EXPIRES/SIGNATURE/DISK.vmdk */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"

#define HEX "[0-9a-f]"

bool cloud_bucket_here(const struct cloud *cloud, const struct ec2_session *session)
{
    return *cloud->bucket && !strcmp(ec2_session_region(session), cloud->home);
}

/* ImportSnapshot reads what is in its own region, and nothing else. */
int cloud_bucket_reaches(const struct cloud *cloud, const char *region, struct mir_error *err)
{
    if (!cloud->by_bucket || !*region || !strcmp(region, cloud->home))
        return 0;
    mir_fail(err, MIR_USAGE, "images go through bucket %s in %s, from which %s cannot import",
             cloud->bucket, *cloud->home ? cloud->home : "no region", region);
    return mir_error_hint(err, "deploy with --region %s, or say upload = direct in section [ec2]",
                          cloud->home);
}

void cloud_key_make(const struct mir_tags *tags, const char *disk, char out[CLOUD_KEY_TEXT])
{
    snprintf(out, CLOUD_KEY_TEXT, CLOUD_KEY_ROOT "%s/%s/%" PRId64 "/%s/%s.vmdk", tags->installation,
             tags->deployment, tags->expires_s, tags->signature, disk);
}

void cloud_key_prefix(const struct cloud *cloud, const char *token, char out[CLOUD_KEY_TEXT])
{
    if (token)
        snprintf(out, CLOUD_KEY_TEXT, CLOUD_KEY_ROOT "%s/%s/", cloud->installation, token);
    else
        mir_copy(out, CLOUD_KEY_TEXT, CLOUD_KEY_ROOT);
}

void cloud_key_read(const char *key, struct mir_tags *ret, char ret_disk[MIR_SHA256_TEXT])
{
    struct mir_tags tags = {.expires_s = 0};
    char disk[MIR_SHA256_TEXT];
    int end = 0;
    memset(ret, 0, sizeof *ret);
    sscanf(key, CLOUD_KEY_ROOT "%32" HEX "/%32" HEX "/%15" SCNd64 "/%64" HEX "/%64" HEX ".vmdk%n",
           tags.installation, tags.deployment, &tags.expires_s, tags.signature, disk, &end);
    if (!end || key[end] || !mir_sha256_valid(disk))
        return;
    *ret = tags;
    if (ret_disk)
        mir_copy(ret_disk, MIR_SHA256_TEXT, disk);
}
