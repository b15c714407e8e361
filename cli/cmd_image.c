/* SPDX-License-Identifier: ISC */
/* image build KERNEL: needs no daemon, unless the image is to be proven. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/buf.h"
#include "api/cleanup.h"
#include "api/memory.h"
#include "api/process.h"
#include "client.h"
#include "images/bundle_run.h"
#include "images/helper.h"
#include "images/layout.h"
#include "interrupt.h"
#include "output_file.h"
#include "print.h"
#include "prove.h"
#include "value.h"

#define WORDS_MAX 40
#define EC2_BUNDLE "ec2-bundle"
#define MIB ((uint64_t)1 << 20)
#define BUNDLE_SPARE_BYTES (16 * MIB) /* of the file system beside the kernel */
#define TIMEOUT_MS (60 * 60 * 1000)
#define PROVE_S 60

/* The options of mirage-image build. */
struct words {
    const char *list[WORDS_MAX];
    size_t count;
    char size[24];
    struct mir_buf arguments;
    char *grub; /* owned */
};

static void add(struct words *words, const char *option, const char *value)
{
    if (!value || words->count + 3 > WORDS_MAX)
        return;
    words->list[words->count++] = option;
    words->list[words->count++] = value;
}

static void clear_words(struct words *words)
{
    mir_buf_clear(&words->arguments);
    free(words->grub);
}

/* One line for the boot configuration: --arg first, then what stands behind "--". */
static int join_arguments(const struct cmd_args *args, struct mir_buf *line, struct mir_error *err)
{
    const char *text;
    mir_buf_init(line, IMG_ARGUMENTS_MAX);
    for (size_t i = 0; (text = cmd_args_nth(args, OPT_ARG, i)); i++)
        mir_buf_addf(line, "%s%s", line->len ? " " : "", text);
    for (char *const *rest = args->rest; rest && *rest; rest++)
        mir_buf_addf(line, "%s%s", line->len ? " " : "", *rest);
    if (!line->full)
        return 0;
    mir_fail(err, MIR_USAGE, "the kernel arguments are longer than %d bytes", IMG_ARGUMENTS_MAX);
    return mir_error_hint(err, "a boot configuration has room for no more");
}

static int collect(const struct cmd_args *args, struct words *words, bool *ret_bundle,
                   struct mir_error *err)
{
    const char *text, *format = cmd_args_text(args, OPT_FORMAT);
    uint64_t size_bytes;
    if (join_arguments(args, &words->arguments, err))
        return -1;
    *ret_bundle = format && !strcmp(format, EC2_BUNDLE);
    add(words, "--format", format && !*ret_bundle ? format : "raw");
    add(words, "--boot", cmd_args_text(args, OPT_BOOT));
    if (words->arguments.len)
        add(words, "--arguments", mir_buf_text(&words->arguments));
    text = cmd_args_text(args, OPT_SIZE);
    if (text && !cmd_size_parse(text, &size_bytes, NULL)) {
        snprintf(words->size, sizeof words->size, "%" PRIu64, size_bytes);
        add(words, "--size", words->size);
    }
    for (size_t i = 0; (text = cmd_args_nth(args, OPT_MODULE, i)); i++) {
        if (i == IMG_MODULES_MAX)
            return mir_fail(err, MIR_USAGE, "more than %d modules", IMG_MODULES_MAX);
        add(words, "--module", text);
    }
    words->grub = mir_data_path("grub", NULL);
    add(words, "--grub", words->grub);
    return 0;
}

static void print_proof(const struct cmd_context *ctx, const json_t *proof)
{
    size_t i;
    json_t *one;
    json_array_foreach(proof, i, one)
    {
        mir_auto_free char *machine = cmd_machine_text(json_object_get(one, "machine"));
        mir_auto_free char *text = mir_format("%s after %.1f s (%s)", cmd_text(one, "verdict"),
                                              (double)cmd_number(one, "after_ms") / 1000, machine);
        cmd_print_row(ctx, "proof", text);
    }
}

/* proof borrowed, NULL: it was not asked for. */
static void print(const struct cmd_context *ctx, const char *path, const struct img_summary *image,
                  json_t *proof)
{
    char disk[32], written[32];
    if (ctx->json) {
        json_t *json = img_summary_to_json(image);
        json_object_set_new(json, "file", json_string(path));
        if (proof)
            json_object_set(json, "proof", proof);
        cmd_print_json(ctx, json);
        json_decref(json);
        return;
    }
    cmd_size_format(image->disk_bytes, disk, sizeof disk);
    cmd_size_format(image->written_bytes, written, sizeof written);
    cmd_print_row(ctx, "image", path);
    cmd_print_row(ctx, "format", image->format);
    cmd_print_row(ctx, "boots by", image->boot);
    cmd_print_row(ctx, "disk", disk);
    cmd_print_row(ctx, "written", written);
    cmd_print_row(ctx, "kernel", image->kernel);
    print_proof(ctx, proof);
}

/* Between the last byte and the name. An interruption waits until what was booted is gone. */
static int prove(struct cmd_context *ctx, const char *helper, int kernel_fd,
                 const struct cmd_output_file *file, const struct img_summary *image, json_t **ret,
                 struct mir_error *err)
{
    struct mir_kernel kernel;
    int64_t limit_s = cmd_args_seconds(&ctx->args, OPT_PROVE_TIMEOUT);
    struct cmd_proof proof = {.kernel = &kernel,
                              .image = image,
                              .name = file->path,
                              .fd = file->fd,
                              .limit_s = limit_s ? limit_s : PROVE_S};
    if (img_inspect_fd(helper, kernel_fd, cmd_args_text(&ctx->args, OPT_KERNEL), 0, &kernel, err))
        return -1;
    int rc = cmd_prove(ctx, &proof, ret, err);
    if (rc && *ret && ctx->json)
        ctx->partial = json_pack("{s:O}", "proof", *ret);
    return rc;
}

static int refuse_proof(const struct cmd_context *ctx, const char *why, struct mir_error *err)
{
    if (!cmd_args_flag(&ctx->args, OPT_PROVE, false))
        return 0;
    mir_fail(err, MIR_POLICY, "nothing was proven: %s", why);
    return mir_error_hint(err, "leave --prove away, or name a file of a disk with -o");
}

static int build_file(struct cmd_context *ctx, const struct words *words, struct mir_error *err)
{
    const char *kernel = cmd_args_text(&ctx->args, OPT_KERNEL);
    const char *path = cmd_args_text(&ctx->args, OPT_OUTPUT);
    struct cmd_output_file file;
    bool proving = cmd_args_flag(&ctx->args, OPT_PROVE, false);
    struct img_summary image;
    json_t *proof = NULL;
    mir_auto_close int fd = -1;
    mir_auto_free char *helper = mir_program_path("mirage-image", err);
    if (!strcmp(path, "-") &&
        refuse_proof(ctx, "an image on standard output has gone before it is proven", err))
        return -1;
    if (!helper || img_open_file(kernel, &fd, err) ||
        cmd_output_open(&file, path, cmd_args_flag(&ctx->args, OPT_FORCE, false), err))
        return -1;
    int rc = img_build_fd(helper, fd, file.fd, kernel, words->list, TIMEOUT_MS, &image, err);
    if (!rc && proving)
        rc = prove(ctx, helper, fd, &file, &image, &proof, err);
    if (!rc && cmd_interrupt_pending())
        rc = mir_fail(err, MIR_INTERRUPTED, "interrupted: no image was made");
    if (!rc)
        rc = cmd_output_keep(&file, err);
    if (!rc && proving)
        cmd_interrupt_says("the image is made, and proven: %s", path);
    cmd_output_close(&file);
    cmd_interrupt_defer(false); /* ends here, if there was one */
    if (!rc && !file.is_stdout)
        print(ctx, path, &image, proof);
    json_decref(proof);
    return rc;
}

/* --- the bundle of EC2: a folder, made by a second program of the disk on a pipe --- */

static int missing(const char *option, const char *what, struct mir_error *err)
{
    mir_fail(err, MIR_USAGE, "an ec2-bundle needs --%s: %s", option, what);
    return mir_error_hint(err, "see: mirage-deploy help image build");
}

/* A folder, which may be named with a slash at its end; owned. */
static char *bundle_path(const struct cmd_args *args, struct mir_error *err)
{
    const char *path = cmd_args_text(args, OPT_OUTPUT);
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len != 1 || *path != '-')
        return mir_format("%.*s", (int)len, path);
    mir_fail(err, MIR_USAGE, "an ec2-bundle is a folder, and standard output is none");
    mir_error_hint(err, "name a folder with -o");
    return NULL;
}

static int bundle_words(const struct cmd_args *args, const char *path,
                        const struct mir_kernel *kernel, const char *size, struct words *words,
                        struct mir_error *err)
{
    static const enum cmd_opt needed[] = {OPT_CERT, OPT_KEY, OPT_EC2_CERT, OPT_ACCOUNT};
    static const char *const as[] = {"--cert", "--key", "--ec2-cert", "--account"};
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; i < MIR_NELEMS(needed); i++) {
        const struct cmd_option *option = &cmd_options[needed[i]];
        const char *text = cmd_args_text(args, needed[i]);
        if (!text)
            return missing(option->name, option->help + strlen("ec2-bundle: "), err);
        add(words, as[i], text);
    }
    add(words, "--kernel-id", cmd_args_text(args, OPT_KERNEL_ID));
    add(words, "--out", path);
    add(words, "--name", slash ? slash + 1 : path);
    add(words, "--size", size);
    add(words, "--arch", mir_arch_name(kernel->arch));
    if (cmd_args_flag(args, OPT_FORCE, false))
        words->list[words->count++] = "--force";
    return 0;
}

/* The bundle says how large the disk is before the first byte of it comes. */
static void choose_size(const struct cmd_args *args, const struct mir_kernel *kernel,
                        struct words *words)
{
    uint64_t bytes = kernel->unpacked_bytes + BUNDLE_SPARE_BYTES;
    if (cmd_args_text(args, OPT_SIZE))
        return;
    snprintf(words->size, sizeof words->size, "%" PRIu64, (bytes + MIB - 1) / MIB * MIB);
    add(words, "--size", words->size);
}

static int bundle(struct cmd_context *ctx, struct words *disk, const char *helper, const char *path,
                  int fd, struct img_summary *ret, struct mir_error *err)
{
    const char *name = cmd_args_text(&ctx->args, OPT_KERNEL);
    struct words own = {.count = 0};
    struct mir_kernel kernel;
    int pipe_fds[2];
    struct img_bundle_run run;
    if (img_inspect_fd(helper, fd, name, 0, &kernel, err))
        return -1;
    choose_size(&ctx->args, &kernel, disk);
    if (!cmd_args_text(&ctx->args, OPT_BOOT))
        add(disk, "--boot", "pvgrub-bare"); /* PV-GRUB hd0: what bundles were */
    if (bundle_words(&ctx->args, path, &kernel, disk->size, &own, err))
        return -1;
    if (pipe2(pipe_fds, O_CLOEXEC))
        return mir_fail_errno(err, errno, "cannot make a pipe");
    int failed = img_bundle_start(&run, own.list, pipe_fds[0], -1, err);
    close(pipe_fds[0]);
    if (failed) {
        close(pipe_fds[1]);
        return -1;
    }
    struct mir_error first = {0};
    int rc = img_build_fd(helper, fd, pipe_fds[1], name, disk->list, TIMEOUT_MS, ret, &first);
    close(pipe_fds[1]);
    if (img_bundle_end(&run, !rc, err)) /* its reason is why the disk was not taken */
        rc = err->kind != MIR_OK ? 1 : -1;
    if (rc == -1)
        *err = first;
    return rc ? -1 : 0;
}

static int build_bundle(struct cmd_context *ctx, struct words *words, struct mir_error *err)
{
    struct img_summary image;
    mir_auto_close int fd = -1;
    mir_auto_free char *path = bundle_path(&ctx->args, err);
    if (!path || refuse_proof(ctx, "an ec2-bundle starts by PV-GRUB, which is a part of Xen", err))
        return -1;
    mir_auto_free char *helper = mir_program_path("mirage-image", err);
    if (!helper || img_open_file(cmd_args_text(&ctx->args, OPT_KERNEL), &fd, err) ||
        bundle(ctx, words, helper, path, fd, &image, err))
        return -1;
    mir_copy(image.format, sizeof image.format, EC2_BUNDLE);
    print(ctx, path, &image, NULL);
    return 0;
}

int cmd_image_build(struct cmd_context *ctx, struct mir_error *err)
{
    bool is_bundle = false;
    struct words words = {.count = 0};
    cmd_interrupt_says("no image was made");
    int rc = cmd_args_require(&ctx->args, OPT_OUTPUT, cmd_may_ask(ctx), err);
    if (!rc)
        rc = collect(&ctx->args, &words, &is_bundle, err);
    if (!rc)
        rc = is_bundle ? build_bundle(ctx, &words, err) : build_file(ctx, &words, err);
    clear_words(&words);
    return rc;
}
