/* SPDX-License-Identifier: ISC */
/*
 * mirage-bundle: puts a disk, which comes on stdin, into an instance-store bundle: parts and a
 * manifest (images/bundle.h), in a folder or on stdout. It looks into nothing that a stranger made,
 * so it may hold the user's key; who does, mirage-image, is in a sandbox and hands over bytes: the
 * disk as it is, whose size is told, or the extents of it.
 *
 * The bundle's own key is drawn anew each time, or, where a seed is told, made of that and of the
 * user's private key: then the same disk gives the same bundle, and sending it again changes
 * nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
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
#include "images/bundle_stream.h"
#include "images/extents.h"

#define PEM_BYTES_MAX ((size_t)64 << 10)

static const char usage[] =
    "usage: mirage-bundle --out FOLDER|- --size BYTES|extents --name NAME --account ACCOUNT\n"
    "           --arch ARCH --cert FILE --key FILE --ec2-cert FILE [--kernel-id AKI]\n"
    "           [--seed TEXT] [--force] < DISK\n"
    "\n"
    "Started by `mirage-deploy image build --format ec2-bundle`, and by the daemon.\n";

struct request {
    const char *out, *size, *name, *account, *arch, *cert, *key, *ec2_cert, *kernel_id, *seed;
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
        {"--seed", &req->seed},
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

/* Bytes that nobody has who has not the key; the same ones for the same seed, of 128 bits at least.
 */
static int derive(const char *seed, const char *key_pem, unsigned char *out, size_t len,
                  struct mir_error *err)
{
    unsigned char block[EVP_MAX_MD_SIZE];
    for (unsigned round = 0; len; round++) {
        unsigned got = 0;
        mir_auto_free char *text = mir_format("mirage-bundle %u %s", round, seed);
        if (!HMAC(EVP_sha256(), key_pem, (int)strlen(key_pem), (const unsigned char *)text,
                  strlen(text), block, &got))
            return mir_fail(err, MIR_FAILED, "the bundle's key cannot be made");
        size_t take = got < len ? got : len;
        memcpy(out, block, take);
        out += take;
        len -= take;
    }
    OPENSSL_cleanse(block, sizeof block);
    return 0;
}

static int take_secret(const struct request *req, struct img_bundle *bundle, struct mir_error *err)
{
    if (req->seed)
        return derive(req->seed, bundle->key_pem, bundle->random, sizeof bundle->random, err);
    mir_random_system()->bytes(mir_random_system()->ctx, bundle->random, sizeof bundle->random);
    return 0;
}

/* --- the disk: whole, which is one extent, or as extents --- */

static int write_whole(const struct img_bundle *bundle, const char *size,
                       const struct img_bundle_sink *sink, struct mir_error *err)
{
    mir_auto_disk struct img_disk disk = {0};
    struct img_input input;
    char *end;
    errno = 0;
    uint64_t size_bytes = strtoull(size, &end, 10);
    if (errno || *end || end == size)
        return mir_fail(err, MIR_USAGE, "--size %.40s: a number of bytes is needed", size);
    img_input_init(&input, STDIN_FILENO);
    if (img_disk_init(&disk, size_bytes, err) || img_disk_input(&disk, 0, 0, size_bytes, err) ||
        img_disk_seal(&disk, err))
        return -1;
    return img_bundle_write(bundle, &disk, &input, sink, err);
}

struct holey {
    struct img_extents extents;
    struct img_run run; /* what has come and is not used up; len 0: the end */
    uint64_t at;
};

/* Whatever is between two extents is zeros. */
static int read_holey(void *ctx, void *buf, size_t len, struct mir_error *err)
{
    struct holey *holey = ctx;
    struct img_run *run = &holey->run;
    memset(buf, 0, len);
    for (uint64_t end = holey->at + len; run->len && run->at < end;) {
        uint64_t skip = run->at - holey->at, room = end - run->at;
        uint64_t take = run->len < room ? run->len : room;
        memcpy((unsigned char *)buf + skip, run->data, (size_t)take);
        run->at += take;
        run->data += take;
        run->len -= take;
        if (!run->len && img_extents_next(&holey->extents, run, err))
            return -1;
    }
    holey->at += len;
    return 0;
}

/* The last read has seen the end of the stream: that nothing is left is that it came whole. */
static int write_holey(const struct img_bundle *bundle, const struct img_bundle_sink *sink,
                       struct mir_error *err)
{
    struct holey holey = {.at = 0};
    int rc = img_extents_open(&holey.extents, STDIN_FILENO, IMG_BUNDLE_DISK_MAX, err) ||
                     img_extents_next(&holey.extents, &holey.run, err)
                 ? -1
                 : 0;
    const struct img_bundle_source source = {holey.extents.size, read_holey, &holey};
    if (!rc)
        rc = img_bundle_write_from(bundle, &source, sink, err);
    img_extents_clear(&holey.extents);
    return rc;
}

static int write_bundle(const struct request *req, const struct img_bundle *bundle,
                        const struct img_bundle_sink *sink, struct mir_error *err)
{
    return strcmp(req->size, "extents") ? write_whole(bundle, req->size, sink, err)
                                        : write_holey(bundle, sink, err);
}

/* --- where it goes --- */

static int to_folder(const struct request *req, const struct img_bundle *bundle,
                     struct mir_error *err)
{
    mir_auto_bundle_folder struct img_bundle_folder folder = {.fd = -1};
    const struct img_bundle_sink sink = {img_bundle_folder_file, &folder};
    return img_bundle_folder_open(&folder, req->out, req->force, err) ||
                   write_bundle(req, bundle, &sink, err) || img_bundle_folder_keep(&folder, err)
               ? -1
               : 0;
}

static int to_stream(const struct request *req, const struct img_bundle *bundle,
                     struct mir_error *err)
{
    int fd = STDOUT_FILENO;
    const struct img_bundle_sink sink = {img_bundle_stream_file, &fd};
    return write_bundle(req, bundle, &sink, err) || img_bundle_stream_end(fd, err) ? -1 : 0;
}

static int run(const struct request *req, struct mir_error *err)
{
    mir_auto_free char *cert = NULL;
    mir_auto_free char *ec2_cert = NULL;
    char *key = NULL;
    struct img_bundle bundle = {.name = req->name,
                                .account = req->account,
                                .kernel_id = req->kernel_id,
                                .arch =
                                    strcmp(req->arch, "i386") ? MIR_ARCH_X86_64 : MIR_ARCH_I386};
    int rc = read_pem(req->cert, &cert, err) || read_pem(req->key, &key, err) ||
                     read_pem(req->ec2_cert, &ec2_cert, err)
                 ? -1
                 : 0;
    bundle.certificate_pem = cert;
    bundle.key_pem = key;
    bundle.ec2_certificate_pem = ec2_cert;
    if (!rc && !take_secret(req, &bundle, err))
        rc = strcmp(req->out, "-") ? to_folder(req, &bundle, err) : to_stream(req, &bundle, err);
    else
        rc = -1;
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
