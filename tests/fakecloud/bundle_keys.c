/* SPDX-License-Identifier: ISC */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "api/file.h"
#include "api/id.h"
#include "api/memory.h"
#include "bundle.h"

#define PEM_MAX ((size_t)64 << 10)
#define RSA_MAX 1024
#define SHA1_BYTES 20
#define EC2_BITS 2048

/* --- EC2's own --- */

#define OWN "ec2.pem"

static X509 *certify(EVP_PKEY *key)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -86400);
    X509_gmtime_adj(X509_getm_notAfter(x), (long)3650 * 86400);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"EC2", -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_set_pubkey(x, key);
    X509_sign(x, key, EVP_sha256());
    return x;
}

/* The private key, and behind it the certificate. */
static int make_own(const struct fc_world *world, struct mir_error *err)
{
    EVP_PKEY *key = EVP_RSA_gen(EC2_BITS);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    if (!key || !bio)
        mir_memory_out();
    X509 *x = certify(key);
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    PEM_write_bio_X509(bio, x);
    long len = BIO_get_mem_data(bio, &text);
    int rc = mir_file_write_at(world->dir_fd, OWN, text, (size_t)len, 0600, err);
    X509_free(x);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return rc;
}

/* Text of both; owned. */
static char *read_own(struct fc_world *world, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/" OWN, world->dir);
    char *text = NULL;
    if (!mir_file_read(path, PEM_MAX, &text, NULL, NULL))
        return text;
    return make_own(world, err) || mir_file_read(path, PEM_MAX, &text, NULL, err) ? NULL : text;
}

char *fc_bundle_certificate(struct fc_world *world, struct mir_error *err)
{
    mir_auto_free char *text = read_own(world, err);
    const char *begin = text ? strstr(text, "-----BEGIN CERTIFICATE") : NULL;
    return begin ? mir_strdup(begin) : NULL;
}

static int from_hex(const char *hex, unsigned char *out, size_t max, size_t *ret_len)
{
    long len = 0;
    unsigned char *bytes = strlen(hex) <= 2 * max ? OPENSSL_hexstr2buf(hex, &len) : NULL;
    bool fits = bytes && len > 0 && !strchr(hex, ':');
    if (fits) {
        memcpy(out, bytes, (size_t)len);
        *ret_len = (size_t)len;
    }
    OPENSSL_free(bytes);
    return fits ? 0 : -1;
}

int fc_bundle_secret(struct fc_world *world, const char *hex, unsigned char ret[16])
{
    unsigned char sealed[RSA_MAX], plain[RSA_MAX] = {0};
    size_t len, plain_len = sizeof plain, secret_len = 0;
    mir_auto_free char *text = read_own(world, NULL);
    BIO *bio = text ? BIO_new_mem_buf(text, -1) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    bool opened = ctx && !from_hex(hex, sealed, sizeof sealed, &len) &&
                  EVP_PKEY_decrypt_init(ctx) > 0 &&
                  EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
                  EVP_PKEY_decrypt(ctx, plain, &plain_len, sealed, len) > 0;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    BIO_free(bio);
    if (!opened || plain_len != 32)
        return -1;
    plain[32] = '\0';
    return from_hex((const char *)plain, ret, 16, &secret_len) || secret_len != 16 ? -1 : 0;
}

/* --- the account's --- */

static X509 *read_certificate(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return x;
}

int fc_bundle_signer_add(struct fc_world *world, const char *pem, struct mir_error *err)
{
    unsigned char sum[32];
    char id[65];
    const struct fc_cause cause = {"control.certificates", "-", fc_world_now_ms(world)};
    X509 *x = read_certificate(pem);
    unsigned len = 0;
    bool read = x && X509_digest(x, EVP_sha256(), sum, &len);
    X509_free(x);
    if (!read)
        return mir_fail(err, MIR_USAGE, "certificate has to be one, as PEM text");
    mir_hex(sum, sizeof sum, id);
    if (!fc_store_get(world->store, "certificate", "", id))
        fc_store_add(world->store, "certificate", "", id, json_pack("{s:s}", "pem", pem), &cause);
    fc_world_commit(world, &cause);
    return 0;
}

/* s^e mod n, by numbers alone; *ret_len is how long n is. */
static int open_signature(EVP_PKEY *key, const unsigned char *signature, size_t len,
                          unsigned char out[RSA_MAX], size_t *ret_len)
{
    BIGNUM *n = NULL, *e = NULL, *s = BN_bin2bn(signature, (int)len, NULL), *m = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    int rc = -1;
    if (s && m && ctx && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) &&
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) && BN_num_bytes(n) <= RSA_MAX &&
        (size_t)BN_num_bytes(n) == len && BN_cmp(s, n) < 0 && BN_mod_exp(m, s, e, n, ctx)) {
        *ret_len = (size_t)BN_num_bytes(n);
        rc = BN_bn2binpad(m, out, (int)*ret_len) > 0 ? 0 : -1;
    }
    BN_CTX_free(ctx);
    BN_free(n);
    BN_free(e);
    BN_free(s);
    BN_free(m);
    return rc;
}

/* 00 01 ff ... ff 00, the DigestInfo of SHA-1, the digest. Source: RFC 8017, 9.2. */
static bool signed_by(EVP_PKEY *key, const unsigned char digest[SHA1_BYTES],
                      const unsigned char *signature, size_t len)
{
    static const unsigned char info[] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
                                         0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
    unsigned char opened[RSA_MAX], wanted[RSA_MAX];
    size_t size = 0, tail = sizeof info + SHA1_BYTES;
    if (open_signature(key, signature, len, opened, &size) || size < tail + 11)
        return false;
    memset(wanted, 0xff, size);
    wanted[0] = 0;
    wanted[1] = 1;
    wanted[size - tail - 1] = 0;
    memcpy(wanted + size - tail, info, sizeof info);
    memcpy(wanted + size - SHA1_BYTES, digest, SHA1_BYTES);
    return !memcmp(opened, wanted, size);
}

bool fc_bundle_signed(struct fc_world *world, const char *text, size_t len, const char *hex)
{
    unsigned char signature[RSA_MAX], digest[SHA1_BYTES];
    size_t signature_len;
    bool known = false, right = false;
    if (from_hex(hex, signature, sizeof signature, &signature_len) || signature_len < 128 ||
        !EVP_Digest(text, len, digest, NULL, EVP_sha1(), NULL))
        return false;
    for (struct fc_object *o = NULL;
         !right && (o = fc_store_each(world->store, o, "certificate", ""));) {
        X509 *x = read_certificate(fc_text_at(o->doc, "pem"));
        EVP_PKEY *key = x ? X509_get_pubkey(x) : NULL;
        known = true;
        right = key && signed_by(key, digest, signature, signature_len);
        EVP_PKEY_free(key);
        X509_free(x);
    }
    return right || !known;
}
