/* SPDX-License-Identifier: ISC */
/* The table of contents of this provider, and its opening. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/memory.h"
#include "cloud.h"
#include "ec2/provider.h"
#include "policy.h"

/* What EC2 may take to show what was made, and to end it: facts are in ec2/README.md. */
#define POLL_MS 15000
#define LEASE_MIN_S 120
#define SETTLE_S 300

static const struct mir_config_key config_keys[] = {
    {"profile", "the profile of ~/.aws that is used (as the AWS tools choose it)"},
    {"region", "the region of deployments that name none (as the AWS tools choose it)"},
    {"role", "ARN of the role by which EventBridge Scheduler ends instances; none: no such hook"},
    {"subnet", "the subnet that instances stand in (those of the default VPC)"},
    {"type",
     "the instance type of deployments that name none (the cheapest that boots the kernel)"},
    {"upload", "direct: the disk goes into a snapshot by EBS direct; s3: through the bucket, by "
               "ImportSnapshot; bundle: as an instance-store bundle into the bucket, for the old "
               "types that start such (direct)"},
    {"bucket", "the bucket that it goes through, in the region above"},
    {"import_role", "the role by which ImportSnapshot reads the bucket (vmimport)"},
    {"bundle_cert", "the X.509 certificate, a PEM file, of whoever makes bundles"},
    {"bundle_key", "its private key, a PEM file without a passphrase, by which they are signed"},
    {"bundle_ec2_cert", "EC2's certificate, a PEM file, for which they are encrypted"},
    {"preview", "yes: deploy to Amazon itself, which nobody has tried yet with this version (no)"},
    {NULL, NULL},
};

static int read_settings(struct cloud *cloud, const struct mir_config *config,
                         struct mir_error *err)
{
    static const char *const no_yes[] = {"no", "yes", NULL};
    const struct mir_config_text rows[] = {
        {"profile", cloud->profile, sizeof cloud->profile},
        {"region", cloud->home, sizeof cloud->home},
        {"role", cloud->role, sizeof cloud->role},
        {"subnet", cloud->subnet, sizeof cloud->subnet},
        {"type", cloud->type, sizeof cloud->type},
        {"bucket", cloud->bucket, sizeof cloud->bucket},
        {"import_role", cloud->import_role, sizeof cloud->import_role},
        {"bundle_cert", cloud->bundle_cert, sizeof cloud->bundle_cert},
        {"bundle_key", cloud->bundle_key, sizeof cloud->bundle_key},
        {"bundle_ec2_cert", cloud->bundle_ec2_cert, sizeof cloud->bundle_ec2_cert},
    };
    const char *upload = mir_config_said(config, "ec2", "upload");
    int preview;
    if (mir_config_texts(config, "ec2", rows, MIR_NELEMS(rows), &cloud->configured, err) ||
        mir_config_choice(config, "ec2", "preview", no_yes, &preview, err) ||
        cloud_way_read(upload, &cloud->way, err) || cloud_way_check(cloud, err))
        return -1;
    cloud->preview = preview == 1;
    return 0;
}

/* Without a word about AWS anywhere nobody is asked: not the metadata service either, which costs a
 * second on every machine that is none of Amazon's. */
static bool mentioned(void)
{
    static const char *const variables[] = {"AWS_ACCESS_KEY_ID",
                                            "AWS_PROFILE",
                                            "AWS_DEFAULT_PROFILE",
                                            "AWS_WEB_IDENTITY_TOKEN_FILE",
                                            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                            "AWS_SHARED_CREDENTIALS_FILE",
                                            "AWS_CONFIG_FILE"};
    for (size_t i = 0; i < MIR_NELEMS(variables); i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return true;
    }
    const char *home = getenv("HOME");
    mir_auto_free char *keys = mir_format("%s/.aws/credentials", home ? home : "");
    mir_auto_free char *config = mir_format("%s/.aws/config", home ? home : "");
    return !access(keys, R_OK) || !access(config, R_OK);
}

static void cloud_free(struct cloud *cloud)
{
    for (size_t i = 0; i < cloud->site_count; i++)
        ec2_session_free(cloud->sites[i].session);
    ec2_chain_free(cloud->chain);
    ec2_config_free(cloud->config);
    cloud_prices_clear(&cloud->prices);
    cloud_known_clear(&cloud->known);
    pthread_mutex_destroy(&cloud->lock);
    free(cloud->seen);
    free(cloud);
}

static int load(struct cloud *cloud, struct mir_error *err)
{
    struct ec2_setting region;
    const struct ec2_config_wish wish = {.profile = *cloud->profile ? cloud->profile : NULL,
                                         .region = *cloud->home ? cloud->home : NULL};
    const struct ec2_chain_settings chain = {.wish = wish, .clock = cloud->clock};
    cloud->config = ec2_config_load(&wish, err);
    if (!cloud->config)
        return -1;
    ec2_config_region(cloud->config, &region);
    if (region.value && mir_copy(cloud->home, sizeof cloud->home, region.value))
        return mir_fail(err, MIR_USAGE, "the region '%.40s' is too long", region.value);
    cloud->chain = ec2_chain_new(&chain);
    return 0;
}

static int cloud_open(const struct mir_provider_env *env, void **ret_ctx, struct mir_error *err)
{
    struct cloud *cloud = mir_calloc(1, sizeof *cloud);
    cloud->clock = env->clock;
    cloud->fence = env->fence;
    cloud->imager = env->imager;
    cloud->tag_key = env->tag_key;
    pthread_mutex_init(&cloud->lock, NULL);
    cloud_prices_init(&cloud->prices);
    cloud_known_init(&cloud->known);
    mir_copy(cloud->installation, sizeof cloud->installation,
             env->installation ? env->installation : "");
    int rc = read_settings(cloud, env->config, err);
    cloud->configured = cloud->configured || mentioned();
    if (!rc && cloud->configured)
        rc = load(cloud, err);
    if (rc) {
        cloud_free(cloud);
        return -1;
    }
    *ret_ctx = cloud;
    return 0;
}

/* Instances go on: they have their hooks. */
static void cloud_close(void *ctx)
{
    cloud_free(ctx);
}

int cloud_ready(const struct cloud *cloud, struct mir_error *err)
{
    if (!cloud->configured) {
        mir_fail(err, MIR_CREDENTIALS, "there are no AWS credentials here");
        return mir_error_hint(err, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or make a "
                                   "profile with `aws configure`, and start the daemon again");
    }
    if (*cloud->home)
        return 0;
    mir_fail(err, MIR_USAGE, "no AWS region is chosen");
    return mir_error_hint(err, "deploy with --region, or set AWS_REGION or [ec2] region");
}

/* Where nothing can be deployed to, nothing is listed once a minute either. */
static bool cloud_configured(void *ctx)
{
    return cloud_may_deploy(ctx);
}

static int64_t cloud_date(void *ctx, int64_t *ret_boot_ms)
{
    struct cloud *cloud = ctx;
    int64_t newest_ms = 0, boot_ms = 0;
    pthread_mutex_lock(&cloud->lock);
    for (size_t i = 0; i < cloud->site_count; i++) {
        int64_t at_boot_ms = 0;
        int64_t date_ms = ec2_session_date(cloud->sites[i].session, &at_boot_ms);
        if (date_ms && at_boot_ms > boot_ms) {
            newest_ms = date_ms;
            boot_ms = at_boot_ms;
        }
    }
    pthread_mutex_unlock(&cloud->lock);
    *ret_boot_ms = boot_ms;
    return newest_ms;
}

static const char *const hook_names[] = {"cloud-schedule", "shutdown-behaviour", NULL};

const struct mir_provider mir_provider_ec2 = {
    .name = "ec2",
    .title = "Amazon EC2",
    .paid = true,
    .poll_ms = POLL_MS,
    .lease_min_s = LEASE_MIN_S,
    .settle_s = SETTLE_S,
    .config_keys = config_keys,
    .hook_names = hook_names,
    .quote = cloud_quote,
    .policy = cloud_policy,
    .open = cloud_open,
    .close = cloud_close,
    .check = cloud_check,
    .admit = cloud_admit,
    .image_put = cloud_image_put,
    .image_get = cloud_image_get,
    .image_delete = cloud_image_delete,
    .instance_create = cloud_instance_create,
    .instance_get = cloud_instance_get,
    .instance_delete = cloud_instance_delete,
    .instance_console = cloud_instance_console,
    .hooks_arm = cloud_hooks_arm,
    .configured = cloud_configured,
    .date = cloud_date,
    .caller = cloud_caller,
    .covered = cloud_covered,
    .note_put = cloud_note_put,
    .note_get = cloud_note_get,
    .sweep = cloud_sweep,
    .sweep_place = cloud_sweep_place,
};
