/* SPDX-License-Identifier: ISC */
/*
 * mirage-bundle: puts a disk, which comes on stdin as it is, into an instance-store bundle: a
 * folder of parts and a manifest (images/bundle.h). It looks into nothing that a stranger made, so
 * it may hold the user's key; who does, mirage-image, is in a sandbox and hands over bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/id.h"
#include "api/memory.h"
#include "bundle_folder.h"
#include "images/bundle.h"

#define PEM_BYTES_MAX ((size_t)64 << 10)

static const char usage[] =
    "usage: mirage-bundle --out FOLDER --size BYTES --name NAME --account ACCOUNT --arch ARCH\n"
    "           --cert FILE --key FILE --ec2-cert FILE [--kernel-id AKI] [--force]\n"
    "           < DISK\n"
    "\n"
    "Started by `mirage-deploy image build --format ec2-bundle`.\n";

struct request {
    const char *out, *size, *name, *account, *arch, *cert, *key, *ec2_cert, *kernel_id;
    bool force; /* replace a bundle that is there */
};

/* --- the command line --- */

static const char **slot(struct request *req, const char *option)
{
    const struct {
        const char *name;
        const char **value;
    } options[] = {
        {"--out", &req->out},
        {"--size", &req->size},
        {"--name", &req->name},
        {"--account", &req->account},
        {"--arch", &req->arch},
        {"--cert", &req->cert},
        {"--key", &req->key},
        {"--ec2-cert", &req->ec2_cert},
        {"--kernel-id", &req->kernel_id},
    };
    for (size_t i = 0; i < MIR_NELEMS(options); i++)
        if (!strcmp(options[i].name, option))
            return options[i].value;
    return NULL;
}

static int parse(int argc, char **argv, struct request *ret)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--force")) {
            ret->force = true;
            continue;
        }
        const char **value = slot(ret, argv[i]);
        if (!value || i + 1 == argc)
            return -1;
        *value = argv[++i];
    }
    return ret->out && ret->size && ret->name && ret->account && ret->arch && ret->cert &&
                   ret->key && ret->ec2_cert
               ? 0
               : -1;
}

/* --- the bundle --- */

static int read_pem(const char *path, char **ret, struct mir_error *err)
{
    if (!mir_file_read(path, PEM_BYTES_MAX, ret, NULL, err))
        return 0;
    if (err->kind != MIR_NOT_FOUND)
        err->kind = MIR_CREDENTIALS;
    return mir_error_hint(err, "give a PEM file");
}

static int take_numbers(const struct request *req, struct img_bundle *bundle, uint64_t *ret_size,
                        struct mir_error *err)
{
    char *end;
    errno = 0;
    *ret_size = strtoull(req->size, &end, 10);
    if (errno || *end || end == req->size)
        return mir_fail(err, MIR_USAGE, "--size %.40s: a number of bytes is needed", req->size);
    bundle->arch = !strcmp(req->arch, "i386") ? MIR_ARCH_I386 : MIR_ARCH_X86_64;
    mir_random_system()->bytes(mir_random_system()->ctx, bundle->random, sizeof bundle->random);
    return 0;
}

/* What comes on stdin is one extent: what of it is a hole does not count here. */
static int write_bundle(const struct img_bundle *bundle, uint64_t size_bytes,
                        struct img_bundle_folder *folder, struct mir_error *err)
{
    mir_auto_disk struct img_disk disk = {0};
    struct img_input input;
    const struct img_bundle_sink sink = {img_bundle_folder_file, folder};
    img_input_init(&input, STDIN_FILENO);
    if (img_disk_init(&disk, size_bytes, err) || img_disk_input(&disk, 0, 0, size_bytes, err) ||
        img_disk_seal(&disk, err))
        return -1;
    return img_bundle_write(bundle, &disk, &input, &sink, err);
}

static int run(const struct request *req, struct mir_error *err)
{
    mir_auto_free char *cert = NULL;
    mir_auto_free char *ec2_cert = NULL;
    char *key = NULL;
    uint64_t size_bytes;
    mir_auto_bundle_folder struct img_bundle_folder folder = {.fd = -1};
    struct img_bundle bundle = {
        .name = req->name, .account = req->account, .kernel_id = req->kernel_id};
    int rc = take_numbers(req, &bundle, &size_bytes, err);
    if (!rc)
        rc = read_pem(req->cert, &cert, err) || read_pem(req->key, &key, err) ||
                     read_pem(req->ec2_cert, &ec2_cert, err)
                 ? -1
                 : 0;
    if (!rc)
        rc = img_bundle_folder_open(&folder, req->out, req->force, err);
    bundle.certificate_pem = cert;
    bundle.key_pem = key;
    bundle.ec2_certificate_pem = ec2_cert;
    if (!rc)
        rc = write_bundle(&bundle, size_bytes, &folder, err) || img_bundle_folder_keep(&folder, err)
                 ? -1
                 : 0;
    if (key)
        explicit_bzero(key, strlen(key));
    free(key);
    explicit_bzero(bundle.random, sizeof bundle.random);
    return rc;
}

int main(int argc, char **argv)
{
    struct request req = {0};
    struct mir_error err = {0};
    if (argc == 2 && !strcmp(argv[1], "--version"))
        return puts("mirage-bundle " MIR_VERSION) < 0;
    if (parse(argc, argv, &req)) {
        fputs(usage, stderr);
        return 2;
    }
    signal(SIGINT,
           SIG_IGN); /* whoever started it ends, the disk with it, and then this cleans up */
    signal(SIGXFSZ, SIG_IGN);
    if (!run(&req, &err))
        return 0;
    /* code, text, hint: a line each, for the program that started this one. */
    fprintf(stderr, "%s\n%s\n%s\n", mir_kind_info(err.kind)->name, err.text, err.hint);
    return mir_kind_info(err.kind)->exit_code;
}
