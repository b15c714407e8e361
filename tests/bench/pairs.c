/* SPDX-License-Identifier: ISC */
/*
 * pairs ROUNDS COMMAND... -- COMMAND...: run two commands in turn, in slices of a tenth of a
 * second: A A A B B B A A A ... One line per round after the first (which warms up): the median
 * wall and CPU time of A in its slice, then of B, in microseconds. The commands' output is dropped;
 * a command that fails ends the run.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

#define SLICE_US 1e5
#define SLICE_RUNS_MAX 512

struct taken {
    double wall_us, cpu_us;
};

static double now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static double cpu_us(const struct rusage *use)
{
    return (double)(use->ru_utime.tv_sec + use->ru_stime.tv_sec) * 1e6 +
           (double)(use->ru_utime.tv_usec + use->ru_stime.tv_usec);
}

static int run(char **argv, const posix_spawn_file_actions_t *quiet, struct taken *ret)
{
    pid_t pid;
    int status;
    struct rusage use;
    double began = now_us();
    if (posix_spawnp(&pid, argv[0], quiet, NULL, argv, environ) || wait4(pid, &status, 0, &use) < 0)
        return -1;
    *ret = (struct taken){now_us() - began, cpu_us(&use)};
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int by_wall(const void *a, const void *b)
{
    const struct taken *x = a, *y = b;
    return (x->wall_us > y->wall_us) - (x->wall_us < y->wall_us);
}

/* The first run of a slice finds the other command's traces in every cache: it does not count,
 * unless it is the only one. */
static int slice(char **argv, const posix_spawn_file_actions_t *quiet, struct taken *ret)
{
    static struct taken runs[SLICE_RUNS_MAX];
    size_t count = 0;
    for (double began = now_us(); count < SLICE_RUNS_MAX && now_us() - began < SLICE_US; count++)
        if (run(argv, quiet, &runs[count]))
            return -1;
    size_t first = count > 1;
    qsort(runs + first, count - first, sizeof runs[0], by_wall);
    *ret = runs[first + (count - first) / 2];
    return 0;
}

int main(int argc, char **argv)
{
    char **b = NULL;
    for (int i = 3; i < argc && !b; i++)
        if (!strcmp(argv[i], "--")) {
            argv[i] = NULL;
            b = argv + i + 1;
        }
    if (!b || !*b) {
        fputs("usage: pairs ROUNDS COMMAND... -- COMMAND...\n", stderr);
        return 2;
    }
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    long rounds = strtol(argv[1], NULL, 10);
    for (long i = 0; i <= rounds; i++) {
        struct taken a, other;
        if (slice(argv + 2, &quiet, &a) || slice(b, &quiet, &other)) {
            fprintf(stderr, "pairs: %s or %s failed\n", argv[2], b[0]);
            return 1;
        }
        if (i > 0)
            printf("%.1f %.1f %.1f %.1f\n", a.wall_us, a.cpu_us, other.wall_us, other.cpu_us);
    }
    posix_spawn_file_actions_destroy(&quiet);
    return 0;
}
