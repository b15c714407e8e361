/* SPDX-License-Identifier: ISC */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/buf.h"
#include "api/file.h"
#include "api/memory.h"
#include "images/inspect.h"
#include "images/sandbox.h"
#include "unwrap.h"

#define MODULE_BYTES_MAX ((size_t)192 << 20)
#define HEAD_BYTES 16
#define HINT_BYTES_MAX ((size_t)200)

/* --- what was asked for --- */

static int unknown_format(const char *name, struct mir_error *err)
{
    mir_auto_buf struct mir_buf known;
    mir_buf_init(&known, HINT_BYTES_MAX);
    for (const struct img_container *c = img_containers(); c->name; c++)
        mir_buf_addf(&known, "%s%s", known.len ? ", " : "", c->name);
    mir_fail(err, MIR_USAGE, "there is no image format '%.40s'", name);
    return mir_error_hint(err, "there are: %s", mir_buf_text(&known));
}

static int unknown_boot(const char *name, struct mir_error *err)
{
    mir_auto_buf struct mir_buf known;
    mir_buf_init(&known, HINT_BYTES_MAX);
    for (int boot = 0; boot < IMG_BOOT_COUNT; boot++)
        mir_buf_addf(&known, "%s%s", boot ? ", " : "", img_boot_name((enum img_boot)boot));
    mir_fail(err, MIR_USAGE, "there is no way to boot '%.40s'", name);
    return mir_error_hint(err, "there are: %s", mir_buf_text(&known));
}

static int take_request(struct img_job *job, const struct img_request *req, struct mir_error *err)
{
    struct img_build *build = &job->build;
    build->container = img_container_by_name(req->format);
    if (!build->container)
        return unknown_format(req->format, err);
    int boot = req->boot ? img_boot_by_name(req->boot) : 0;
    if (boot < 0)
        return unknown_boot(req->boot, err);
    build->boot_given = req->boot != NULL;
    build->recipe = (struct img_recipe){.boot = (enum img_boot)boot,
                                        .arguments = req->arguments,
                                        .modules = job->modules,
                                        .guest_disks = &job->guest_disks,
                                        .disk_bytes = req->size_bytes};
    return 0;
}

/* --- modules --- */

static int read_module(const char *path, struct img_module *ret, struct mir_error *err)
{
    char *content;
    size_t len;
    const char *slash = strrchr(path, '/');
    if (mir_file_read(path, MODULE_BYTES_MAX, &content, &len, err))
        return -1;
    *ret = (struct img_module){
        .name = slash ? slash + 1 : path, .bytes = (const unsigned char *)content, .len = len};
    return 0;
}

static int read_modules(struct img_job *job, const struct img_request *req, struct mir_error *err)
{
    for (unsigned i = 0; i < req->module_count; i++) {
        if (read_module(req->modules[i], &job->modules[i], err))
            return -1;
        job->build.recipe.module_count++;
    }
    return 0;
}

/* --- the unpacker --- */

static _Noreturn void be_unpacker(int fd, int out_fd)
{
    struct stat st;
    uint64_t bytes;
    const struct krn_limits *limits = krn_limits_default();
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0 || dup2(out_fd, STDOUT_FILENO) < 0 || dup2(null_fd, STDERR_FILENO) < 0 ||
        fstat(fd, &st))
        _exit(1);
    close(out_fd);
    struct img_sandbox sandbox = {.layers = IMG_SANDBOX_ALL,
                                  .work_bytes = limits->max_unpacked_bytes,
                                  .die_with_parent = true};
    if (img_sandbox_enter(&sandbox, NULL, NULL))
        _exit(1);
    _exit(krn_unpack_fd(fd, STDOUT_FILENO, limits, &bytes, NULL) ? 1 : 0);
}

static int start_unpacker(struct img_job *job, struct mir_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return mir_fail_errno(err, errno, "cannot make a pipe");
    pid_t pid = fork(); /* nobody waits for it: it ends with its pipe, or with us */
    if (pid == 0) {
        close(ends[0]);
        be_unpacker(job->fd, ends[1]);
    }
    int saved = errno;
    close(ends[1]);
    job->content_fd = ends[0];
    return pid < 0 ? mir_fail_errno(err, saved, "cannot start the unpacker") : 0;
}

static int open_content(struct img_job *job, struct mir_error *err)
{
    unsigned char head[HEAD_BYTES];
    ssize_t n = pread(job->fd, head, sizeof head, 0);
    if (n < 0 && errno == ESPIPE) {
        mir_fail(err, MIR_USAGE, "the kernel is read more than once, and a pipe comes once");
        return mir_error_hint(err, "name a file");
    }
    if (n < 0)
        return mir_fail_errno(err, errno, "cannot read the file");
    if (krn_container_of(head, (size_t)n) == MIR_CONTAINER_NONE)
        return 0;
    return start_unpacker(job, err);
}

/* --- all of it --- */

int img_job_open(struct img_job *job, const struct img_request *req, int fd, int out_fd,
                 struct mir_error *err)
{
    *job = (struct img_job){.fd = fd, .content_fd = -1};
    if (take_request(job, req, err) || read_modules(job, req, err))
        return -1;
    if (req->grub && !access(req->grub, F_OK)) {
        if (img_grub_open(req->grub, &job->grub, err))
            return -1;
        job->build.grub = &job->grub;
    }
    if (req->carrier) {
        if (img_carrier_open(req->carrier, &job->carrier, err))
            return -1;
        job->build.carrier = &job->carrier;
        job->build.carrier_conf = req->carrier_conf;
    }
    for (unsigned i = 0; i < req->block_count; i++)
        if (img_guest_disks_add(&job->guest_disks, req->blocks[i], err))
            return -1;
    if (open_content(job, err))
        return -1;
    img_input_init(&job->content, job->content_fd >= 0 ? job->content_fd : job->fd);
    img_output_init(&job->output, out_fd);
    return 0;
}

void img_job_clear(struct img_job *job)
{
    img_grub_clear(&job->grub);
    img_carrier_clear(&job->carrier);
    img_guest_disks_clear(&job->guest_disks);
    for (unsigned i = 0; i < job->build.recipe.module_count; i++)
        free((void *)(uintptr_t)job->modules[i].bytes); /* made by read_module */
    if (job->content_fd >= 0)
        close(job->content_fd);
}

static void summarize(const struct img_job *job, const struct img_built *built,
                      struct img_summary *ret)
{
    *ret = (struct img_summary){.disk_bytes = built->disk_bytes,
                                .written_bytes = built->written_bytes,
                                .output_bytes = built->output_bytes};
    mir_copy(ret->kernel, sizeof ret->kernel, built->kernel.sha256);
    mir_copy(ret->format, sizeof ret->format, job->build.container->name);
    mir_copy(ret->boot, sizeof ret->boot, built->converted ? "as-is" : img_boot_name(built->boot));
}

int img_job_run(struct img_job *job, struct img_summary *ret, struct mir_error *err)
{
    struct mir_kernel kernel;
    struct img_built built;
    if (krn_inspect_fd(job->fd, krn_limits_default(), &kernel, err) ||
        img_guest_disks_read(&job->guest_disks, err))
        return -1;
    if (img_build_run(&job->build, &kernel, &job->content, &job->output, &built, err))
        return -1;
    summarize(job, &built, ret);
    return 0;
}
