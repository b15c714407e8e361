/* SPDX-License-Identifier: ISC */
#include "ec2_bundle.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "certificate.h"
#include "images/bundle.h"

#define FILES_MAX 8
#define PIECE_BYTES ((size_t)200000)
#define PEM_MAX ((size_t)16 << 10)

struct ec2_bundle {
    struct {
        char name[128];
        unsigned char *bytes; /* owned */
        size_t len;
    } files[FILES_MAX];
    size_t count, at_file, at;
};

static void write_text(const char *folder, const char *name, char *text)
{
    mir_auto_free char *path = mir_format("%s/%s", folder, name);
    mir_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || mir_write_all(fd, text, strlen(text)))
        abort();
    free(text);
}

void ec2_bundle_keys(const struct fake_aws *fake, const char *folder)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    char *certificate = certificate_pem(key);
    write_text(folder, "ec2.pem", fake_aws_certificate(fake, certificate));
    write_text(folder, "user.pem", certificate);
    write_text(folder, "user.key", key_pem(key));
    EVP_PKEY_free(key);
}

static int keep_file(void *ctx, const char *name, const void *bytes, size_t len,
                     struct mir_error *err)
{
    struct ec2_bundle *bundle = ctx;
    if (bundle->count == FILES_MAX)
        return mir_fail(err, MIR_INTERNAL, "more files than a test has room for");
    mir_copy(bundle->files[bundle->count].name, 128, name);
    bundle->files[bundle->count].bytes = mir_calloc(1, len);
    memcpy(bundle->files[bundle->count].bytes, bytes, len);
    bundle->files[bundle->count++].len = len;
    return 0;
}

static int write_all(const struct img_bundle *how, int fd, uint64_t len, uint64_t disk_bytes,
                     struct ec2_bundle *bundle, struct mir_error *err)
{
    mir_auto_disk struct img_disk disk;
    struct img_input input;
    const struct img_bundle_sink sink = {keep_file, bundle};
    img_input_init(&input, fd);
    return img_disk_init(&disk, disk_bytes, err) || img_disk_input(&disk, 0, 0, len, err) ||
                   img_disk_seal(&disk, err) || img_bundle_write(how, &disk, &input, &sink, err)
               ? -1
               : 0;
}

/* The seed as it is: nothing is secret here. */
struct ec2_bundle *ec2_bundle_make(const struct mir_bundle *how, int fd, uint64_t len,
                                   uint64_t disk_bytes, struct mir_error *err)
{
    mir_auto_free char *cert = NULL;
    mir_auto_free char *key = NULL;
    mir_auto_free char *ec2 = NULL;
    if (mir_file_read(how->cert, PEM_MAX, &cert, NULL, err) ||
        mir_file_read(how->key, PEM_MAX, &key, NULL, err) ||
        mir_file_read(how->ec2_cert, PEM_MAX, &ec2, NULL, err))
        return NULL;
    struct img_bundle options = {.name = how->name,
                                 .account = how->account,
                                 .arch = how->arch,
                                 .certificate_pem = cert,
                                 .key_pem = key,
                                 .ec2_certificate_pem = ec2};
    snprintf((char *)options.random, sizeof options.random, "%.40s", how->seed);
    struct ec2_bundle *bundle = mir_calloc(1, sizeof *bundle);
    if (!write_all(&options, fd, len, disk_bytes, bundle, err))
        return bundle;
    ec2_bundle_free(bundle);
    return NULL;
}

void ec2_bundle_free(struct ec2_bundle *bundle)
{
    for (size_t i = 0; bundle && i < bundle->count; i++)
        free(bundle->files[i].bytes);
    free(bundle);
}

void ec2_bundle_next(struct ec2_bundle *bundle, struct mir_disk_range *ret)
{
    if (bundle->at_file < bundle->count && bundle->at == bundle->files[bundle->at_file].len) {
        bundle->at_file++;
        bundle->at = 0;
    }
    *ret = (struct mir_disk_range){.len = 0};
    if (bundle->at_file == bundle->count)
        return;
    size_t left = bundle->files[bundle->at_file].len - bundle->at;
    size_t take = left < PIECE_BYTES ? left : PIECE_BYTES;
    *ret = (struct mir_disk_range){.at = bundle->at,
                                   .len = take,
                                   .data = bundle->files[bundle->at_file].bytes + bundle->at,
                                   .file = bundle->files[bundle->at_file].name};
    bundle->at += take;
}
