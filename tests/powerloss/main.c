/* SPDX-License-Identifier: ISC */
/* powerloss: records a history of leases and plays every moment of it back as a power loss, every
 * failed sync, and flipped bits. Speaks TAP; with --expect-caught it passes when something is
 * wrong, for the faults that are planted on purpose. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "powerloss.h"

#define JOBS_MAX 16
#define SMALL_LEASES 12 /* of the histories in which something fails */

struct sizes {
    unsigned long leases, threads, jobs;
    unsigned long every;     /* of the cuts, one in so many */
    unsigned long draws;     /* at each of them */
    unsigned long flips;     /* of each file that is flipped */
    unsigned long every_bit; /* of the page of a record, one in so many */
    unsigned long failures;  /* of the syncs and writes, so many fail; 0 all */
    unsigned long after;     /* cuts after each of them; 0 all */
    unsigned long seed;
    unsigned long piece, pieces; /* of everything, one in so many: a run can be cut in pieces */
    unsigned long only;          /* this part; 0 all */
    unsigned long early, lies, expect_caught, verbose; /* 0 or 1 */
};

/* What one part came to. */
struct result {
    unsigned long images, whole, kept, histories;
    bool failed;
    char why[600];
};

/* One worker of a part. */
struct work {
    const struct sizes *sizes;
    const struct history *h;
    unsigned worker, stride; /* it has one thing in so many, from that one on */
    char dir[64];            /* of its own */
    struct image image;
    struct known known; /* of the history that is looked at */
    struct result result;
    int option; /* what the part is about */
};

typedef void part_fn(struct work *work);

/* --- one image --- */

/* false when it is wrong; `what` then says where. */
static bool try_image(struct work *work, const struct history *h, size_t at, bool flipped,
                      const char *what)
{
    struct verdict verdict;
    image_write(&work->image, work->dir);
    judge(h, at, work->dir, flipped ? &work->image : NULL, &work->known, &verdict);
    work->result.images++;
    work->result.whole += verdict.finding == TRUE_ALL;
    work->result.kept += verdict.finding == KEPT_ASIDE;
    if (verdict.finding == TRUE_ALL || (flipped && verdict.finding == KEPT_ASIDE))
        return true;
    work->result.failed = true;
    snprintf(work->result.why, sizeof work->result.why, "%s, cut %zu: %s", what, at,
             verdict.finding == KEPT_ASIDE ? "a power loss was taken for damage" : verdict.why);
    return false;
}

static struct dice dice_for(const struct work *work, size_t at, unsigned draw)
{
    struct dice dice = {work->sizes->seed ^ (at * 1000003 + draw) * 7919};
    dice_next(&dice);
    return dice;
}

/* --- cuts --- */

/* Before a sync, most is acknowledged and least is synced; elsewhere what counts is writes. */
static bool is_cut(const struct disk *disk, size_t at, enum keep keep)
{
    if (at >= disk->op_count)
        return true;
    bool sync = disk->ops[at].kind >= DISK_SYNC;
    return keep == KEEP_NOTHING ? sync : !sync;
}

/* One worker has one run of them, since neighbours come to the same database. */
static void part_cuts(struct work *work)
{
    const struct history *h = work->h;
    const struct sizes *sizes = work->sizes;
    enum keep keep = (enum keep)work->option;
    unsigned long draws = keep == KEEP_NOTHING || keep == KEEP_ALL ? 1 : sizes->draws;
    size_t every = keep == KEEP_NOTHING ? 1 + sizes->every / 8 : sizes->every, number = 0,
           count = 0;
    struct walk walk;
    for (size_t at = h->opened; at <= h->disk.op_count; at++)
        count += is_cut(&h->disk, at, keep);
    size_t from = count * work->worker / work->stride,
           to = count * (work->worker + 1) / work->stride;
    walk_start(&walk, &h->disk, NULL);
    for (size_t at = h->opened; at <= h->disk.op_count && number < to && !work->result.failed;
         at++) {
        walk_to(&walk, at);
        if (!is_cut(&h->disk, at, keep) || number++ < from || (number - 1) % every)
            continue;
        for (unsigned draw = 0; draw < draws; draw++) {
            struct dice dice = dice_for(work, at, draw);
            walk_image(&walk, keep, &dice, &work->image);
            if (!try_image(work, h, at, false, keep_names[keep]))
                break;
        }
    }
    walk_stop(&walk);
}

/* --- flipped bits --- */

static void whole_image(const struct history *h, size_t at, struct image *ret)
{
    struct walk walk;
    struct dice dice = {1};
    walk_start(&walk, &h->disk, NULL);
    walk_to(&walk, at);
    walk_image(&walk, KEEP_ALL, &dice, ret);
    walk_stop(&walk);
}

static bool try_flip(struct work *work, size_t at, enum disk_file file, size_t byte, unsigned bit)
{
    char what[80];
    snprintf(what, sizeof what, "bit %u of byte %zu of %s flipped", bit, byte, disk_names[file]);
    work->image.files[file].bytes[byte] ^= (unsigned char)(1u << bit);
    bool well = try_image(work, work->h, at, true, what);
    work->image.files[file].bytes[byte] ^= (unsigned char)(1u << bit);
    return well;
}

/* Spread evenly over a file, a bit by chance; the database after an orderly end, the log after a
 * crash. */
static void part_flips(struct work *work)
{
    enum disk_file file = (enum disk_file)work->option;
    const struct history *h = work->h;
    size_t at = file == DISK_DB ? h->disk.op_count : h->closing;
    whole_image(h, at, &work->image);
    size_t size = work->image.files[file].size, stride = 1 + size / work->sizes->flips;
    for (size_t i = work->worker; i * stride < size; i += work->stride) {
        struct dice dice = dice_for(work, i, 0);
        size_t byte = i * stride + dice_roll(&dice, stride);
        if (byte < size && !try_flip(work, at, file, byte, (unsigned)dice_roll(&dice, 8)))
            break;
    }
}

/* The page on which the record of a lease stands. */
static size_t record_page(const struct work *work)
{
    const struct image_file *db = &work->image.files[DISK_DB];
    const struct lease *lease = &work->h->leases[work->h->lease_count / 3];
    mir_auto_free char *text = mir_format("{\"id\":\"%s\"", lease->d.id);
    const unsigned char *found = memmem(db->bytes, db->size, text, strlen(text));
    return found ? (size_t)(found - db->bytes) / 4096 * 4096 : SIZE_MAX;
}

static void part_record(struct work *work)
{
    size_t at = work->h->disk.op_count, every = work->sizes->every_bit;
    whole_image(work->h, at, &work->image);
    size_t page = record_page(work);
    if (page == SIZE_MAX) {
        work->result.failed = true;
        snprintf(work->result.why, sizeof work->result.why, "no record found in state.db");
        return;
    }
    for (size_t bit = work->worker * every; bit < 8 * 4096; bit += every * work->stride)
        if (!try_flip(work, at, DISK_DB, page + bit / 8, bit % 8))
            break;
    if (work->result.whole && !work->result.failed) {
        work->result.failed = true;
        snprintf(work->result.why, sizeof work->result.why, "%lu flips were not noticed",
                 work->result.whole);
    }
}

/* --- a disk that fails --- */

/* Where the disk failed; a write that failed left nothing that stands for it. */
static size_t failed_at(const struct history *h)
{
    size_t at = h->opened;
    while (at < h->disk.op_count && h->disk.ops[at].kind != DISK_SYNC_FAILED)
        at++;
    return at < h->disk.op_count ? at : h->opened;
}

static void cut_failed(struct work *work, const struct history *h, struct dice *limbo)
{
    struct walk walk;
    size_t from = failed_at(h), count = 0, number = 0;
    for (size_t at = from; at <= h->disk.op_count; at++)
        count += is_cut(&h->disk, at, KEEP_NOTHING);
    size_t every =
        work->sizes->after && count > work->sizes->after ? count / work->sizes->after : 1;
    walk_start(&walk, &h->disk, limbo);
    for (size_t at = from; at <= h->disk.op_count && !work->result.failed; at++) {
        walk_to(&walk, at);
        if (!is_cut(&h->disk, at, KEEP_NOTHING) || number++ % every)
            continue;
        struct dice dice = dice_for(work, at, 0);
        walk_image(&walk, limbo ? KEEP_SECTORS : KEEP_NOTHING, &dice, &work->image);
        try_image(work, h, at, false, "after a failure");
    }
    walk_stop(&walk);
}

static struct history_plan small_plan(const struct work *work, int64_t failing)
{
    return (struct history_plan){.leases = SMALL_LEASES,
                                 .seed = work->sizes->seed + (uint64_t)failing,
                                 .crashes = (unsigned)(failing % 3) * 4,
                                 .falls = failing % 2 == 0,
                                 .lies = work->sizes->lies != 0,
                                 .early = work->sizes->early != 0,
                                 .fail_sync = work->option == DISK_SYNC ? failing : 0,
                                 .fail_write = work->option == DISK_WRITE ? failing : 0};
}

static void part_failures(struct work *work)
{
    struct history h;
    struct history_plan plan = small_plan(work, 0);
    history_run(&h, &plan);
    int64_t last = (int64_t)(work->option == DISK_SYNC ? h.disk.sync_count : h.disk.write_count);
    history_free(&h);
    size_t failures = work->sizes->failures;
    int64_t step = failures && last > (int64_t)failures ? last / (int64_t)failures : 1;
    int64_t first = 1 + (int64_t)work->worker * step;
    for (int64_t n = first; n <= last && !work->result.failed; n += step * (int64_t)work->stride) {
        struct dice limbo = {(uint64_t)n};
        plan = small_plan(work, n);
        history_run(&h, &plan);
        work->result.histories++;
        if (h.complaint[0]) {
            work->result.failed = true;
            snprintf(work->result.why, sizeof work->result.why, "failure %lld: %s", (long long)n,
                     h.complaint);
        } else {
            cut_failed(work, &h, NULL);
            cut_failed(work, &h, &limbo);
        }
        known_clear(&work->known);
        history_free(&h);
    }
}

/* --- parts, each in processes of its own --- */

static const struct part {
    const char *name;
    part_fn *fn;
    int option;
} parts[] = {
    {"what was not synced is lost", part_cuts, KEEP_NOTHING},
    {"some writes are there, others not", part_cuts, KEEP_WRITES},
    {"torn at sectors", part_cuts, KEEP_SECTORS},
    {"the process is killed", part_cuts, KEEP_ALL},
    {"a sync fails, then the power", part_failures, DISK_SYNC},
    {"a write fails, then the power", part_failures, DISK_WRITE},
    {"a bit of the database flips", part_flips, DISK_DB},
    {"a bit of the log flips", part_flips, DISK_LOG},
    {"any bit around a lease's record flips", part_record, 0},
};

static void run_worker(const struct part *part, struct work *work, int fd)
{
    const char *base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    snprintf(work->dir, sizeof work->dir, "%s/mir-power-XXXXXX", base);
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (!mkdtemp(work->dir) || quiet < 0)
        abort();
    if (!work->sizes->verbose)
        dup2(quiet, STDERR_FILENO);
    work->option = part->option;
    part->fn(work);
    known_clear(&work->known);
    image_clear(&work->image);
    mir_dir_remove_at(AT_FDCWD, work->dir, NULL);
    if (write(fd, &work->result, sizeof work->result) != sizeof work->result)
        abort();
}

static void merge(struct result *to, const struct result *from)
{
    to->images += from->images;
    to->whole += from->whole;
    to->kept += from->kept;
    to->histories += from->histories;
    if (from->failed && !to->failed) {
        to->failed = true;
        memcpy(to->why, from->why, sizeof to->why);
    }
}

static struct result run_part(const struct part *part, const struct sizes *sizes,
                              const struct history *h)
{
    struct result all = {0}, one;
    pid_t pids[JOBS_MAX];
    int ends[2];
    if (pipe(ends))
        abort();
    fflush(stdout);
    for (unsigned i = 0; i < sizes->jobs; i++) {
        pids[i] = fork();
        if (pids[i] < 0)
            abort();
        if (pids[i] == 0) {
            struct work work = {.sizes = sizes,
                                .h = h,
                                .worker =
                                    (unsigned)(sizes->piece % sizes->pieces * sizes->jobs) + i,
                                .stride = (unsigned)(sizes->pieces * sizes->jobs)};
            run_worker(part, &work, ends[1]);
            _exit(0);
        }
    }
    close(ends[1]);
    while (read(ends[0], &one, sizeof one) == sizeof one)
        merge(&all, &one);
    close(ends[0]);
    for (unsigned i = 0; i < sizes->jobs; i++) {
        int status = 0;
        waitpid(pids[i], &status, 0);
        if (status && !all.failed) {
            all.failed = true;
            snprintf(all.why, sizeof all.why, "a worker ended with status %#x", (unsigned)status);
        }
    }
    return all;
}

static void report(unsigned number, const struct part *part, const struct result *result)
{
    printf("%sok %u - %s: %lu images, %lu true, %lu kept aside", result->failed ? "not " : "",
           number, part->name, result->images, result->whole, result->kept);
    if (result->histories)
        printf(", %lu histories", result->histories);
    printf("\n");
    if (result->failed)
        printf("# %s\n", result->why);
    fflush(stdout);
}

/* --- the program --- */

#define SIZE(word, member, least, argument)                                                        \
    {                                                                                              \
        word, offsetof(struct sizes, member), least, argument                                      \
    }

static const struct {
    const char *word;
    size_t offset;
    unsigned long least;
    int argument;
} words[] = {
    SIZE("leases", leases, 4, 1),
    SIZE("threads", threads, 0, 1),
    SIZE("jobs", jobs, 1, 1),
    SIZE("every", every, 1, 1),
    SIZE("draws", draws, 1, 1),
    SIZE("flips", flips, 1, 1),
    SIZE("every-bit", every_bit, 1, 1),
    SIZE("failures", failures, 0, 1),
    SIZE("after", after, 0, 1),
    SIZE("seed", seed, 0, 1),
    SIZE("piece", piece, 0, 1),
    SIZE("pieces", pieces, 1, 1),
    SIZE("only", only, 0, 1),
    SIZE("early", early, 1, 0),
    SIZE("lies", lies, 1, 0),
    SIZE("verbose", verbose, 1, 0),
    SIZE("expect-caught", expect_caught, 1, 0),
};

static int read_options(int argc, char **argv, struct sizes *ret)
{
    struct option options[MIR_NELEMS(words) + 1] = {0};
    for (size_t i = 0; i < MIR_NELEMS(words); i++)
        options[i] = (struct option){words[i].word, words[i].argument, NULL, (int)i};
    for (int i; (i = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (i < 0 || i >= (int)MIR_NELEMS(words))
            return -1;
        unsigned long value = optarg ? strtoul(optarg, NULL, 10) : 1;
        value = value < words[i].least ? words[i].least : value;
        memcpy((char *)ret + words[i].offset, &value, sizeof value);
    }
    ret->jobs = ret->jobs < JOBS_MAX ? ret->jobs : JOBS_MAX;
    return 0;
}

static int run_all(const struct sizes *sizes)
{
    struct history h;
    const struct history_plan plan = {.leases = sizes->leases,
                                      .threads = (unsigned)sizes->threads,
                                      .seed = sizes->seed,
                                      .crashes = 2,
                                      .early = sizes->early != 0,
                                      .lies = sizes->lies != 0};
    unsigned failed = 0;
    history_run(&h, &plan);
    printf("# seed %lu: %lu leases, %lu writes, %lu syncs, %u restarts\n", sizes->seed,
           sizes->leases, h.disk.write_count, h.disk.sync_count, h.restarts);
    if (h.complaint[0]) {
        printf(sizes->expect_caught ? "ok 1 - caught in the history itself: %s\n1..1\n"
                                    : "Bail out! the history itself: %s\n",
               h.complaint);
        history_free(&h);
        return !sizes->expect_caught;
    }
    for (unsigned i = 0; i < MIR_NELEMS(parts) && !(failed && sizes->expect_caught); i++) {
        if (sizes->only && sizes->only != i + 1)
            continue;
        struct result result = run_part(&parts[i], sizes, &h);
        failed += result.failed;
        if (!sizes->expect_caught)
            report(i + 1, &parts[i], &result);
        else if (result.failed)
            printf("ok 1 - caught: %s: %s\n1..1\n", parts[i].name, result.why);
    }
    history_free(&h);
    if (!sizes->expect_caught)
        printf("1..%zu\n", sizes->only ? 1 : MIR_NELEMS(parts));
    else if (!failed)
        printf("not ok 1 - nothing was noticed\n1..1\n");
    return sizes->expect_caught ? !failed : failed != 0;
}

int main(int argc, char **argv)
{
    /* Sizes of make check; make powerloss has the full ones. --every 1 is every cut. */
    struct sizes sizes = {.leases = 40,
                          .threads = 4,
                          .jobs = 2,
                          .every = 60,
                          .draws = 1,
                          .flips = 70,
                          .every_bit = 501,
                          .failures = 24,
                          .after = 3,
                          .seed = 1,
                          .pieces = 1};
    return read_options(argc, argv, &sizes) ? 2 : run_all(&sizes);
}
