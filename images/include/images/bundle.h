/* SPDX-License-Identifier: ISC */
/*
 * A disk as EC2's instance-store bundle (2006): the image in a tar file, compressed, encrypted with
 * a key of its own, cut into parts of 10 MiB, and a signed manifest that names them; what
 * ec2-bundle-image makes, and S3 then holds. Every file of it goes to a function of the caller.
 *
 *     tar -> SHA-1 -> gzip -> AES-128-CBC -> parts, each with a SHA-1 -> manifest 2007-10-10
 *
 * Key and IV stand in the manifest twice, as hexadecimal text encrypted (RSA, PKCS#1 v1.5) to the
 * user's certificate and to EC2's. SHA-1 and that padding are the format's, not a choice.
 *
 * Equal arguments give equal bytes (by the same zlib): what has to be random comes from the caller.
 * Blocking; any number of threads, each with a disk and an input of its own; about 11 MiB.
 */
#ifndef IMAGES_BUNDLE_H
#define IMAGES_BUNDLE_H

#include "api/kernel.h"
#include "images/stream.h"

#define IMG_BUNDLE_PART_BYTES ((size_t)10 << 20)
#define IMG_BUNDLE_DISK_MAX ((uint64_t)10 << 30) /* EC2's own limit of such an image */
#define IMG_BUNDLE_NAME_MAX 80
#define IMG_BUNDLE_RANDOM_BYTES 48 /* key, IV, and what the RSA padding is made from */

struct img_bundle {
    const char *name;            /* of the image; letters, digits, . _ - */
    const char *account;         /* the user's AWS account: 12 digits, dashes allowed */
    const char *kernel_id;       /* "aki-..." of PV-GRUB; NULL: none is named */
    enum mir_arch arch;          /* x86_64 or i386 */
    const char *certificate_pem; /* the user's X.509 certificate, which EC2 knows */
    const char *key_pem;         /* its private key, without a passphrase */
    const char *ec2_certificate_pem;
    /* From a secure source, new for every bundle, and as secret as the key. */
    unsigned char random[IMG_BUNDLE_RANDOM_BYTES];
};

/* Takes one file: NAME.part.0, NAME.part.1, ... in order, and last NAME.manifest.xml, without which
 * the others are nothing. bytes is borrowed until it returns; -1 with err filled ends the bundle.
 */
struct img_bundle_sink {
    int (*file)(void *ctx, const char *name, const void *bytes, size_t len, struct mir_error *err);
    void *ctx;
};

/* Gives the disk: exactly the next len bytes, holes as zeros. Behind its last byte it says whether
 * the disk came whole; -1 with err filled ends the bundle. */
struct img_bundle_source {
    uint64_t size; /* of the disk */
    int (*read)(void *ctx, void *buf, size_t len, struct mir_error *err);
    void *ctx;
};

/* MIR_USAGE for a name, account, architecture or size that EC2 would not take; MIR_CREDENTIALS for
 * certificates and keys that cannot be used or do not belong together; the input's errors; whatever
 * the sink says. */
int img_bundle_write_from(const struct img_bundle *bundle, const struct img_bundle_source *source,
                          const struct img_bundle_sink *sink, struct mir_error *err);

/* The same of a disk that is laid out. */
int img_bundle_write(const struct img_bundle *bundle, const struct img_disk *disk,
                     struct img_input *input, const struct img_bundle_sink *sink,
                     struct mir_error *err);

#endif
