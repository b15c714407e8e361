/* SPDX-License-Identifier: ISC */
/* sim: run many seeds, or one of them again with its story. Exit status 1: an invariant broke. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "sim.h"

struct options {
    uint64_t seeds, from;
    const char *cloud;
    const char *lateness; /* a file to append to, NULL none */
    int fault;
    bool hard, replay;
};

static const char usage[] =
    "usage: sim [--seeds N] [--from S] [--cloud ec2|nova|local|all] [--hard]\n"
    "           [--fault NAME|list] [--replay SEED] [--lateness FILE]\n"
    "  --hard   20 % errors, 20 % lost answers, 10 % crashes a step (else 5 %, 5 %, 0.5 %)\n"
    "  --fault  with a rule planted out of the engine; the run has to fail\n"
    "  --lateness  append a line of JSON for each cloud: how late teardowns were (plot.py)\n";

static int fault_by_name(const char *name)
{
    for (int i = 0; i < SIM_FAULT_COUNT; i++)
        if (!strcmp(name, sim_fault_name(i)))
            return i;
    return -1;
}

static int list_faults(void)
{
    for (int i = 1; i < SIM_FAULT_COUNT; i++)
        puts(sim_fault_name(i));
    exit(0);
}

static int parse(int argc, char **argv, struct options *ret)
{
    static const struct option table[] = {
        {"seeds", required_argument, NULL, 's'}, {"from", required_argument, NULL, 'f'},
        {"cloud", required_argument, NULL, 'c'}, {"replay", required_argument, NULL, 'r'},
        {"fault", required_argument, NULL, 'x'}, {"lateness", required_argument, NULL, 'l'},
        {"hard", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c == 's')
            ret->seeds = strtoull(optarg, NULL, 10);
        else if (c == 'f')
            ret->from = strtoull(optarg, NULL, 10);
        else if (c == 'c')
            ret->cloud = optarg;
        else if (c == 'l')
            ret->lateness = optarg;
        else if (c == 'h')
            ret->hard = true;
        else if (c == 'x')
            ret->fault = strcmp(optarg, "list") ? fault_by_name(optarg) : list_faults();
        else if (c == 'r') {
            ret->replay = true;
            ret->from = strtoull(optarg, NULL, 10);
            ret->seeds = 1;
        } else
            return -1;
    }
    return optind == argc && ret->fault >= 0 ? 0 : -1;
}

static int64_t quantile_ms(const struct sim_figures *figures, unsigned per_mille)
{
    uint64_t sum = 0;
    for (int i = 0; i < SIM_LATE_SLOTS; i++) {
        sum += figures->late[i];
        if (sum * 1000 >= figures->late_count * per_mille)
            return (i + 1) * 100;
    }
    return SIM_NEVER;
}

static void report(const struct sim_cloud *cloud, const struct sim_figures *f)
{
    printf("%-6s %" PRIu64 " leases, %" PRIu64 " objects, %" PRIu64 " crashes; gone after the "
           "deadline: p50 %.1f s, p99 %.1f s; worst, outages taken off, %.1f s (with them %.1f "
           "s)\n",
           cloud->name, f->leases, f->objects, f->crashes, (double)quantile_ms(f, 500) / 1000,
           (double)quantile_ms(f, 990) / 1000, (double)f->worst_ms / 1000,
           (double)f->worst_raw_ms / 1000);
}

/* Pairs of [100 ms, count]; the last slot is everything from 300 s on. */
static int write_lateness(const struct options *options, const struct sim_figures *figures)
{
    FILE *file = fopen(options->lateness, "a");
    if (!file) {
        perror(options->lateness);
        return -1;
    }
    for (int c = 0; c < SIM_CLOUDS; c++) {
        const char *comma = "";
        if (!figures[c].seeds)
            continue;
        fprintf(file,
                "{\"cloud\":\"%s\",\"rates\":\"%s\",\"seeds\":%" PRIu64 ",\"worst_ms\":%" PRId64
                ",\"late\":[",
                sim_clouds[c].name, options->hard ? "hard" : "ordinary", figures[c].seeds,
                figures[c].worst_ms);
        for (int i = 0; i < SIM_LATE_SLOTS; i++)
            if (figures[c].late[i]) {
                fprintf(file, "%s[%d,%" PRIu64 "]", comma, i, figures[c].late[i]);
                comma = ",";
            }
        fputs("]}\n", file);
    }
    return fclose(file);
}

static bool one(struct sim_world *w, uint64_t seed, const struct sim_cloud *cloud,
                const struct options *options, struct sim_figures *figures)
{
    if (sim_run(w, seed, cloud, options->fault, options->hard, options->replay, figures))
        return true;
    printf("seed=%" PRIu64 " cloud=%s: %s: %s; replay with --cloud %s%s%s%s --replay %" PRIu64 "\n",
           seed, cloud->name, w->broken, w->detail, cloud->name, options->hard ? " --hard" : "",
           options->fault ? " --fault " : "", options->fault ? sim_fault_name(options->fault) : "",
           seed);
    return false;
}

/* True when every seed went well; how many there were in *ret_runs. */
static bool run(struct sim_world *w, const struct options *options, struct sim_figures *figures,
                uint64_t *ret_runs)
{
    bool all = !strcmp(options->cloud, "all");
    for (uint64_t seed = options->from; seed < options->from + options->seeds; seed++)
        for (unsigned c = 0; c < SIM_CLOUDS; c++) {
            if (all ? seed % SIM_CLOUDS != c : strcmp(options->cloud, sim_clouds[c].name) != 0)
                continue;
            ++*ret_runs;
            if (!one(w, seed, &sim_clouds[c], options, &figures[c]))
                return false;
        }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.seeds = 1000, .cloud = "all"};
    if (parse(argc, argv, &options)) {
        fputs(usage, stderr);
        return 2;
    }
    struct sim_figures figures[SIM_CLOUDS] = {0};
    struct sim_world *w = calloc(1, sizeof *w);
    if (!w)
        return 1;
    const struct mir_clock *clock = mir_clock_system();
    int64_t began_ms = clock->boot_ms(clock->ctx);
    uint64_t runs = 0;
    bool well = run(w, &options, figures, &runs);
    int64_t took_ms = clock->boot_ms(clock->ctx) - began_ms + 1;
    for (int c = 0; c < SIM_CLOUDS && well; c++)
        if (figures[c].seeds)
            report(&sim_clouds[c], &figures[c]);
    printf("%" PRIu64 " seeds in %.1f s (%.0f/s): %s\n", runs, (double)took_ms / 1000,
           (double)runs * 1000 / (double)took_ms, well ? "every invariant held" : "BROKEN");
    free(w);
    if (well && options.lateness && write_lateness(&options, figures))
        return 2;
    return well && runs ? 0 : 1;
}
