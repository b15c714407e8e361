/* SPDX-License-Identifier: ISC */
#include "throttle.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"

#define RATES_MAX 64u

/* The first row that matches counts. EC2: the user guide's page on API throttling (Describe: 100
 * and 20/s; RunInstances: 5 and 2/s; other writing calls are of this order). EBS direct: the
 * service quotas. What is not here is not limited. */
static const struct rate {
    char pattern[80];
    double burst, per_s;
} documented[] = {
    {"ec2.RunInstances", 5, 2},
    {"ec2.StartInstances", 5, 2},
    {"ec2.TerminateInstances", 100, 5},
    {"ec2.StopInstances", 100, 5},
    {"ec2.Describe*", 100, 20},
    {"ec2.Get*", 100, 20},
    {"ec2.*", 50, 5},
    {"ebs.StartSnapshot", 10, 10},
    {"ebs.CompleteSnapshot", 10, 10},
    {"ebs.PutSnapshotBlock", 1000, 1000},
    {"scheduler.*", 50, 50},
};

struct bucket {
    struct bucket *next;
    char name[120]; /* "ec2.RunInstances us-east-1" */
    double tokens;
    int64_t at_ms;
};

struct fc_buckets {
    struct rate rates[RATES_MAX];
    size_t rate_count;
    struct bucket *first;
};

struct fc_buckets *fc_buckets_new(void)
{
    struct fc_buckets *buckets = mir_calloc(1, sizeof *buckets);
    memcpy(buckets->rates, documented, sizeof documented);
    buckets->rate_count = MIR_NELEMS(documented);
    return buckets;
}

static void forget_tokens(struct fc_buckets *buckets)
{
    while (buckets->first) {
        struct bucket *next = buckets->first->next;
        free(buckets->first);
        buckets->first = next;
    }
}

void fc_buckets_free(struct fc_buckets *buckets)
{
    if (buckets)
        forget_tokens(buckets);
    free(buckets);
}

static struct bucket *bucket_of(struct fc_buckets *buckets, const char *name, double burst,
                                int64_t now_ms)
{
    for (struct bucket *b = buckets->first; b; b = b->next)
        if (!strcmp(b->name, name))
            return b;
    struct bucket *bucket = mir_calloc(1, sizeof *bucket);
    mir_copy(bucket->name, sizeof bucket->name, name);
    bucket->tokens = burst;
    bucket->at_ms = now_ms;
    bucket->next = buckets->first;
    buckets->first = bucket;
    return bucket;
}

bool fc_buckets_take(struct fc_buckets *buckets, const char *service, const char *operation,
                     const char *region, int64_t now_ms)
{
    char call[88], name[120];
    size_t i = 0;
    snprintf(call, sizeof call, "%.15s.%.64s", service, operation);
    while (i < buckets->rate_count && fnmatch(buckets->rates[i].pattern, call, 0))
        i++;
    if (i == buckets->rate_count)
        return true;
    const struct rate *rate = &buckets->rates[i];
    snprintf(name, sizeof name, "%s %.24s", call, region);
    struct bucket *bucket = bucket_of(buckets, name, rate->burst, now_ms);
    if (now_ms > bucket->at_ms)
        bucket->tokens += (double)(now_ms - bucket->at_ms) * rate->per_s / 1000;
    if (bucket->tokens > rate->burst)
        bucket->tokens = rate->burst;
    bucket->at_ms = now_ms;
    if (bucket->tokens < 1)
        return false;
    bucket->tokens -= 1;
    return true;
}

int fc_buckets_set(struct fc_buckets *buckets, const json_t *rates, struct mir_error *err)
{
    const char *pattern;
    json_t *pair;
    struct rate all[RATES_MAX];
    size_t count = 0;
    json_object_foreach((json_t *)(uintptr_t)rates, pattern, pair)
    {
        double burst = json_number_value(json_array_get(pair, 0));
        double per_s = json_number_value(json_array_get(pair, 1));
        if (json_array_size(pair) != 2 || burst < 1 || per_s < 0 || count == RATES_MAX / 2 ||
            mir_copy(all[count].pattern, sizeof all[count].pattern, pattern))
            return mir_fail(err, MIR_USAGE, "rates: %.60s has to be [burst >= 1, per second]",
                            pattern);
        all[count].burst = burst;
        all[count++].per_s = per_s;
    }
    memcpy(all + count, documented, sizeof documented);
    count += MIR_NELEMS(documented);
    memcpy(buckets->rates, all, count * sizeof *all);
    buckets->rate_count = count;
    forget_tokens(buckets);
    return 0;
}
