/* SPDX-License-Identifier: ISC */
/* Row "due": many leases that end in the same second, among many that do not. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "api/memory.h"
#include "engine_parts.h"
#include "scale.h"

#define AHEAD_S 3 /* to start in, beside what filling takes */
#define FILLED_IN_A_SECOND 4000
#define PATIENCE_S 600

struct fired {
    _Atomic int64_t *at_us; /* of each hand-over, in order; owned */
    atomic_uint count;
    unsigned max;
};

static void on_fired(void *ctx, const struct mird_entry *entry)
{
    struct fired *fired = ctx;
    (void)entry;
    unsigned at = atomic_fetch_add(&fired->count, 1);
    if (at < fired->max)
        fired->at_us[at] = scale_now_us();
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* Lateness as quantiles and as a histogram with four steps for each doubling, in ms. */
static void print_lateness(const char *name, int64_t *late_us, unsigned count)
{
    qsort(late_us, count, sizeof *late_us, by_value);
    printf("\"%s\": {\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"p999_ms\": %.3f, \"max_ms\": %.3f, "
           "\"histogram\": [",
           name, (double)late_us[count / 2] / 1000,
           (double)late_us[(uint64_t)count * 99 / 100] / 1000,
           (double)late_us[(uint64_t)count * 999 / 1000] / 1000, (double)late_us[count - 1] / 1000);
    static const double steps[] = {1, 1.19, 1.41, 1.68};
    unsigned at = 0;
    const char *comma = "";
    for (int64_t base_us = 1; at < count; base_us *= 2)
        for (unsigned i = 0; i < 4 && at < count; i++) {
            unsigned before = at;
            while (at < count && (double)late_us[at] <= (double)base_us * steps[i])
                at++;
            if (at > before) {
                printf("%s[%.4f, %u]", comma, (double)base_us * steps[i] / 1000, at - before);
                comma = ", ";
            }
        }
    printf("]}");
}

static int64_t cpu_us(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (int64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 + use.ru_utime.tv_usec +
           use.ru_stime.tv_usec;
}

static int64_t reaper_cpu_us(struct mird_engine *engine)
{
    clockid_t clock;
    struct timespec spent = {0};
    if (!pthread_getcpuclockid(engine->reaper, &clock))
        clock_gettime(clock, &spent);
    return (int64_t)spent.tv_sec * 1000000 + spent.tv_nsec / 1000;
}

static void wait_gone(struct scale_house *house, unsigned due)
{
    struct mird_store_figures figures = {0};
    for (int i = 0; i < PATIENCE_S * 20 && figures.by_state[MIRD_GONE] < due; i++) {
        usleep(50000);
        if (mird_store_figures(house->core.store, &figures, NULL))
            scale_fail("figures", NULL);
    }
    if (figures.by_state[MIRD_GONE] != due) {
        fprintf(stderr, "scale: %zu of %u are gone\n", figures.by_state[MIRD_GONE], due);
        exit(1);
    }
}

/* The ledger, then the store: who was to end has ended and nobody else, once, and not too early. */
static void check_ledger(struct scale_house *house, unsigned leases, unsigned due)
{
    struct scale_cloud *cloud = &house->cloud;
    struct mird_store_figures figures;
    unsigned wrong = 0;
    for (unsigned i = 0; i < leases; i++)
        wrong += atomic_load(&cloud->alive[i]) != (i >= due);
    if (mird_store_figures(house->core.store, &figures, NULL))
        scale_fail("figures", NULL);
    unsigned deletes = atomic_load(&cloud->deletes), early = atomic_load(&cloud->early);
    if (!wrong && deletes == due && !early && !atomic_load(&cloud->unknown) &&
        figures.by_state[MIRD_GONE] == due && figures.open == leases - due)
        return;
    fprintf(stderr, "scale: %u wrong, %u deletes, %u early; %zu gone and %zu open of %u\n", wrong,
            deletes, early, figures.by_state[MIRD_GONE], figures.open, leases);
    exit(1);
}

static void report(struct scale_house *house, struct fired *fired, unsigned due, int64_t reaper_us,
                   int64_t all_us)
{
    struct scale_cloud *cloud = &house->cloud;
    int64_t *late_us = mir_calloc(due, sizeof *late_us);
    printf("{\"leases\": %u, \"due\": %u, \"cpu_us_each\": %.2f, \"cpu_us_each_whole\": %.1f, ",
           cloud->count, due, (double)reaper_us / due, (double)all_us / due);
    for (unsigned i = 0; i < due; i++)
        late_us[i] = fired->at_us[i] - cloud->deadline_us;
    print_lateness("handed_over", late_us, due);
    printf(", ");
    for (unsigned i = 0; i < due; i++)
        late_us[i] = cloud->ended[i] - cloud->deadline_us;
    print_lateness("delete_sent", late_us, due);
    printf("}\n");
    free(late_us);
}

/* While the deletes of some hang, all others end; released, those end too. */
int scale_hang(const char *dir, unsigned due, unsigned each)
{
    struct scale_house house;
    unsigned hanging = (due + each - 1) / each;
    scale_open(&house, dir, due, false);
    int64_t deadline_s = scale_now_us() / 1000000 + AHEAD_S;
    house.cloud.deadline_us = deadline_s * 1000000;
    house.cloud.hang_each = each;
    scale_fill(&house, 0, due, deadline_s);
    scale_start(&house);
    wait_gone(&house, due - hanging);
    for (unsigned i = 0; i < due; i++)
        if (atomic_load(&house.cloud.alive[i]) != (i % each == 0))
            scale_fail("one that does not hang has not ended", NULL);
    atomic_store(&house.cloud.released, true);
    wait_gone(&house, due);
    check_ledger(&house, due, due);
    printf("{\"due\": %u, \"hanging\": %u}\n", due, hanging);
    scale_close(&house);
    return 0;
}

int scale_due(const char *dir, unsigned leases, unsigned due)
{
    struct scale_house house;
    struct fired fired = {.at_us = mir_calloc(due, sizeof *fired.at_us), .max = due};
    scale_open(&house, dir, leases, true);
    scale_fill(&house, due, leases, scale_now_us() / 1000000 + 86400);
    int64_t deadline_s = scale_now_us() / 1000000 + AHEAD_S + due / FILLED_IN_A_SECOND;
    house.cloud.deadline_us = deadline_s * 1000000;
    scale_fill(&house, 0, due, deadline_s);
    scale_start(&house);
    struct mird_engine *engine = house.core.engine;
    pthread_mutex_lock(&engine->lock);
    engine->fired = on_fired;
    engine->fired_ctx = &fired;
    pthread_mutex_unlock(&engine->lock);
    while (scale_now_us() < house.cloud.deadline_us - 100000)
        usleep(50000);
    int64_t reaper_us = reaper_cpu_us(engine), all_us = cpu_us();
    wait_gone(&house, due);
    reaper_us = reaper_cpu_us(engine) - reaper_us;
    all_us = cpu_us() - all_us;
    check_ledger(&house, leases, due);
    report(&house, &fired, due, reaper_us, all_us);
    scale_close(&house);
    free(fired.at_us);
    return 0;
}
