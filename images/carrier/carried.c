/* SPDX-License-Identifier: ISC */
#include "images/carrier.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/json.h"
#include "api/memory.h"
#include "bootconf.h"
#include "conf.h"
#include "images/carrier_conf.h"
#include "images/cpio.h"
#include "images/digest.h"
#include "squeeze.h"

#define FILE_BYTES_MAX ((size_t)64 << 20)
#define MANIFEST_BYTES_MAX ((size_t)4 << 20)
#define LAST_BYTES_MAX ((size_t)192 << 20)
#define ARCHIVE_AT 4 /* where one archive may begin behind another */

/* Xen's own console is the machine's first serial port; it, its Linux and the guest all speak
 * there. A Xen that fails stops instead of starting over: nothing in the machine could end a loop
 * of that kind. */
#define XEN_WORDS "com1=115200,8n1 console=com1 dom0_max_vcpus=1 noreboot=true"
/* The tests of ciphers that nobody uses there took 0.3 s of a start (emulated). */
#define LINUX_WORDS "rdinit=/init panic=10 quiet cryptomgr.notests"
/* Linux panics where its first ticks of the timer come late, as an emulated machine's do on a busy
 * one; under KVM and Xen it leaves that check out by itself. */
#define BARE_WORDS "console=ttyS0,115200 no_timer_check "
#define SHIM_WORDS "pv-shim console=xen,pv"

/* What a base has to have, by its shape. */
static const struct base_row {
    unsigned shapes; /* 1 << enum mir_carrier */
    size_t offset;   /* of a struct img_blob in struct img_carrier */
    const char *name;
} rows[] = {
    {1u << MIR_CARRIER_XEN, offsetof(struct img_carrier, xen), "xen.gz"},
    {1u << MIR_CARRIER_SHIM, offsetof(struct img_carrier, xen), "xen-shim.xz"},
    {1u << MIR_CARRIER_XEN | 1u << MIR_CARRIER_LINUX, offsetof(struct img_carrier, kernel),
     "linux"},
    {1u << MIR_CARRIER_XEN | 1u << MIR_CARRIER_LINUX, offsetof(struct img_carrier, base),
     "base.cpio.zst"},
    {1u << MIR_CARRIER_XEN | 1u << MIR_CARRIER_LINUX, offsetof(struct img_carrier, disks),
     "disks.cpio.zst"},
};

/* --- the base --- */

static int read_file(const char *folder, const char *name, size_t max, struct img_blob *ret,
                     struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/%s", folder, name);
    char *bytes;
    if (mir_file_read(path, max, &bytes, &ret->len, err))
        return -1;
    ret->bytes = (unsigned char *)bytes;
    return 0;
}

static int broken(const char *folder, const char *what, struct mir_error *err)
{
    mir_fail(err, MIR_CORRUPT, "%s is no base of a carrier: %s", folder, what);
    return mir_error_hint(err, "remove it; mirage-carrier makes it anew");
}

static int understand(const char *folder, const json_t *manifest, struct img_carrier *ret,
                      struct mir_error *err)
{
    const char *shape = json_string_value(json_object_get(manifest, "shape"));
    const char *digest = json_string_value(json_object_get(manifest, "digest"));
    if (!shape || !digest || !mir_sha256_valid(digest))
        return broken(folder, "its manifest.json says neither shape nor digest", err);
    for (int i = MIR_CARRIER_NONE + 1; i <= MIR_CARRIER_SHIM; i++)
        if (!strcmp(mir_carrier_name((enum mir_carrier)i), shape))
            ret->shape = (enum mir_carrier)i;
    mir_copy(ret->digest, sizeof ret->digest, digest);
    return ret->shape ? 0 : broken(folder, "a shape that nobody knows", err);
}

static int read_manifest(const char *folder, struct img_carrier *ret, struct mir_error *err)
{
    struct img_blob text = {.bytes = NULL};
    if (read_file(folder, "manifest.json", MANIFEST_BYTES_MAX, &text, err))
        return -1;
    json_t *manifest = mir_json_parse((char *)text.bytes, text.len, MANIFEST_BYTES_MAX, NULL);
    free(text.bytes);
    int rc = manifest ? understand(folder, manifest, ret, err)
                      : broken(folder, "its manifest.json is no JSON", err);
    json_decref(manifest);
    return rc;
}

int img_carrier_open(const char *folder, struct img_carrier *ret, struct mir_error *err)
{
    struct img_carrier carrier = {.shape = MIR_CARRIER_NONE};
    int rc = read_manifest(folder, &carrier, err);
    for (size_t i = 0; !rc && i < MIR_NELEMS(rows); i++)
        if (rows[i].shapes >> carrier.shape & 1)
            rc = read_file(folder, rows[i].name, FILE_BYTES_MAX,
                           (struct img_blob *)((char *)&carrier + rows[i].offset), err);
    if (rc) {
        img_carrier_clear(&carrier);
        return -1;
    }
    *ret = carrier;
    return 0;
}

void img_carrier_clear(struct img_carrier *carrier)
{
    free(carrier->xen.bytes);
    free(carrier->kernel.bytes);
    free(carrier->base.bytes);
    free(carrier->disks.bytes);
    *carrier = (struct img_carrier){.shape = MIR_CARRIER_NONE};
}

/* --- the user's part --- */

struct carrying {
    const struct img_carrier *carrier;
    const struct mir_kernel *kernel;
    const struct img_guest_disks *disks; /* NULL: none */
    struct mir_buf text;                 /* of carrier.conf */
    struct car_conf conf;
    unsigned char *content; /* owned */
};

static int read_kernel(struct carrying *c, struct img_input *content, struct mir_error *err)
{
    uint64_t len = c->kernel->unpacked_bytes;
    if (len > IMG_CARRIED_KERNEL_MAX) {
        mir_fail(err, MIR_USAGE, "a kernel of %" PRIu64 " MiB is too large for a carrier",
                 len >> 20);
        return mir_error_hint(err, "strip it; at most %" PRIu64 " MiB are carried",
                              IMG_CARRIED_KERNEL_MAX >> 20);
    }
    c->content = mir_calloc(1, len ? len : 1);
    return img_input_read(content, 0, c->content, len, err);
}

static int add_user(const struct carrying *c, struct mir_buf *out, struct mir_error *err)
{
    struct img_cpio cpio;
    img_cpio_init_buf(&cpio, out);
    return img_cpio_file(&cpio, "carrier.conf", 0400, c->text.data, c->text.len, err) ||
                   img_cpio_file(&cpio, "kernel", 0400, c->content, c->kernel->unpacked_bytes,
                                 err) ||
                   img_cpio_finish(&cpio, err)
               ? -1
               : 0;
}

static void add_archive(const struct img_blob *archive, struct mir_buf *out)
{
    static const char zeros[ARCHIVE_AT];
    mir_buf_add(out, archive->bytes, archive->len);
    mir_buf_add(out, zeros, (ARCHIVE_AT - out->len % ARCHIVE_AT) % ARCHIVE_AT);
}

/* The base, what is for disks, and behind it the user's part as an archive of its own. */
static int make_archive(const struct carrying *c, struct mir_buf *out, struct mir_error *err)
{
    mir_auto_buf struct mir_buf user;
    mir_buf_init(&user, LAST_BYTES_MAX);
    if (add_user(c, &user, err))
        return -1;
    add_archive(&c->carrier->base, out);
    if (c->conf.blocks_n)
        add_archive(&c->carrier->disks, out);
    return img_squeeze_zstd(user.data, user.len, IMG_SQUEEZE_QUICK, out, err);
}

/* --- the boot configuration --- */

static void begin(struct mir_buf *out, const char *command, const char *file, const char *words)
{
    mir_buf_addf(out, "if %s '/boot/%s'%s%s; then\n", command, file, *words ? " " : "", words);
}

static void end(struct mir_buf *out, unsigned steps)
{
    mir_buf_adds(out, "boot\n");
    for (unsigned i = 0; i < steps; i++)
        mir_buf_adds(out, "fi\n");
    mir_buf_adds(out, "echo 'mirage-deploy: the boot loader cannot start the carrier; powering off'"
                      "\nhalt\n");
}

static void boot_xen(const struct carrying *c, struct mir_buf *out)
{
    uint64_t mib = img_carrier_dom0_bytes(MIR_CARRIER_XEN, c->kernel->unpacked_bytes) >> 20;
    mir_auto_free char *words =
        mir_format(XEN_WORDS " dom0_mem=%" PRIu64 "M,max:%" PRIu64 "M", mib, mib);
    begin(out, "multiboot2", "xen.gz", words);
    begin(out, "module2", "linux", "console=hvc0 " LINUX_WORDS);
    begin(out, "module2", "initrd", "");
    end(out, 3);
}

static void boot_linux(struct mir_buf *out)
{
    begin(out, "$linux", "linux", BARE_WORDS LINUX_WORDS);
    begin(out, "$initrd", "initrd", "");
    end(out, 2);
}

static int boot_shim(const struct carrying *c, struct mir_buf *out, struct mir_error *err)
{
    begin(out, "multiboot2", "xen-shim.xz", SHIM_WORDS);
    mir_buf_adds(out, "if module2 '/boot/kernel'");
    if (img_bootconf_words(c->conf.arguments, out, err))
        return -1;
    mir_buf_adds(out, "; then\n");
    end(out, 2);
    return 0;
}

/* --- all of it --- */

static void add_file(struct img_carried *carried, const char *path, const void *bytes, size_t len)
{
    carried->files[carried->file_count++] =
        (struct img_file){.path = path, .bytes = bytes, .len = len};
}

static void choose_id(const struct carrying *c, struct img_carried *carried)
{
    struct krn_digest digest;
    krn_digest_init(&digest);
    krn_digest_add(&digest, c->carrier->digest, MIR_SHA256_TEXT);
    krn_digest_add(&digest, c->kernel->sha256, MIR_SHA256_TEXT);
    krn_digest_add(&digest, c->text.data, c->text.len);
    krn_digest_text(&digest, carried->id);
}

/* Xen makes room by the last four bytes of what is packed, in little endian: where gzip has the
 * length of its content, and where Linux puts it behind what others have packed. Without them the
 * shim panics ("Not enough memory to relocate the dom0 kernel image"). */
static void add_length(struct mir_buf *packed, uint64_t len)
{
    unsigned char end[4];
    for (size_t i = 0; i < sizeof end; i++)
        end[i] = (unsigned char)(len >> 8 * i);
    mir_buf_add(packed, end, sizeof end);
}

static int make_shim(const struct carrying *c, struct img_carried *carried, struct mir_error *err)
{
    uint64_t len = c->kernel->unpacked_bytes;
    if (boot_shim(c, &carried->conf, err) ||
        img_squeeze_xz(c->content, len, IMG_SQUEEZE_QUICK, &carried->last, err))
        return -1;
    add_length(&carried->last, len);
    add_file(carried, "boot/xen-shim.xz", c->carrier->xen.bytes, c->carrier->xen.len);
    add_file(carried, "boot/kernel", carried->last.data, carried->last.len);
    return 0;
}

static int make_with_linux(const struct carrying *c, struct img_carried *carried,
                           struct mir_error *err)
{
    if (make_archive(c, &carried->last, err))
        return -1;
    if (c->carrier->shape == MIR_CARRIER_XEN) {
        boot_xen(c, &carried->conf);
        add_file(carried, "boot/xen.gz", c->carrier->xen.bytes, c->carrier->xen.len);
    } else {
        boot_linux(&carried->conf);
    }
    add_file(carried, "boot/linux", c->carrier->kernel.bytes, c->carrier->kernel.len);
    add_file(carried, "boot/initrd", carried->last.data, carried->last.len);
    return 0;
}

/* A partition and its line go together. */
static int add_blocks(struct carrying *c, const char *conf, struct mir_error *err)
{
    unsigned count = c->disks ? c->disks->count : 0;
    if (!strncmp(conf, "block ", 6) || strstr(conf, "\nblock ")) {
        mir_fail(err, MIR_USAGE, "the carrier is told of a block device by the configuration");
        return mir_error_hint(err, "leave the line out: --block NAME=FILE adds it");
    }
    if (count && c->carrier->shape == MIR_CARRIER_SHIM) {
        mir_fail(err, MIR_USAGE, "a shim carries no block devices");
        return mir_error_hint(err, "its kernel sees what the host gives it; take the carrier xen");
    }
    mir_buf_adds(&c->text, conf);
    if (count && *conf && c->text.data[c->text.len - 1] != '\n')
        mir_buf_adds(&c->text, "\n");
    for (unsigned i = 0; i < count; i++)
        mir_buf_addf(&c->text, "block %s\n", c->disks->list[i].name);
    return 0;
}

static int check_conf(struct carrying *c, struct mir_error *err)
{
    char why[CAR_WHY_MAX];
    if (!car_conf_parse(c->text.data, c->text.len, &c->conf, why))
        return 0;
    return mir_fail(err, MIR_USAGE, "the carrier would refuse what it is told: %s", why);
}

int img_carried_make(const struct img_carrier *carrier, const struct mir_kernel *kernel,
                     const char *conf, const struct img_guest_disks *disks,
                     struct img_input *content, struct img_carried *ret, struct mir_error *err)
{
    struct carrying *c = mir_calloc(1, sizeof *c);
    *c = (struct carrying){.carrier = carrier, .kernel = kernel, .disks = disks};
    mir_buf_init(&c->text, CAR_CONF_BYTES_MAX);
    *ret = (struct img_carried){.file_count = 0};
    mir_buf_init(&ret->conf, IMG_BOOTCONF_MAX);
    mir_buf_init(&ret->last, LAST_BYTES_MAX);
    int rc =
        add_blocks(c, conf, err) || check_conf(c, err) || read_kernel(c, content, err) ? -1 : 0;
    if (!rc)
        rc = carrier->shape == MIR_CARRIER_SHIM ? make_shim(c, ret, err)
                                                : make_with_linux(c, ret, err);
    if (!rc)
        choose_id(c, ret);
    mir_buf_clear(&c->text);
    free(c->content);
    free(c);
    return rc;
}

void img_carried_clear(struct img_carried *carried)
{
    mir_buf_clear(&carried->conf);
    mir_buf_clear(&carried->last);
}
