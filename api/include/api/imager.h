/* SPDX-License-Identifier: ISC */
/*
 * The disk that starts a kernel, as a provider that uploads disks wants it: the ranges that are
 * written, in the order of the disk, without a disk anywhere. The daemon gives its providers an
 * imager; it has the disk made by the sandboxed mirage-image.
 *
 * What was laid out is written, zero or not, and nothing else is: an uploader sends exactly the
 * ranges that it is given.
 */
#ifndef API_IMAGER_H
#define API_IMAGER_H

#include <stdint.h>

#include "api/error.h"
#include "api/kernel.h"

struct mir_instance_spec;

struct mir_disk_range {
    uint64_t at;
    uint64_t len;              /* 1 ... 262144; a long range comes in several */
    const unsigned char *data; /* borrowed until the next call */
    const char *file;          /* of a bundle: which of its files this is of, from `at` on; borrowed
                                * until the next call. NULL of anything else */
};

/* An instance-store bundle of EC2. Texts are borrowed. */
struct mir_bundle {
    const char *name;      /* of the image, and what the names of its files begin with */
    const char *account;   /* the user's: 12 digits */
    const char *kernel_id; /* PV-GRUB's; NULL or "": none is named */
    enum mir_arch arch;    /* x86_64 or i386 */
    const char *seed;      /* equal ones give an equal bundle; 128 bits that nobody else has used */
    /* The names of PEM files: the user's certificate, its private key, EC2's certificate. */
    const char *cert, *key, *ec2_cert;
};

struct mir_disk; /* one that is being read; the imager's own */

/* Any thread, several disks at once; one thread for each. Blocking, at most timeout_ms from the
 * opening on. Equal specs and needs give equal disks. Errors: MIR_USAGE (no boot loader loads that
 * kernel, arguments too long), MIR_CORRUPT, MIR_TIMEOUT, MIR_NOT_FOUND. */
struct mir_imager {
    /* *ret is to be closed; spec is borrowed until then. */
    int (*open)(void *ctx, const struct mir_instance_spec *spec, const struct mir_needs *needs,
                int64_t timeout_ms, struct mir_disk **ret, uint64_t *ret_disk_bytes,
                struct mir_error *err);
    /* The next range, in the order of the disk; its len is 0 when the disk came whole and its
     * digest was right. Whoever uploads completes nothing before that. */
    int (*next)(struct mir_disk *disk, struct mir_disk_range *ret, struct mir_error *err);
    /* The same disk as the bytes of one file, for whoever uploads files: container is a name of
     * `image build --format` that is written in one pass ("vmdk"). Its ranges begin at 0 and follow
     * one another without gaps; how long it gets is known at its end alone. */
    int (*open_file)(void *ctx, const struct mir_instance_spec *spec, const struct mir_needs *needs,
                     const char *container, int64_t timeout_ms, struct mir_disk **ret,
                     struct mir_error *err);
    /* The same disk as a bundle: its parts one after the other, at most 10 MiB each, and last the
     * manifest. Errors also: MIR_CREDENTIALS (keys that cannot be used, or do not belong
     * together). */
    int (*open_bundle)(void *ctx, const struct mir_instance_spec *spec,
                       const struct mir_needs *needs, const struct mir_bundle *bundle,
                       int64_t timeout_ms, struct mir_disk **ret, struct mir_error *err);
    void (*close)(struct mir_disk *disk); /* at any moment; NULL allowed */
    void *ctx;
};

/* Whoever wants a disk proven before the first byte of it goes anywhere gives the spec one: the
 * imager asks it as a disk is opened, and a disk that is not proven is not opened. Blocking, for
 * minutes. */
struct mir_prover {
    int (*prove)(void *ctx, const struct mir_instance_spec *spec, const struct mir_needs *needs,
                 struct mir_error *err);
    void *ctx;
};

/* What names that disk: equal for equal disks, 64 hex digits. Made of what the disk is made of
 * (kernel, layout, arguments, edition of the maker), so nothing has to be built to know it. */
void mir_disk_name(const struct mir_instance_spec *spec, const struct mir_needs *needs,
                   char out[MIR_SHA256_TEXT]);

#endif
