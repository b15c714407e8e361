/* SPDX-License-Identifier: ISC */
#include "ec2/session.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "inside.h"

/* The hosts are those of the service pages of the AWS General Reference. Prices are asked for in
 * one region, wherever the machines are. */
static const struct ec2_service_info services[EC2_SERVICE_COUNT] = {
    [EC2_COMPUTE] = {"ec2", "EC2", "EC2", "ec2.%s", NULL, "ec2"},
    [EC2_STS] = {"sts", "STS", "STS", "sts.%s", NULL, "sts"},
    [EC2_EBS] = {"ebs", "EBS", "EBS", "ebs.%s", NULL, "ebs"},
    [EC2_S3] = {"s3", "S3", "S3", "s3.%s", NULL, "s3"},
    [EC2_SCHEDULER] = {"scheduler", "EventBridge Scheduler", "SCHEDULER", "scheduler.%s", NULL,
                       "scheduler"},
    [EC2_SSM] = {"ssm", "SSM", "SSM", "ssm.%s", NULL, "ssm"},
    [EC2_PRICING] = {"pricing", "Pricing", "PRICING", "api.pricing.%s", "us-east-1", "pricing"},
};

const struct ec2_service_info *ec2_service_info(enum ec2_service service)
{
    return &services[(unsigned)service < EC2_SERVICE_COUNT ? service : EC2_COMPUTE];
}

static void wait_really(void *ctx, int64_t ms)
{
    poll(NULL, 0, ms > 0 ? (int)ms : 0);
}

/* A region is part of host names, so nothing else may look like one. */
static bool region_valid(const char *region)
{
    size_t len = region ? strlen(region) : 0;
    return len > 0 && len <= 40 && strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
           region[0] != '-' && region[len - 1] != '-';
}

/* The domain of a partition; by the region's first letters. */
static const char *domain_of(const char *region)
{
    return strncmp(region, "cn-", 3) ? "amazonaws.com" : "amazonaws.com.cn";
}

static char *default_url(enum ec2_service service, const char *region)
{
    const struct ec2_service_info *info = &services[service];
    const char *where = info->region ? info->region : region;
    size_t before = strcspn(info->host, "%");
    return mir_format("https://%.*s%s.%s", (int)before, info->host, where, domain_of(where));
}

static int endpoint_of(const char *url, bool own, struct ec2_endpoint *ret, struct mir_error *err)
{
    struct mir_url parsed;
    if (mir_url_parse(url, &parsed, err))
        return mir_error_wrap(err, "endpoint");
    const char *rest = strstr(url, "://") + 3;
    size_t path = strcspn(rest, "/?#"), len = strlen(rest + path);
    if (strpbrk(rest, "?#"))
        return mir_fail(err, MIR_USAGE, "endpoint '%.200s': a path at most may follow the host",
                        url);
    while (len > 0 && rest[path + len - 1] == '/')
        len--;
    ret->own = own;
    ret->origin = mir_strdup(parsed.origin);
    ret->host = strstr(ret->origin, "://") + 3;
    ret->base = mir_format("%.*s", (int)len, rest + path);
    ret->url = mir_format("%s%s", ret->origin, ret->base);
    return 0;
}

static int fill_endpoints(struct ec2_session *session, const char *const *given,
                          struct mir_error *err)
{
    for (unsigned i = 0; i < EC2_SERVICE_COUNT; i++) {
        bool own = given[i] && *given[i];
        mir_auto_free char *url =
            own ? mir_strdup(given[i]) : default_url((enum ec2_service)i, session->region);
        if (endpoint_of(url, own, &session->endpoints[i], err))
            return -1;
    }
    return 0;
}

struct ec2_session *ec2_session_new(const struct ec2_session_settings *settings,
                                    struct mir_error *err)
{
    if (!region_valid(settings->region)) {
        mir_fail(err, MIR_USAGE, "'%.64s' is no name of a region",
                 settings->region ? settings->region : "");
        mir_error_hint(err, "set AWS_REGION, or region in ~/.aws/config, to one like eu-central-1");
        return NULL;
    }
    struct ec2_session *s = mir_calloc(1, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    s->region = mir_strdup(settings->region);
    s->credentials = settings->credentials;
    s->ca_file = mir_strdup(settings->ca_file);
    s->connect_timeout_ms = settings->connect_timeout_ms ? settings->connect_timeout_ms : 10000;
    s->attempt_timeout_ms = settings->attempt_timeout_ms ? settings->attempt_timeout_ms : 30000;
    s->connections_max = settings->connections_max;
    s->clock = settings->clock ? settings->clock : mir_clock_system();
    s->wait = settings->wait ? settings->wait : wait_really;
    s->wait_ctx = settings->wait_ctx;
    s->client = mir_http_client_new(settings->connections_max);
    mir_retry_shared_init(&s->retry, settings->attempts_max, settings->random);
    if (fill_endpoints(s, settings->endpoints, err)) {
        ec2_session_free(s);
        return NULL;
    }
    return s;
}

void ec2_session_free(struct ec2_session *session)
{
    if (!session)
        return;
    for (unsigned i = 0; i < EC2_SERVICE_COUNT; i++) {
        free(session->endpoints[i].origin);
        free(session->endpoints[i].base);
        free(session->endpoints[i].url);
    }
    mir_http_client_free(session->client);
    mir_retry_shared_clear(&session->retry);
    pthread_mutex_destroy(&session->lock);
    free(session->region);
    free(session->ca_file);
    free(session);
}

struct ec2_session *ec2_session_for_region(const struct ec2_session *session, const char *region,
                                           struct mir_error *err)
{
    struct ec2_session_settings settings = {
        .region = region,
        .credentials = session->credentials,
        .ca_file = session->ca_file,
        .attempts_max = session->retry.rules.attempts_max,
        .connect_timeout_ms = session->connect_timeout_ms,
        .attempt_timeout_ms = session->attempt_timeout_ms,
        .clock = session->clock,
        .connections_max = session->connections_max,
        .random = session->retry.random,
        .wait = session->wait,
        .wait_ctx = session->wait_ctx,
    };
    for (unsigned i = 0; i < EC2_SERVICE_COUNT; i++)
        settings.endpoints[i] = session->endpoints[i].own ? session->endpoints[i].url : NULL;
    return ec2_session_new(&settings, err);
}

const char *ec2_session_region(const struct ec2_session *session)
{
    return session->region;
}

const char *ec2_session_endpoint(const struct ec2_session *session, enum ec2_service service)
{
    return session->endpoints[service].url;
}

int64_t ec2_until(const struct ec2_session *session, int64_t limit_ms)
{
    return session->clock->boot_ms(session->clock->ctx) + limit_ms;
}

int64_t ec2_session_clock_offset_ms(struct ec2_session *session)
{
    pthread_mutex_lock(&session->lock);
    int64_t offset = session->offset_ms;
    pthread_mutex_unlock(&session->lock);
    return offset;
}

int64_t ec2_session_date(struct ec2_session *session, int64_t *ret_boot_ms)
{
    pthread_mutex_lock(&session->lock);
    int64_t date = session->date_ms;
    *ret_boot_ms = session->date_boot_ms;
    pthread_mutex_unlock(&session->lock);
    return date;
}
