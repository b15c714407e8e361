/* SPDX-License-Identifier: ISC */
#include "images/bundle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "bundle_keys.h"
#include "bundle_pack.h"
#include "tar.h"

#define ACCOUNT_DIGITS 12
#define MANIFEST_BYTES_MAX ((size_t)2 << 20)

/* --- what EC2 would not take --- */

static bool is_plain(const char *text, size_t max)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = text ? strlen(text) : 0;
    return len && len <= max && text[0] != '.' && strspn(text, allowed) == len;
}

/* 1234-5678-9012 and 123456789012 are the same account. */
static int take_account(const char *text, char ret[ACCOUNT_DIGITS + 1], struct mir_error *err)
{
    size_t len = 0;
    for (; text && *text; text++) {
        if (*text == '-')
            continue;
        if (*text < '0' || *text > '9' || len == ACCOUNT_DIGITS)
            break;
        ret[len++] = *text;
    }
    ret[len] = '\0';
    if (text && !*text && len == ACCOUNT_DIGITS)
        return 0;
    mir_fail(err, MIR_USAGE, "not the number of an AWS account");
    return mir_error_hint(err, "it has 12 digits");
}

static int check(const struct img_bundle *bundle, uint64_t size, struct mir_error *err)
{
    if (!is_plain(bundle->name, IMG_BUNDLE_NAME_MAX)) {
        mir_fail(err, MIR_USAGE, "the image's name cannot be the name of a file in S3");
        return mir_error_hint(err, "at most %d letters, digits, dots, dashes and underscores",
                              IMG_BUNDLE_NAME_MAX);
    }
    if (bundle->kernel_id && (!is_plain(bundle->kernel_id, IMG_BUNDLE_NAME_MAX) ||
                              strncmp(bundle->kernel_id, "aki-", 4) != 0)) {
        mir_fail(err, MIR_USAGE, "not the id of a kernel image of EC2");
        return mir_error_hint(err, "it begins with aki-");
    }
    if (bundle->arch != MIR_ARCH_X86_64 && bundle->arch != MIR_ARCH_I386)
        return mir_fail(err, MIR_USAGE, "an EC2 bundle is for x86_64 or i386");
    if (size > IMG_BUNDLE_DISK_MAX) {
        mir_fail(err, MIR_USAGE, "a disk of %" PRIu64 " bytes is too large for an EC2 bundle",
                 size);
        return mir_error_hint(err, "at most %" PRIu64 " GiB", IMG_BUNDLE_DISK_MAX >> 30);
    }
    return 0;
}

/* --- the image, as a tar file of its own --- */

static int pack_disk(struct img_pack *pack, const struct img_bundle_source *source,
                     struct mir_error *err)
{
    mir_auto_free unsigned char *chunk = mir_calloc(1, IMG_STREAM_BYTES);
    img_tar_header(chunk, pack->bundle->name, source->size);
    if (img_pack_add(pack, chunk, IMG_TAR_BLOCK, err))
        return -1;
    for (uint64_t at = 0; at < source->size;) {
        uint64_t left = source->size - at;
        size_t n = left < IMG_STREAM_BYTES ? (size_t)left : IMG_STREAM_BYTES;
        if (source->read(source->ctx, chunk, n, err) || img_pack_add(pack, chunk, n, err))
            return -1;
        at += n;
    }
    /* A disk is whole sectors, and so whole blocks of tar. */
    memset(chunk, 0, 2 * IMG_TAR_BLOCK);
    return img_pack_add(pack, chunk, 2 * IMG_TAR_BLOCK, err);
}

/* --- the manifest --- */

static void put_machine(struct mir_buf *xml, const struct img_bundle *bundle)
{
    mir_buf_addf(xml, "<machine_configuration><architecture>%s</architecture>",
                 mir_arch_name(bundle->arch));
    if (bundle->kernel_id)
        mir_buf_addf(xml, "<kernel_id>%s</kernel_id>", bundle->kernel_id);
    mir_buf_adds(xml, "</machine_configuration>");
}

static int put_secrets(struct mir_buf *xml, const struct img_bundle *bundle,
                       const struct img_bundle_keys *keys, struct mir_error *err)
{
    const struct {
        const char *name, *attribute;
        EVP_PKEY *to;
        const unsigned char *secret;
    } rows[] = {
        {"ec2_encrypted_key", " algorithm=\"AES-128-CBC\"", keys->ec2, bundle->random},
        {"user_encrypted_key", " algorithm=\"AES-128-CBC\"", keys->user, bundle->random},
        {"ec2_encrypted_iv", "", keys->ec2, bundle->random + 16},
        {"user_encrypted_iv", "", keys->user, bundle->random + 16},
    };
    for (unsigned i = 0; i < MIR_NELEMS(rows); i++) {
        mir_buf_addf(xml, "<%s%s>", rows[i].name, rows[i].attribute);
        if (img_bundle_seal(keys, rows[i].to, (unsigned char)i, rows[i].secret, xml, err))
            return -1;
        mir_buf_addf(xml, "</%s>", rows[i].name);
    }
    return 0;
}

static int put_image(struct mir_buf *xml, const struct img_pack *pack, const char *account,
                     uint64_t size, const unsigned char digest[IMG_SHA1_BYTES],
                     const struct img_bundle_keys *keys, struct mir_error *err)
{
    mir_buf_addf(xml,
                 "<image><name>%s</name><user>%s</user><type>machine</type>"
                 "<digest algorithm=\"SHA1\">",
                 pack->bundle->name, account);
    img_bundle_hex(xml, digest, IMG_SHA1_BYTES);
    mir_buf_addf(xml, "</digest><size>%" PRIu64 "</size><bundled_size>%" PRIu64 "</bundled_size>",
                 size, pack->bytes);
    if (put_secrets(xml, pack->bundle, keys, err))
        return -1;
    mir_buf_addf(xml, "<parts count=\"%u\">%s</parts></image>", pack->parts,
                 mir_buf_text(&pack->listed));
    return 0;
}

/* What is signed are the elements machine_configuration and image, as they stand in the file. */
static int put_manifest(struct mir_buf *xml, const struct img_pack *pack, const char *account,
                        uint64_t size, const unsigned char digest[IMG_SHA1_BYTES],
                        const struct img_bundle_keys *keys, struct mir_error *err)
{
    mir_buf_adds(xml, "<?xml version=\"1.0\"?>\n<manifest><version>2007-10-10</version>"
                      "<bundler><name>mirage-deploy</name><version>" MIR_VERSION
                      "</version><release>1</release></bundler>");
    size_t signed_from = xml->len;
    put_machine(xml, pack->bundle);
    if (put_image(xml, pack, account, size, digest, keys, err))
        return -1;
    size_t signed_len = xml->len - signed_from;
    mir_buf_adds(xml, "<signature>");
    if (img_bundle_sign(keys, mir_buf_text(xml) + signed_from, signed_len, xml, err))
        return -1;
    mir_buf_adds(xml, "</signature></manifest>\n");
    if (xml->full || pack->listed.full)
        return mir_fail(err, MIR_INTERNAL, "the bundle's manifest is larger than it can be");
    return 0;
}

int img_bundle_write_from(const struct img_bundle *bundle, const struct img_bundle_source *source,
                          const struct img_bundle_sink *sink, struct mir_error *err)
{
    mir_auto_bundle_keys struct img_bundle_keys keys = {0};
    mir_auto_pack struct img_pack pack = {0};
    mir_auto_buf struct mir_buf xml;
    unsigned char digest[IMG_SHA1_BYTES];
    char account[ACCOUNT_DIGITS + 1], name[IMG_BUNDLE_NAME_MAX + 24];
    mir_buf_init(&xml, MANIFEST_BYTES_MAX);
    if (check(bundle, source->size, err) || take_account(bundle->account, account, err) ||
        img_bundle_keys_open(&keys, bundle, err) || img_pack_open(&pack, bundle, sink, err) ||
        pack_disk(&pack, source, err) || img_pack_end(&pack, digest, err) ||
        put_manifest(&xml, &pack, account, source->size, digest, &keys, err))
        return -1;
    snprintf(name, sizeof name, "%s.manifest.xml", bundle->name);
    return sink->file(sink->ctx, name, xml.data, xml.len, err);
}

static int read_cursor(void *ctx, void *buf, size_t len, struct mir_error *err)
{
    return img_cursor_read(ctx, buf, len, NULL, err);
}

int img_bundle_write(const struct img_bundle *bundle, const struct img_disk *disk,
                     struct img_input *input, const struct img_bundle_sink *sink,
                     struct mir_error *err)
{
    mir_auto_cursor struct img_cursor cursor;
    img_cursor_init(&cursor, disk, input);
    const struct img_bundle_source source = {disk->size, read_cursor, &cursor};
    return img_bundle_write_from(bundle, &source, sink, err);
}
