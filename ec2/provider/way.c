/* SPDX-License-Identifier: ISC */
/* How an image's disk gets to EC2: the ways, and what each of them has to be given. */
#include <string.h>
#include <unistd.h>

#include "api/memory.h"
#include "cloud.h"
#include "machines.h"
#include "way.h"

static const struct {
    const char *name, *words; /* in the configuration; for people */
} ways[] = {
    [CLOUD_BY_EBS] = {"direct", "by EBS direct"},
    [CLOUD_BY_IMPORT] = {"s3", "through the bucket, by ImportSnapshot"},
    [CLOUD_BY_BUNDLE] = {"bundle", "as bundles, from the bucket"},
};

int cloud_way_read(const char *text, enum cloud_way *ret, struct mir_error *err)
{
    for (size_t i = 0; i < MIR_NELEMS(ways); i++)
        if (!text || !strcmp(ways[i].name, text)) {
            *ret = (enum cloud_way)i;
            return 0;
        }
    return mir_fail(err, MIR_USAGE, "[ec2] upload = %.32s: has to be direct, s3 or bundle", text);
}

const char *cloud_way_words(enum cloud_way way)
{
    return ways[way].words;
}

/* --- the configuration --- */

struct pem {
    const char *key, *what, *path;
};

#define PEMS 3

static void list_pems(const struct cloud *cloud, struct pem ret[PEMS])
{
    const struct pem pems[PEMS] = {
        {"bundle_cert", "your X.509 certificate", cloud->bundle_cert},
        {"bundle_key", "its private key", cloud->bundle_key},
        {"bundle_ec2_cert", "EC2's certificate, of its AMI tools", cloud->bundle_ec2_cert}};
    memcpy(ret, pems, sizeof pems);
}

int cloud_way_check(const struct cloud *cloud, struct mir_error *err)
{
    if (cloud->way == CLOUD_BY_EBS || *cloud->bucket)
        return 0;
    mir_fail(err, MIR_USAGE, "[ec2] upload = %s goes through no bucket", ways[cloud->way].name);
    return mir_error_hint(err, "name it in section [ec2]: bucket = NAME");
}

/* EC2 takes what is in its own region, and nothing else. */
static int check_region(const struct cloud *cloud, const char *region, struct mir_error *err)
{
    if (!*region || !strcmp(region, cloud->home))
        return 0;
    mir_fail(err, MIR_USAGE, "images go through bucket %s in %s, from which %s takes none",
             cloud->bucket, *cloud->home ? cloud->home : "no region", region);
    return mir_error_hint(err, "deploy with --region %s, or say upload = direct in section [ec2]",
                          cloud->home);
}

/* mirage-bundle reads it, by the same user's rights. */
static int check_pem(const struct pem *pem, struct mir_error *err)
{
    if (pem->path[0] != '/') {
        mir_fail(err, MIR_USAGE, "[ec2] upload = bundle needs %s: %s", pem->key, pem->what);
        return mir_error_hint(err, "name a PEM file in section [ec2]: %s = /PATH", pem->key);
    }
    if (!access(pem->path, R_OK))
        return 0;
    mir_fail(err, MIR_CREDENTIALS, "[ec2] %s: %.160s cannot be read", pem->key, pem->path);
    return mir_error_hint(err, "it is %s, as PEM text, readable by whoever runs the daemon",
                          pem->what);
}

/* Only whoever makes bundles needs them: what there is can be ended without. */
static int check_pems(const struct cloud *cloud, struct mir_error *err)
{
    struct pem pems[PEMS];
    list_pems(cloud, pems);
    for (size_t i = 0; i < PEMS; i++)
        if (check_pem(&pems[i], err))
            return -1;
    return 0;
}

int cloud_way_reaches(const struct cloud *cloud, const char *region, struct mir_error *err)
{
    if (cloud->way == CLOUD_BY_EBS)
        return 0;
    return check_region(cloud, region, err) ||
                   (cloud->way == CLOUD_BY_BUNDLE && check_pems(cloud, err))
               ? -1
               : 0;
}

/* --- machines --- */

int cloud_way_starts(const struct cloud *cloud, const struct ec2_machine *machine,
                     struct mir_error *err)
{
    if (cloud->way != CLOUD_BY_BUNDLE || machine->instance_store)
        return 0;
    mir_fail(err, MIR_POLICY, "%s starts no instance-store bundle", machine->type);
    return mir_error_hint(err, "choose a --type of " EC2_INSTANCE_STORE
                               ", or say upload = direct in section [ec2]");
}

const char *cloud_way_root(const struct cloud *cloud)
{
    return cloud->way == CLOUD_BY_BUNDLE ? "instance-store" : "ebs";
}
