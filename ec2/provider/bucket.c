/* SPDX-License-Identifier: ISC */
/* The bucket that images may go through, and the keys in it:
 * mirage-deploy/INSTALLATION/DEPLOYMENT/EXPIRES/SIGNATURE/DISK.vmdk (.part.0, .manifest.xml) */
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

void cloud_key_make(const struct mir_tags *tags, const char *file, char out[CLOUD_KEY_TEXT])
{
    snprintf(out, CLOUD_KEY_TEXT, CLOUD_KEY_ROOT "%s/%s/%" PRId64 "/%s/%s", tags->installation,
             tags->deployment, tags->expires_s, tags->signature, file);
}

bool cloud_key_ends(const char *key, const char *ending)
{
    size_t len = strlen(key), tail = strlen(ending);
    return len >= tail && !strcmp(key + len - tail, ending);
}

/* What is behind the disk's name in a key of ours. */
static bool is_ending(const char *text)
{
    static const char digits[] = "0123456789";
    size_t len = sizeof CLOUD_PART - 1;
    if (!strcmp(text, CLOUD_VMDK) || !strcmp(text, CLOUD_MANIFEST))
        return true;
    return !strncmp(text, CLOUD_PART, len) && text[len] && strlen(text + len) <= 4 &&
           !text[len + strspn(text + len, digits)];
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
    sscanf(key, CLOUD_KEY_ROOT "%32" HEX "/%32" HEX "/%15" SCNd64 "/%64" HEX "/%64" HEX "%n",
           tags.installation, tags.deployment, &tags.expires_s, tags.signature, disk, &end);
    if (!end || !is_ending(key + end) || !mir_sha256_valid(disk))
        return;
    *ret = tags;
    if (ret_disk)
        mir_copy(ret_disk, MIR_SHA256_TEXT, disk);
}
