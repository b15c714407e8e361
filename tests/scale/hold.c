/* SPDX-License-Identifier: ISC */
/* Row "hold": a daemon that has many leases and nothing to do. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine_parts.h"
#include "scale.h"
#include "store_sql.h"

#define GETS_MAX (8 * MIRD_WATCHED_MAX)
#define QUIET_S 3 /* for what a start leaves to be done later */

/* One figure of /proc/self/task/TID/status, or of all threads but this one (tid NULL). */
static uint64_t status_of(const char *tid, const char *field)
{
    char path[300], line[256];
    uint64_t value = 0;
    snprintf(path, sizeof path, "/proc/self/task/%.200s/status", tid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, field, strlen(field)))
            value = strtoull(line + strlen(field), NULL, 10);
    if (file)
        fclose(file);
    return value;
}

static uint64_t wakeups_of_others(void)
{
    uint64_t sum = 0;
    char self[32];
    snprintf(self, sizeof self, "%d", (int)gettid());
    DIR *dir = opendir("/proc/self/task");
    for (struct dirent *row; dir && (row = readdir(dir));)
        if (row->d_name[0] != '.' && strcmp(row->d_name, self))
            sum += status_of(row->d_name, "voluntary_ctxt_switches:");
    if (dir)
        closedir(dir);
    return sum;
}

static double rss_mib(void)
{
    char self[32];
    snprintf(self, sizeof self, "%d", (int)gettid());
    return (double)status_of(self, "VmRSS:") / 1024;
}

/* What the engine says it holds; every entry must be at rest, with its deadline. */
static void check_table(struct scale_house *house, unsigned leases)
{
    struct mird_engine *engine = house->core.engine;
    pthread_mutex_lock(&engine->lock);
    size_t entries = engine->entry_count, resting = engine->resting.count;
    pthread_mutex_unlock(&engine->lock);
    if (entries != leases || resting != leases || atomic_load(&house->cloud.deletes)) {
        fprintf(stderr, "scale: %zu entries, %zu at rest, of %u leases; %u deletes\n", entries,
                resting, leases, atomic_load(&house->cloud.deletes));
        exit(1);
    }
    /* The listing keeps those that rest: only the few that a start looks at are asked for. */
    unsigned gets = atomic_load(&house->cloud.gets);
    if (gets > GETS_MAX)
        scale_fail("leases at rest are looked at one by one", NULL);
}

static size_t at_rest(struct scale_house *house)
{
    struct mird_engine *engine = house->core.engine;
    pthread_mutex_lock(&engine->lock);
    size_t count = engine->resting.count;
    pthread_mutex_unlock(&engine->lock);
    return count;
}

int scale_hold(const char *dir, unsigned leases, unsigned seconds)
{
    struct scale_house house;
    int64_t began_us = scale_now_us();
    scale_open(&house, dir, leases, false);
    int64_t opened_us = scale_now_us();
    scale_start(&house);
    int64_t ready_us = scale_now_us();
    while (atomic_load(&house.cloud.sweeps) < 1 || at_rest(&house) < leases)
        usleep(10000);
    int64_t settled_us = scale_now_us();
    while (atomic_load(&house.core.store->unchecked))
        usleep(10000);
    sleep(QUIET_S);
    check_table(&house, leases);
    double held_mib = rss_mib();
    uint64_t before = wakeups_of_others();
    sleep(seconds);
    uint64_t wakeups = wakeups_of_others() - before;
    check_table(&house, leases);
    printf("{\"leases\": %u, \"open_ms\": %.1f, \"ready_ms\": %.1f, \"listed_ms\": %.1f, "
           "\"rss_mib\": %.1f, \"seconds\": %u, \"wakeups\": %" PRIu64 "}\n",
           leases, (double)(opened_us - began_us) / 1000, (double)(ready_us - began_us) / 1000,
           (double)(settled_us - ready_us) / 1000, held_mib, seconds, wakeups);
    scale_close(&house);
    return 0;
}
