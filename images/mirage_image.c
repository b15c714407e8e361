/* SPDX-License-Identifier: ISC */
/*
 * mirage-image: the program that looks into kernels. It opens what it is asked to open, closes the
 * sandbox behind itself, and only then looks at the first byte.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/buf.h"
#include "api/file.h"
#include "api/json.h"
#include "api/suggest.h"
#include "images/helper.h"
#include "images/inspect.h"
#include "images/report.h"
#include "images/sandbox.h"

static const char usage[] =
    "usage: mirage-image inspect FILE [--json]\n"
    "       mirage-image inspect - [--json]          read from stdin\n"
    "       mirage-image inspect --fd N [--json]     read an inherited descriptor\n"
    "       mirage-image unpack FILE > OUTPUT        take the compression off\n"
    "       mirage-image --version | --help\n"
    "\n"
    "Says what a unikernel or disk image is, what it needs, and where it boots and why not.\n"
    "Compressed files (gzip, bzip2, xz, zstd) are unpacked on the fly. The file is looked at in a\n"
    "sandbox without files, network and processes. With --json the answer, or the error, is one\n"
    "line of JSON on stdout (of unpack: on stderr).\n"
    "\n"
    "exit status: 0 done, 1 failed, 2 not usable (empty, damaged, bad arguments), 3 not found,\n"
    "             5 no permission\n";

struct request {
    const char *file; /* as given; NULL with fd */
    int fd;
    bool json;
    bool unpack;
};

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

/* stdout of unpack belongs to the data: an error for machines goes to stderr, alone. */
static int fail(const struct mir_error *err, const struct request *req)
{
    if (!req->json || !req->unpack)
        put_message(err);
    if (req->json)
        put_json(req->unpack ? STDERR_FILENO : STDOUT_FILENO, error_json(err));
    return mir_kind_info(err->kind)->exit_code;
}

/* --- arguments --- */

static int parse_fd(const char *text, int *ret_fd, struct mir_error *err)
{
    char *end;
    errno = 0;
    long fd = strtol(text, &end, 10);
    if (errno || end == text || *end || fd < 0 || fd > 1 << 20)
        return mir_fail(err, MIR_USAGE, "--fd %s: not the number of a descriptor", text);
    *ret_fd = (int)fd;
    return 0;
}

static int unknown_option(const char *option, struct mir_error *err)
{
    static const char *const known[] = {"--json", "--fd", "--help", "--version"};
    const char *near = mir_suggest(option, known, MIR_NELEMS(known));
    mir_fail(err, MIR_USAGE, "unknown option %s", option);
    return near ? mir_error_hint(err, "did you mean %s?", near)
                : mir_error_hint(err, "see mirage-image --help");
}

/* One option; *at moves on when it takes a value. */
static int parse_option(int argc, char **argv, int *at, struct request *req, struct mir_error *err)
{
    const char *option = argv[*at];
    if (!strcmp(option, "--json"))
        return 0; /* seen already */
    if (strcmp(option, "--fd"))
        return unknown_option(option, err);
    if (*at + 1 >= argc)
        return mir_fail(err, MIR_USAGE, "--fd needs the number of a descriptor");
    return parse_fd(argv[++*at], &req->fd, err);
}

static int parse_file(const char *file, struct request *req, struct mir_error *err)
{
    if (req->file)
        return mir_fail(err, MIR_USAGE, "one file at a time: %s and %s were given", req->file,
                        file);
    req->file = file;
    return 0;
}

static int parse_end(const struct request *req, struct mir_error *err)
{
    if (!req->file && req->fd < 0) {
        mir_fail(err, MIR_USAGE, "no file was given");
        return mir_error_hint(err, "mirage-image %s FILE", req->unpack ? "unpack" : "inspect");
    }
    if (req->file && req->fd >= 0)
        return mir_fail(err, MIR_USAGE, "a file and --fd were given: one of them is enough");
    return 0;
}

static int parse(int argc, char **argv, struct request *req, struct mir_error *err)
{
    *req = (struct request){.fd = -1, .unpack = !strcmp(argv[1], "unpack")};
    bool options = true;
    for (int i = 2; i < argc; i++)
        req->json |= !strcmp(argv[i], "--json"); /* an error in the others is JSON already */
    for (int i = 2; i < argc; i++) {
        int rc;
        if (options && !strcmp(argv[i], "--")) {
            options = false;
            continue;
        }
        if (options && argv[i][0] == '-' && argv[i][1])
            rc = parse_option(argc, argv, &i, req, err);
        else
            rc = parse_file(argv[i], req, err);
        if (rc)
            return -1;
    }
    return parse_end(req, err);
}

/* --- inspect --- */

static int open_input(const struct request *req, int *ret_fd, struct mir_error *err)
{
    if (req->fd >= 0)
        *ret_fd = req->fd;
    else if (!strcmp(req->file, "-"))
        *ret_fd = STDIN_FILENO;
    else
        return img_open_file(req->file, ret_fd, err);
    return 0;
}

static int enter_sandbox(const struct request *req, int fd, struct mir_error *err)
{
    struct stat st;
    if (fstat(fd, &st))
        return mir_fail_errno(err, errno, "the descriptor %d cannot be read", fd);
    uint64_t bytes = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : (uint64_t)1 << 30;
    struct img_sandbox sandbox = {
        .layers = IMG_SANDBOX_ALL,
        .work_bytes = bytes,
        .output_bytes = req->unpack ? bytes + krn_limits_default()->max_unpacked_bytes : 0,
        .die_with_parent = req->fd >= 0, /* only programs hand over descriptors */
    };
    json_object_seed(1); /* our own keys only; otherwise it would open /dev/urandom */
    return img_sandbox_enter(&sandbox, NULL, err);
}

static int inspect(const struct request *req, int fd, const char *name, struct mir_error *err)
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

/* --- unpack --- */

static int unpack(int fd, struct mir_error *err)
{
    uint64_t bytes;
    return krn_unpack_fd(fd, STDOUT_FILENO, krn_limits_default(), &bytes, err);
}

/* The exit code. */
static int run(int argc, char **argv)
{
    struct request req;
    struct mir_error err = {0};
    int fd = -1;
    if (parse(argc, argv, &req, &err) || open_input(&req, &fd, &err) ||
        enter_sandbox(&req, fd, &err))
        return fail(&err, &req);
    const char *name = req.file && fd != STDIN_FILENO ? req.file : "stdin";
    if (!(req.unpack ? unpack(fd, &err) : inspect(&req, fd, name, &err)))
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
    return fail(&err, &(struct request){.fd = -1});
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (!strcmp(command, "inspect") || !strcmp(command, "unpack"))
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
