/* SPDX-License-Identifier: ISC */
/*
 * upload_cost URL MIB: what an upload of so much costs us, as one line of JSON: seconds of CPU and
 * of the clock, the largest memory, how many blocks were under way. For `make bench`, with
 * tests/bench/sink.c as the service.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "api/clock.h"
#include "api/memory.h"
#include "ec2/upload.h"

#define MIB ((uint64_t)1 << 20)

struct disk {
    uint64_t at, size;
    unsigned char *data; /* owned; 1 MiB */
};

static int next_run(void *ctx, struct ec2_piece *ret, struct mir_error *err)
{
    struct disk *d = ctx;
    *ret = (struct ec2_piece){d->at, d->data, d->at < d->size ? MIB : 0};
    memcpy(d->data, &d->at, sizeof d->at); /* no two are alike */
    d->at += ret->len;
    return 0;
}

static double seconds(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s URL MIB\n", argv[0]);
        return 2;
    }
    struct disk disk = {0, strtoull(argv[2], NULL, 10) * MIB, mir_calloc(1, MIB)};
    struct ec2_credentials keys = {.access_key_id = "AKIDEXAMPLE"};
    struct mir_error err = {0};
    if (mir_secret_set(&keys.secret, "secret", 6, &err))
        return 1;
    struct ec2_session_settings settings = {.region = "eu-central-1",
                                            .credentials = ec2_credentials_fixed(&keys)};
    settings.endpoints[EC2_EBS] = argv[1];
    struct ec2_session *session = ec2_session_new(&settings, &err);
    struct ec2_upload_source source = {next_run, &disk};
    struct ec2_upload_result result = {0};
    const struct mir_clock *clock = mir_clock_system();
    int64_t begun = clock->boot_ms(clock->ctx);
    if (!session || ec2_upload(session, "snap-0123456789abcdef0", disk.size, &source, NULL,
                               ec2_until(session, 600000), &result, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    double wall = (double)(clock->boot_ms(clock->ctx) - begun) / 1000;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"cpu_s\": %.3f, \"wall_s\": %.3f, \"rss_kib\": %ld, \"blocks\": %llu, \"attempts\": "
           "%llu, \"most\": %u}\n",
           seconds(&used.ru_utime) + seconds(&used.ru_stime), wall, used.ru_maxrss,
           (unsigned long long)result.blocks, (unsigned long long)result.attempts, result.most);
    ec2_session_free(session);
    ec2_credentials_clear(&keys);
    free(disk.data);
    return 0;
}
