/* SPDX-License-Identifier: ISC */
/* The sessions, one for each region that was asked for, and where a token was last seen. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"

/* With the lock held. */
static struct ec2_session *site_of(const struct cloud *cloud, const char *region)
{
    for (size_t i = 0; i < cloud->site_count; i++)
        if (!strcmp(cloud->sites[i].region, region))
            return cloud->sites[i].session;
    return NULL;
}

static struct ec2_session *open_session(struct cloud *cloud, const char *region,
                                        struct mir_error *err)
{
    struct ec2_session_settings settings = {.region = region};
    struct mir_error said = {0};
    /* The configuration may name no region; then only the rest of it is wanted. */
    if (ec2_config_settings(cloud->config, &settings, &said) && *cloud->home) {
        if (err)
            *err = said;
        return NULL;
    }
    settings.region = region;
    settings.credentials = ec2_chain_source(cloud->chain);
    settings.clock = cloud->clock;
    return ec2_session_new(&settings, err);
}

static int add_site(struct cloud *cloud, const char *region, struct ec2_session **ret,
                    struct mir_error *err)
{
    if (cloud->site_count == CLOUD_REGIONS_MAX)
        return mir_fail(err, MIR_USAGE, "more than %d regions are in use", CLOUD_REGIONS_MAX);
    struct cloud_site *site = &cloud->sites[cloud->site_count];
    if (mir_copy(site->region, sizeof site->region, region))
        return mir_fail(err, MIR_USAGE, "'%.40s' is no region", region);
    site->session = open_session(cloud, region, err);
    if (!site->session)
        return -1;
    cloud->site_count++;
    *ret = site->session;
    return 0;
}

int cloud_session(struct cloud *cloud, const char *region, struct ec2_session **ret,
                  struct mir_error *err)
{
    if ((!*region || !cloud->configured) && cloud_ready(cloud, err))
        return -1;
    if (!*region)
        region = cloud->home;
    pthread_mutex_lock(&cloud->lock);
    struct ec2_session *session = site_of(cloud, region);
    int rc = session ? 0 : add_site(cloud, region, &session, err);
    pthread_mutex_unlock(&cloud->lock);
    if (!rc)
        *ret = session;
    return rc;
}

/* --- where a token was seen --- */

static struct cloud_seen *seen_of(const struct cloud *cloud, const char *token)
{
    for (size_t i = 0; i < cloud->seen_count; i++)
        if (!strcmp(cloud->seen[i].token, token))
            return &cloud->seen[i];
    return NULL;
}

void cloud_remember(struct cloud *cloud, const char *token, const char *region)
{
    if (!*region)
        region = cloud->home;
    pthread_mutex_lock(&cloud->lock);
    struct cloud_seen *seen = seen_of(cloud, token);
    if (!seen) {
        cloud->seen = mir_realloc(cloud->seen, cloud->seen_count + 1, sizeof *cloud->seen);
        seen = &cloud->seen[cloud->seen_count++];
        mir_copy(seen->token, sizeof seen->token, token);
    }
    mir_copy(seen->region, sizeof seen->region, region);
    pthread_mutex_unlock(&cloud->lock);
}

void cloud_recall(struct cloud *cloud, const char *token, char ret_region[MIR_PLACE_TEXT])
{
    pthread_mutex_lock(&cloud->lock);
    const struct cloud_seen *seen = seen_of(cloud, token);
    mir_copy(ret_region, MIR_PLACE_TEXT, seen ? seen->region : "");
    pthread_mutex_unlock(&cloud->lock);
}

/* --- lists of regions --- */

int cloud_all_regions(struct cloud *cloud, int64_t until_ms, struct ec2_regions *ret,
                      struct mir_error *err)
{
    const struct ec2_regions_args args = {.all = false};
    struct ec2_session *session;
    if (cloud_session(cloud, "", &session, err) ||
        ec2_describe_regions(session, &args, until_ms, ret, err))
        return -1;
    if (ret->count <= CLOUD_REGIONS_MAX)
        return 0;
    mir_fail(err, MIR_CORRUPT, "AWS says that there are %zu regions", ret->count);
    ec2_regions_clear(ret);
    return -1;
}

static int everywhere(struct cloud *cloud, const char *token, int64_t until_ms, cloud_region_fn *fn,
                      struct mir_instance *ret, struct mir_error *err)
{
    struct ec2_regions regions = {.rows = NULL};
    struct mir_instance found = {.state = MIR_INSTANCE_ABSENT};
    int rc = cloud_all_regions(cloud, until_ms, &regions, err);
    for (size_t i = 0; !rc && found.state == MIR_INSTANCE_ABSENT && i < regions.count; i++) {
        struct ec2_session *session;
        rc = cloud_session(cloud, regions.rows[i].name, &session, err) ||
                     fn(cloud, session, token, until_ms, &found, err)
                 ? -1
                 : 0;
        if (!rc && found.state != MIR_INSTANCE_ABSENT)
            cloud_remember(cloud, token, regions.rows[i].name);
    }
    ec2_regions_clear(&regions);
    if (!rc)
        *ret = found;
    return rc;
}

int cloud_somewhere(struct cloud *cloud, const char *token, cloud_region_fn *fn,
                    struct mir_instance *ret, struct mir_error *err)
{
    struct ec2_session *session;
    char region[MIR_PLACE_TEXT];
    if (cloud_session(cloud, "", &session, err))
        return -1;
    int64_t until_ms = ec2_until(session, CLOUD_LOOK_MS);
    cloud_recall(cloud, token, region);
    if (!*region)
        return everywhere(cloud, token, until_ms, fn, ret, err);
    return cloud_session(cloud, region, &session, err) ||
                   fn(cloud, session, token, until_ms, ret, err)
               ? -1
               : 0;
}

static size_t add_region(char list[CLOUD_REGIONS_MAX][MIR_PLACE_TEXT], size_t count,
                         const char *region)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(list[i], region))
            return count;
    if (!*region || count == CLOUD_REGIONS_MAX)
        return count;
    mir_copy(list[count], MIR_PLACE_TEXT, region);
    return count + 1;
}

size_t cloud_known_regions(struct cloud *cloud, char ret[CLOUD_REGIONS_MAX][MIR_PLACE_TEXT])
{
    size_t count = add_region(ret, 0, cloud->home);
    pthread_mutex_lock(&cloud->lock);
    for (size_t i = 0; i < cloud->seen_count; i++)
        count = add_region(ret, count, cloud->seen[i].region);
    pthread_mutex_unlock(&cloud->lock);
    return count;
}
