/* SPDX-License-Identifier: ISC */
#include "imager.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "api/process.h"
#include "api/provider.h"
#include "images/bundle_run.h"
#include "images/bundle_stream.h"
#include "images/extents.h"
#include "images/helper.h"

#define DISK_MAX_BYTES ((uint64_t)16 << 40) /* the largest volume that a cloud has */
#define WORDS_MAX (12 + 2 * MIR_BLOCKS_MAX)
#define BUNDLE_WORDS_MAX 24
#define PIECE_BYTES ((size_t)256 << 10)

/* The helper's side runs in a thread of its own, which blocks until the helper has ended, while the
 * reader takes what it writes. */
struct mir_disk {
    const char *helper_path;
    const char *words[WORDS_MAX];
    char *grub;                   /* owned */
    char *blocks[MIR_BLOCKS_MAX]; /* owned: NAME=FILE */
    int kernel_fd;
    int out_fd; /* the thread's */
    int in_fd;  /* the reader's; -1: closed */
    int64_t timeout_ms;
    pthread_t thread;
    bool joined;
    enum { EXTENTS, ONE_FILE, BUNDLE } comes_as;
    struct img_extents extents;
    unsigned char *piece; /* of one file: what came last, owned */
    uint64_t at;          /* ... and how much came before it */
    struct img_bundle_stream files;
    struct img_bundle_run bundler; /* takes what the helper writes, and is read itself */
    /* Of the helper; to be read when the thread was joined. */
    int rc;
    struct img_summary summary;
    struct mir_error error;
};

static void *build_main(void *ctx)
{
    struct mir_disk *disk = ctx;
    disk->rc = img_build_fd(disk->helper_path, disk->kernel_fd, disk->out_fd, "the kernel",
                            disk->words, disk->timeout_ms, &disk->summary, &disk->error);
    close(disk->out_fd);
    return NULL;
}

/* A helper that still writes ends by the closed pipe; who makes a bundle of it, by being killed. */
static void leave(struct mir_disk *disk)
{
    if (disk->joined)
        return;
    close(disk->in_fd);
    if (disk->comes_as == BUNDLE)
        img_bundle_kill(&disk->bundler);
    pthread_join(disk->thread, NULL);
    disk->joined = true;
}

/* Nothing more is read. What the bundler has said goes before the helper's word that nobody read
 * on; but that its disk was cut off is the helper's doing. */
static int bundler_ended(struct mir_disk *disk, struct mir_error *err)
{
    struct mir_error said = {0};
    close(disk->in_fd);
    pthread_join(disk->thread, NULL);
    disk->joined = true;
    int rc = img_bundle_end(&disk->bundler, !disk->rc, &said);
    if ((rc || disk->rc) && err)
        *err = said.kind != MIR_OK ? said : disk->error;
    return rc || disk->rc ? -1 : 0;
}

/* A helper that fails is why the stream ends early. */
static int stream_failed(struct mir_disk *disk, const struct mir_error *reading,
                         struct mir_error *err)
{
    if (disk->comes_as == BUNDLE && reading->kind == MIR_CORRUPT && !disk->joined &&
        bundler_ended(disk, err))
        return -1;
    leave(disk);
    if (err)
        *err = disk->rc && reading->kind == MIR_CORRUPT ? disk->error : *reading;
    return -1;
}

static int stream_ended(struct mir_disk *disk, struct mir_error *err)
{
    if (disk->comes_as == BUNDLE && !disk->joined)
        return bundler_ended(disk, err);
    leave(disk);
    if (disk->rc && err)
        *err = disk->error;
    return disk->rc;
}

static void add_blocks(struct mir_disk *disk, const struct mir_instance_spec *spec, size_t n)
{
    for (unsigned i = 0; spec->blocks && i < spec->blocks->count; i++) {
        const struct mir_block *block = &spec->blocks->list[i];
        disk->blocks[i] = mir_format("%s=%s/%s", block->name, spec->block_folder, block->sha256);
        disk->words[n++] = "--block";
        disk->words[n++] = disk->blocks[i];
    }
}

static void choose_words(struct mir_disk *disk, const struct mir_instance_spec *spec,
                         const struct mir_needs *needs, const char *container)
{
    size_t n = 0;
    disk->words[n++] = "--format";
    disk->words[n++] = container;
    if (needs->layout == MIR_LAYOUT_NONE && !spec->carrier)
        return;
    disk->grub = mir_data_path("grub", NULL);
    if (disk->grub) {
        disk->words[n++] = "--grub";
        disk->words[n++] = disk->grub;
    }
    if (spec->carrier) {
        disk->words[n++] = "--carrier";
        disk->words[n++] = spec->carrier_base;
        disk->words[n++] = "--carrier-conf";
        disk->words[n++] = spec->arguments;
        add_blocks(disk, spec, n);
        return;
    }
    disk->words[n++] = "--boot";
    disk->words[n++] = mir_layout_name(needs->layout);
    if (*spec->arguments) {
        disk->words[n++] = "--arguments";
        disk->words[n++] = spec->arguments;
    }
}

static int start(struct mir_disk *disk, struct mir_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return mir_fail_errno(err, errno, "cannot make a pipe");
    disk->in_fd = ends[0];
    disk->out_fd = ends[1];
    int failed = pthread_create(&disk->thread, NULL, build_main, disk);
    if (!failed)
        return 0;
    close(ends[0]);
    close(ends[1]);
    return mir_fail_errno(err, failed, "cannot start a thread");
}

static void disk_free(struct mir_disk *disk)
{
    img_extents_clear(&disk->extents);
    img_bundle_stream_clear(&disk->files);
    if (disk->kernel_fd >= 0)
        close(disk->kernel_fd);
    free(disk->piece);
    free(disk->grub);
    for (unsigned i = 0; i < MIR_BLOCKS_MAX; i++)
        free(disk->blocks[i]);
    free(disk);
}

static void disk_close(struct mir_disk *disk)
{
    if (!disk)
        return;
    leave(disk);
    disk_free(disk);
}

/* The helper is at work; nothing of what it writes has been read. */
static int begin(const char *helper_path, const struct mir_instance_spec *spec,
                 const struct mir_needs *needs, const char *container, int64_t timeout_ms,
                 struct mir_disk **ret, struct mir_error *err)
{
    if (spec->prover && spec->prover->prove(spec->prover->ctx, spec, needs, err))
        return -1;
    if (spec->carrier && !spec->carrier_base)
        return mir_fail(err, MIR_INTERNAL, "a carrier without its base");
    struct mir_disk *disk = mir_calloc(1, sizeof *disk);
    disk->helper_path = helper_path;
    disk->timeout_ms = timeout_ms;
    disk->kernel_fd = -1;
    choose_words(disk, spec, needs, container);
    if (img_open_file(spec->kernel_path, &disk->kernel_fd, err) || start(disk, err)) {
        disk_free(disk);
        return -1;
    }
    *ret = disk;
    return 0;
}

static int disk_open(void *ctx, const struct mir_instance_spec *spec, const struct mir_needs *needs,
                     int64_t timeout_ms, struct mir_disk **ret, uint64_t *ret_disk_bytes,
                     struct mir_error *err)
{
    struct mir_error reading = {0};
    struct mir_disk *disk;
    if (begin(ctx, spec, needs, "extents", timeout_ms, &disk, err))
        return -1;
    if (img_extents_open(&disk->extents, disk->in_fd, DISK_MAX_BYTES, &reading)) {
        stream_failed(disk, &reading, err);
        disk_close(disk);
        return -1;
    }
    *ret = disk;
    *ret_disk_bytes = disk->extents.size;
    return 0;
}

static int file_open(void *ctx, const struct mir_instance_spec *spec, const struct mir_needs *needs,
                     const char *container, int64_t timeout_ms, struct mir_disk **ret,
                     struct mir_error *err)
{
    struct mir_disk *disk;
    if (begin(ctx, spec, needs, container, timeout_ms, &disk, err))
        return -1;
    disk->comes_as = ONE_FILE;
    disk->piece = mir_calloc(1, PIECE_BYTES);
    *ret = disk;
    return 0;
}

/* --- a bundle: the helper's disk goes through mirage-bundle --- */

static void bundle_words(const struct mir_bundle *bundle, const char *words[BUNDLE_WORDS_MAX])
{
    const struct {
        const char *option, *value;
    } rows[] = {{"--out", "-"},
                {"--size", "extents"},
                {"--name", bundle->name},
                {"--account", bundle->account},
                {"--arch", mir_arch_name(bundle->arch)},
                {"--cert", bundle->cert},
                {"--key", bundle->key},
                {"--ec2-cert", bundle->ec2_cert},
                {"--seed", bundle->seed},
                {"--kernel-id", bundle->kernel_id}};
    size_t n = 0;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (rows[i].value && *rows[i].value) {
            words[n++] = rows[i].option;
            words[n++] = rows[i].value;
        }
    words[n] = NULL;
}

/* Put between the helper's pipe and the reader. */
static int start_bundler(struct mir_disk *disk, const char *const *words, struct mir_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return mir_fail_errno(err, errno, "cannot make a pipe");
    int rc = img_bundle_start(&disk->bundler, words, disk->in_fd, ends[1], err);
    close(ends[1]);
    if (rc) {
        close(ends[0]);
        return -1;
    }
    close(disk->in_fd);
    disk->in_fd = ends[0];
    disk->comes_as = BUNDLE;
    img_bundle_stream_init(&disk->files, disk->in_fd);
    return 0;
}

static int bundle_open(void *ctx, const struct mir_instance_spec *spec,
                       const struct mir_needs *needs, const struct mir_bundle *bundle,
                       int64_t timeout_ms, struct mir_disk **ret, struct mir_error *err)
{
    const char *words[BUNDLE_WORDS_MAX];
    struct mir_disk *disk;
    bundle_words(bundle, words);
    if (begin(ctx, spec, needs, "extents", timeout_ms, &disk, err))
        return -1;
    if (start_bundler(disk, words, err)) {
        disk_close(disk);
        return -1;
    }
    *ret = disk;
    return 0;
}

/* --- what comes next --- */

static int next_piece(struct mir_disk *disk, struct mir_disk_range *ret, struct mir_error *err)
{
    struct img_bundle_piece piece;
    if (img_bundle_stream_next(&disk->files, &piece, err))
        return -1;
    *ret = (struct mir_disk_range){
        .at = piece.at, .len = piece.len, .data = piece.data, .file = piece.name};
    return 0;
}

static int next_extent(struct mir_disk *disk, struct mir_disk_range *ret, struct mir_error *err)
{
    struct img_run run;
    if (img_extents_next(&disk->extents, &run, err))
        return -1;
    *ret = (struct mir_disk_range){.at = run.at, .len = run.len, .data = run.data};
    return 0;
}

static int next_bytes(struct mir_disk *disk, struct mir_disk_range *ret, struct mir_error *err)
{
    ssize_t n;
    do
        n = read(disk->in_fd, disk->piece, PIECE_BYTES);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return mir_fail_errno(err, errno, "cannot read from the inspector");
    *ret = (struct mir_disk_range){.at = disk->at, .len = (uint64_t)n, .data = disk->piece};
    disk->at += (uint64_t)n;
    return 0;
}

static int disk_next(struct mir_disk *disk, struct mir_disk_range *ret, struct mir_error *err)
{
    static int (*const nexts[])(struct mir_disk *, struct mir_disk_range *, struct mir_error *) = {
        [EXTENTS] = next_extent, [ONE_FILE] = next_bytes, [BUNDLE] = next_piece};
    struct mir_disk_range range;
    struct mir_error reading = {0};
    if (nexts[disk->comes_as](disk, &range, &reading))
        return stream_failed(disk, &reading, err);
    if (!range.len && stream_ended(disk, err))
        return -1;
    *ret = range;
    return 0;
}

struct mir_imager mird_imager(const char *helper_path)
{
    /* The table's ctx is not const; nothing here writes through it. */
    union {
        const char *borrowed;
        void *ctx;
    } helper = {.borrowed = helper_path};
    return (struct mir_imager){.open = disk_open,
                               .open_file = file_open,
                               .open_bundle = bundle_open,
                               .next = disk_next,
                               .close = disk_close,
                               .ctx = helper.ctx};
}
