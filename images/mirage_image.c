/* SPDX-License-Identifier: ISC */
/*
 * mirage-image: the program that looks into kernels. It opens what it is asked to open, closes the
 * sandbox behind itself, and only then looks at the first byte.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/buf.h"
#include "api/file.h"
#include "api/json.h"
#include "images/helper.h"
#include "images/inspect.h"
#include "images/report.h"
#include "images/sandbox.h"
#include "job.h"
#include "request.h"

static const char usage[] =
    "usage: mirage-image inspect FILE [--json]\n"
    "       mirage-image inspect - [--json]          read from stdin\n"
    "       mirage-image inspect --fd N [--json]     read an inherited descriptor\n"
    "       mirage-image unpack FILE > OUTPUT        take the compression off\n"
    "       mirage-image build FILE --format FORMAT [OPTIONS] > OUTPUT\n"
    "       mirage-image --version | --help\n"
    "\n"
    "Says what a unikernel or disk image is, what it needs, and where it boots and why not.\n"
    "Compressed files (gzip, bzip2, xz, zstd) are unpacked on the fly. The file is looked at in a\n"
    "sandbox without files, network and processes. With --json the answer, or the error, is one\n"
    "line of JSON on stdout (of unpack and build: on stderr).\n"
    "\n"
    "build writes a disk that starts the kernel, or converts a disk. Options: --boot bios | uefi "
    "|\n"
    "both | pvgrub | pvgrub-bare, --arguments 'LINE' for the kernel, --module FILE (an initramfs, "
    "a\n"
    "module of Xen; up to 8), --size BYTES, --grub FOLDER with the boot loaders; --carrier FOLDER\n"
    "(made by mirage-carrier) with --carrier-conf 'LINES', which starts the kernel from inside; "
    "to\n"
    "that --block NAME=FILE (up to 16): a copy of the file as the kernel's block device NAME.\n"
    "\n"
    "exit status: 0 done, 1 failed, 2 not usable (empty, damaged, bad arguments), 3 not found,\n"
    "             5 no permission\n";

/* --- output: one write to a descriptor, for stdio would ask the kernel for more than the sandbox
 * gives --- */

static int put(int fd, const struct mir_buf *out)
{
    return mir_write_all(fd, mir_buf_text(out), out->len);
}

/* JSON is UTF-8; a file name or a message may be anything. */
static json_t *text_json(const char *text)
{
    json_t *json = json_string(text);
    if (json)
        return json;
    char ascii[sizeof((struct mir_error *)0)->text];
    size_t i = 0;
    for (; text[i] && i + 1 < sizeof ascii; i++)
        ascii[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    ascii[i] = '\0';
    return json_string(ascii);
}

static void put_json(int fd, json_t *json)
{
    struct mir_buf out;
    mir_buf_init(&out, (size_t)1 << 20);
    char *text = mir_json_text(json);
    mir_buf_addf(&out, "%s\n", text);
    put(fd, &out);
    free(text);
    mir_buf_clear(&out);
    json_decref(json);
}

/* stderr may be a terminal: no control characters of a file name get there. */
static void put_message(const struct mir_error *err)
{
    struct mir_buf out;
    mir_buf_init(&out, (size_t)64 << 10);
    mir_buf_addf(&out, "mirage-image: %s", err->text);
    if (err->hint[0])
        mir_buf_addf(&out, " (%s)", err->hint);
    for (size_t i = 0; i < out.len; i++)
        if ((unsigned char)out.data[i] < 0x20 || out.data[i] == 0x7f)
            out.data[i] = '?';
    mir_buf_adds(&out, "\n");
    put(STDERR_FILENO, &out);
    mir_buf_clear(&out);
}

static json_t *error_json(const struct mir_error *err)
{
    return json_pack("{s:{s:s, s:o, s:o}}", "error", "code", mir_kind_info(err->kind)->name, "text",
                     text_json(err->text), "hint", text_json(err->hint));
}

/* stdout of unpack and build belongs to the data: an error for machines goes to stderr, alone. */
static int fail(const struct mir_error *err, const struct img_request *req)
{
    bool data_on_stdout = req->command != IMG_INSPECT;
    if (!req->json || !data_on_stdout)
        put_message(err);
    if (req->json)
        put_json(data_on_stdout ? STDERR_FILENO : STDOUT_FILENO, error_json(err));
    return mir_kind_info(err->kind)->exit_code;
}

/* --- inspect --- */

static int open_input(const struct img_request *req, int *ret_fd, struct mir_error *err)
{
    if (req->fd >= 0)
        *ret_fd = req->fd;
    else if (!strcmp(req->file, "-"))
        *ret_fd = STDIN_FILENO;
    else
        return img_open_file(req->file, ret_fd, err);
    return 0;
}

/* What stdout may grow by. Of an image it is the place of the last byte, for its holes count. */
static uint64_t output_limit(const struct img_request *req, uint64_t bytes)
{
    switch (req->command) {
    case IMG_BUILD:
        return 2 * IMG_DISK_BYTES_MAX;
    case IMG_UNPACK:
        return bytes + krn_limits_default()->max_unpacked_bytes;
    case IMG_INSPECT:
        break;
    }
    return 0;
}

/* A disk may come in deflated pieces, and go out in such; what is laid out has tables. */
static uint64_t build_work(const struct img_request *req, uint64_t bytes)
{
    return req->command == IMG_BUILD ? 4 * bytes + ((uint64_t)4 << 30) : bytes;
}

static int enter_sandbox(const struct img_request *req, const struct img_job *job, int fd,
                         struct mir_error *err)
{
    struct stat st;
    if (fstat(fd, &st))
        return mir_fail_errno(err, errno, "the descriptor %d cannot be read", fd);
    uint64_t bytes = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : (uint64_t)1 << 30;
    struct img_sandbox sandbox = {
        .layers = IMG_SANDBOX_ALL,
        .work_bytes = build_work(req, bytes) + job->guest_disks.bytes,
        .output_bytes = output_limit(req, bytes),
        .die_with_parent = req->fd >= 0, /* only programs hand over descriptors */
        .builds = req->command == IMG_BUILD,
        .in_fd = req->command == IMG_BUILD && job->content_fd >= 0 ? job->content_fd : fd,
        .out_fd = STDOUT_FILENO,
    };
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
    json_object_seed(1);      /* our own keys only; otherwise it would open /dev/urandom */
    return img_sandbox_enter(&sandbox, NULL, err);
}

static int inspect(const struct img_request *req, int fd, const char *name, struct mir_error *err)
{
    struct mir_kernel kernel;
    if (krn_inspect_fd(fd, krn_limits_default(), &kernel, err))
        return -1;
    if (req->json) {
        put_json(STDOUT_FILENO, mir_kernel_to_json(&kernel));
        return 0;
    }
    struct mir_buf out;
    mir_buf_init(&out, (size_t)64 << 10);
    img_report(&kernel, name, &out);
    int rc = put(STDOUT_FILENO, &out);
    if (rc)
        mir_fail_errno(err, errno, "cannot write the answer");
    mir_buf_clear(&out);
    return rc;
}

/* --- unpack and build: the bytes go to stdout --- */

static int unpack(int fd, struct mir_error *err)
{
    uint64_t bytes;
    return krn_unpack_fd(fd, STDOUT_FILENO, krn_limits_default(), &bytes, err);
}

static int build(const struct img_request *req, struct img_job *job, struct mir_error *err)
{
    struct img_summary image;
    if (img_job_run(job, &image, err))
        return -1;
    if (req->json)
        put_json(STDERR_FILENO, img_summary_to_json(&image));
    return 0;
}

static int work(const struct img_request *req, struct img_job *job, int fd, const char *name,
                struct mir_error *err)
{
    switch (req->command) {
    case IMG_INSPECT:
        return inspect(req, fd, name, err);
    case IMG_UNPACK:
        return unpack(fd, err);
    case IMG_BUILD:
        return build(req, job, err);
    }
    return -1;
}

/* The exit code. Nothing is freed: the process ends. */
static int run(int argc, char **argv)
{
    struct img_request req;
    struct img_job job;
    struct mir_error err = {0};
    int fd = -1;
    if (img_request_parse(argc, argv, &req, &err) || open_input(&req, &fd, &err) ||
        (req.command == IMG_BUILD && img_job_open(&job, &req, fd, STDOUT_FILENO, &err)) ||
        enter_sandbox(&req, &job, fd, &err))
        return fail(&err, &req);
    const char *name = req.file && fd != STDIN_FILENO ? req.file : "stdin";
    if (!work(&req, &job, fd, name, &err))
        return 0;
    if (req.fd < 0) /* who hands over a descriptor knows its name */
        mir_error_wrap(&err, "%s", name);
    return fail(&err, &req);
}

static int unknown_command(const char *command)
{
    struct mir_error err;
    mir_fail(&err, MIR_USAGE, "unknown command %s", command);
    mir_error_hint(&err, "see mirage-image --help");
    return fail(&err, &(struct img_request){.fd = -1});
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (!strcmp(command, "inspect") || !strcmp(command, "unpack") || !strcmp(command, "build"))
        _exit(run(argc, argv)); /* nothing is buffered, and exit handlers need more than the
                                       sandbox allows */
    if (!strcmp(command, "sandbox-check"))
        return img_sandbox_check();
    if (!strcmp(command, "--version"))
        return puts("mirage-image " MIR_VERSION) < 0;
    if (!strcmp(command, "--help"))
        return fputs(usage, stdout) < 0;
    if (*command)
        return unknown_command(command);
    fputs(usage, stderr);
    return 2;
}
