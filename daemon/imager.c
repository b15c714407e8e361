/* SPDX-License-Identifier: ISC */
#include "imager.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "api/process.h"
#include "api/provider.h"
#include "images/extents.h"
#include "images/helper.h"

#define DISK_MAX_BYTES ((uint64_t)16 << 40) /* the largest volume that a cloud has */
#define WORDS_MAX 10

/* The helper's side: blocks until the helper has ended, while the reader takes what it writes. */
struct build {
    const char *helper_path;
    const char *words[WORDS_MAX];
    int kernel_fd;
    int out_fd;
    int64_t timeout_ms;
    int rc;
    struct img_summary summary;
    struct mir_error error;
};

static void *build_main(void *ctx)
{
    struct build *build = ctx;
    build->rc = img_build_fd(build->helper_path, build->kernel_fd, build->out_fd, "the kernel",
                             build->words, build->timeout_ms, &build->summary, &build->error);
    close(build->out_fd);
    return NULL;
}

static int read_disk(int fd, const struct mir_disk_sink *sink, struct mir_error *err)
{
    mir_auto_extents struct img_extents extents = {.fd = -1};
    struct img_run run;
    if (img_extents_open(&extents, fd, DISK_MAX_BYTES, err) ||
        sink->begin(sink->ctx, extents.size, err))
        return -1;
    while (!img_extents_next(&extents, &run, err)) {
        const struct mir_disk_range range = {.at = run.at, .len = run.len, .data = run.data};
        if (!run.len)
            return 0;
        if (sink->range(sink->ctx, &range, err))
            return -1;
    }
    return -1;
}

/* A helper that fails is why the stream ends early; one that the reader left alone is not. */
static int judge(const struct build *build, int rc, const struct mir_error *reading,
                 struct mir_error *err)
{
    bool cut = reading->kind == MIR_CORRUPT;
    const struct mir_error *why = build->rc && (!rc || cut) ? &build->error : reading;
    if (!rc && !build->rc)
        return 0;
    if (err)
        *err = *why;
    return -1;
}

static int run_build(struct build *build, const struct mir_disk_sink *sink, struct mir_error *err)
{
    int ends[2];
    pthread_t thread;
    struct mir_error reading = {0};
    if (pipe2(ends, O_CLOEXEC))
        return mir_fail_errno(err, errno, "cannot make a pipe");
    build->out_fd = ends[1];
    int failed = pthread_create(&thread, NULL, build_main, build);
    if (failed) {
        close(ends[0]);
        close(ends[1]);
        return mir_fail_errno(err, failed, "cannot start a thread");
    }
    int rc = read_disk(ends[0], sink, &reading);
    close(ends[0]); /* a helper that still writes ends by it */
    pthread_join(thread, NULL);
    return judge(build, rc, &reading, err);
}

static void choose_words(struct build *build, const struct mir_instance_spec *spec,
                         const struct mir_needs *needs, const char *grub)
{
    size_t n = 0;
    build->words[n++] = "--format";
    build->words[n++] = "extents";
    if (needs->layout == MIR_LAYOUT_NONE)
        return;
    build->words[n++] = "--boot";
    build->words[n++] = mir_layout_name(needs->layout);
    if (grub) {
        build->words[n++] = "--grub";
        build->words[n++] = grub;
    }
    if (*spec->arguments) {
        build->words[n++] = "--arguments";
        build->words[n++] = spec->arguments;
    }
}

static int imager_run(void *ctx, const struct mir_instance_spec *spec,
                      const struct mir_needs *needs, const struct mir_disk_sink *sink,
                      int64_t timeout_ms, struct mir_error *err)
{
    struct build build = {.helper_path = ctx, .timeout_ms = timeout_ms};
    mir_auto_free char *grub = mir_data_path("grub", NULL);
    mir_auto_close int fd = -1;
    if (img_open_file(spec->kernel_path, &fd, err))
        return -1;
    build.kernel_fd = fd;
    choose_words(&build, spec, needs, grub);
    return run_build(&build, sink, err);
}

struct mir_imager mird_imager(const char *helper_path)
{
    /* The table's ctx is not const; nothing here writes through it. */
    union {
        const char *borrowed;
        void *ctx;
    } helper = {.borrowed = helper_path};
    return (struct mir_imager){.run = imager_run, .ctx = helper.ctx};
}
