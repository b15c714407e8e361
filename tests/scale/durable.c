/* SPDX-License-Identifier: ISC */
/* Rows "single" and "grouped": how many lease changes a second the store makes durable. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/memory.h"
#include "daemon/store.h"
#include "scale.h"

#define APPEND_BYTES 128
#define SLICE 50      /* of one kind, then of the other */
#define LEASES 10000u /* that the grouped changes go round */
#define UNDER_WAY 4096u

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *list, unsigned count)
{
    qsort(list, count, sizeof *list, by_value);
    return list[count / 2];
}

static void append_once(int fd)
{
    static const char text[APPEND_BYTES] = "a lease change, as short as it gets";
    if (write(fd, text, sizeof text) != sizeof text || fdatasync(fd))
        scale_fail("append", NULL);
}

static void read_lease(struct scale_house *house, unsigned number, struct mird_deployment *ret)
{
    char id[MIR_ID_TEXT];
    struct mir_error err = {0};
    scale_id(number, id);
    if (mird_store_deployment_get(house->core.store, id, ret, &err))
        scale_fail("read", &err);
}

static void change_once(struct scale_house *house, struct mird_deployment *d)
{
    const struct mird_news news = {.event_count = 1,
                                   .events = {{.kind = "lease", .text = "extended by a second"}}};
    struct mir_error err = {0};
    d->deadline_s++;
    if (mird_store_deployment_commit(house->core.store, d, &news, d->deadline_s * 1000, &err))
        scale_fail("commit", &err);
}

int scale_single(const char *dir, unsigned rounds)
{
    struct scale_house house;
    struct mird_deployment d;
    double *ratios = mir_calloc(rounds, sizeof *ratios), *ours = mir_calloc(rounds, sizeof *ours);
    scale_open(&house, dir, 1, false);
    scale_fill(&house, 0, 1, scale_now_us() / 1000000 + 86400);
    read_lease(&house, 0, &d);
    char *path = mir_format("%s/append", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    for (unsigned i = 0; i < rounds; i++) {
        int64_t began_us = scale_now_us();
        for (int k = 0; k < SLICE; k++)
            append_once(fd);
        int64_t between_us = scale_now_us();
        for (int k = 0; k < SLICE; k++)
            change_once(&house, &d);
        int64_t ended_us = scale_now_us();
        ours[i] = (double)(ended_us - between_us) / SLICE;
        ratios[i] = (double)(between_us - began_us) / (double)(ended_us - between_us);
    }
    double change_us = median(ours, rounds), ratio = median(ratios, rounds);
    printf("{\"rounds\": %u, \"change_us\": %.1f, \"append_us\": %.1f, \"ratio\": %.3f}\n", rounds,
           change_us, change_us * ratio, ratio);
    close(fd);
    free(path);
    free(ratios);
    free(ours);
    scale_close(&house);
    return 0;
}

/* --- grouped --- */

struct grouped {
    pthread_mutex_t lock;
    pthread_cond_t room;
    unsigned under_way, done, failed;
    bool waiting;
    struct slot {
        struct grouped *all;
        struct mird_deployment d;
        bool busy;
    } * slots; /* owned */
};

static void slot_done(void *ctx, int rc, const struct mir_error *err)
{
    struct slot *slot = ctx;
    struct grouped *all = slot->all;
    (void)err;
    pthread_mutex_lock(&all->lock);
    slot->busy = false;
    slot->d.version += !rc;
    all->failed += rc != 0;
    all->done++;
    all->under_way--;
    if (all->waiting)
        pthread_cond_signal(&all->room);
    pthread_mutex_unlock(&all->lock);
}

/* Room for a good many: who waits is not woken for each of them. */
static void wait_for_room(struct grouped *all, unsigned most, const bool *busy)
{
    all->waiting = true;
    while (*busy || all->under_way > most)
        pthread_cond_wait(&all->room, &all->lock);
    all->waiting = false;
}

static void change_later(struct scale_house *house, struct slot *slot)
{
    static const struct mird_news news = {
        .event_count = 1,
        .events = {{.kind = "lease", .text = "extended by a second"}},
        .audit_count = 1,
        .audits = {{.who = "somebody", .what = "extend", .detail = "by a second"}}};
    struct grouped *all = slot->all;
    pthread_mutex_lock(&all->lock);
    if (slot->busy || all->under_way >= UNDER_WAY)
        wait_for_room(all, UNDER_WAY / 2, &slot->busy);
    slot->busy = true;
    all->under_way++;
    slot->d.deadline_s++;
    pthread_mutex_unlock(&all->lock);
    if (mird_store_deployment_submit(house->core.store, &slot->d, &news, slot->d.deadline_s * 1000,
                                     slot_done, slot))
        scale_fail("submit", NULL);
}

/* Every change that was told to be durable is in the store. */
static void check_slots(struct scale_house *house, struct grouped *all, unsigned leases)
{
    for (unsigned i = 0; i < leases; i++) {
        struct mird_deployment d;
        read_lease(house, i, &d);
        if (all->failed || d.version != all->slots[i].d.version ||
            d.deadline_s != all->slots[i].d.deadline_s)
            scale_fail("a change is lost", NULL);
    }
}

int scale_grouped(const char *dir, unsigned changes)
{
    struct scale_house house;
    struct grouped all = {.lock = PTHREAD_MUTEX_INITIALIZER, .room = PTHREAD_COND_INITIALIZER};
    unsigned leases = changes < LEASES ? changes : LEASES;
    scale_open(&house, dir, leases, false);
    scale_fill(&house, 0, leases, scale_now_us() / 1000000 + 86400);
    all.slots = mir_calloc(leases, sizeof *all.slots);
    for (unsigned i = 0; i < leases; i++) {
        all.slots[i].all = &all;
        read_lease(&house, i, &all.slots[i].d);
    }
    int64_t began_us = scale_now_us();
    for (unsigned i = 0; i < changes; i++)
        change_later(&house, &all.slots[i % leases]);
    pthread_mutex_lock(&all.lock);
    all.waiting = true;
    while (all.done < changes)
        pthread_cond_wait(&all.room, &all.lock);
    pthread_mutex_unlock(&all.lock);
    int64_t took_us = scale_now_us() - began_us;
    check_slots(&house, &all, leases);
    printf("{\"changes\": %u, \"per_s\": %.0f}\n", changes,
           (double)changes * 1e6 / (double)took_us);
    free(all.slots);
    scale_close(&house);
    return 0;
}
