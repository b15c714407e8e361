/* SPDX-License-Identifier: ISC */
#include "bundle_keys.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "images/digest.h"
#include "put.h"

#define PEM_BYTES_MAX ((size_t)64 << 10)
#define SECRET_BYTES 16
#define SEED_BYTES 16
#define RSA_BYTES_MIN 128 /* 1024 bits: what users had in 2006 */

static int bad(const char *what, const char *why, struct mir_error *err)
{
    mir_fail(err, MIR_CREDENTIALS, "%s %s", what, why);
    return mir_error_hint(err, "an RSA key and its X.509 certificate, both as PEM text, are needed;"
                               " EC2's certificate comes with its AMI tools");
}

static BIO *text_of(const char *pem)
{
    size_t len = pem ? strnlen(pem, PEM_BYTES_MAX) : 0;
    return len && len < PEM_BYTES_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
}

static int check_rsa(EVP_PKEY *key, const char *what, struct mir_error *err)
{
    if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
        return bad(what, "is not for RSA", err);
    int bytes = EVP_PKEY_get_size(key);
    if (bytes < RSA_BYTES_MIN || bytes > IMG_BUNDLE_RSA_BYTES_MAX)
        return bad(what, "has a key of a size that is not used", err);
    return 0;
}

static int open_certificate(const char *pem, const char *what, EVP_PKEY **ret,
                            struct mir_error *err)
{
    BIO *bio = text_of(pem);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    *ret = certificate ? X509_get_pubkey(certificate) : NULL;
    bool readable = certificate != NULL;
    X509_free(certificate);
    BIO_free(bio);
    return readable ? check_rsa(*ret, what, err) : bad(what, "cannot be read", err);
}

/* A key with a passphrase is refused, instead of asking the terminal of a daemon for it. */
static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf, (void)size, (void)rwflag, (void)ctx;
    return -1;
}

static int open_key(const char *pem, EVP_PKEY **ret, struct mir_error *err)
{
    static const char what[] = "the private key";
    BIO *bio = text_of(pem);
    *ret = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    return *ret ? check_rsa(*ret, what, err)
                : bad(what, "cannot be read, or has a passphrase", err);
}

int img_bundle_keys_open(struct img_bundle_keys *keys, const struct img_bundle *bundle,
                         struct mir_error *err)
{
    *keys = (struct img_bundle_keys){.seed = bundle->random + 2 * SECRET_BYTES};
    if (open_certificate(bundle->certificate_pem, "the user's certificate", &keys->user, err) ||
        open_certificate(bundle->ec2_certificate_pem, "EC2's certificate", &keys->ec2, err) ||
        open_key(bundle->key_pem, &keys->signer, err))
        return -1;
    if (EVP_PKEY_eq(keys->user, keys->signer) != 1)
        return bad("the private key", "does not belong to the user's certificate", err);
    return 0;
}

void img_bundle_keys_clear(struct img_bundle_keys *keys)
{
    EVP_PKEY_free(keys->user);
    EVP_PKEY_free(keys->ec2);
    EVP_PKEY_free(keys->signer);
    *keys = (struct img_bundle_keys){0};
}

void img_bundle_hex(struct mir_buf *out, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        mir_buf_addf(out, "%02x", bytes[i]);
}

/* len bytes that are not zero, from seed and label. */
static void make_padding(const unsigned char seed[SEED_BYTES], unsigned char label,
                         unsigned char *out, size_t len)
{
    unsigned char bytes[KRN_DIGEST_BYTES], counter[4];
    for (uint32_t round = 0; len; round++) {
        struct krn_digest digest;
        img_put_be32(counter, round);
        krn_digest_init(&digest);
        krn_digest_add(&digest, seed, SEED_BYTES);
        krn_digest_add(&digest, &label, 1);
        krn_digest_add(&digest, counter, sizeof counter);
        krn_digest_bytes(&digest, bytes);
        for (size_t i = 0; i < sizeof bytes && len; i++)
            if (bytes[i]) {
                *out++ = bytes[i];
                len--;
            }
    }
}

/* 00 02 padding 00 text, as long as the key: libcrypto's own padding would draw it by itself. */
int img_bundle_seal(const struct img_bundle_keys *keys, EVP_PKEY *to, unsigned char label,
                    const unsigned char secret[16], struct mir_buf *out, struct mir_error *err)
{
    unsigned char padded[IMG_BUNDLE_RSA_BYTES_MAX] = {0, 2}, sealed[IMG_BUNDLE_RSA_BYTES_MAX];
    size_t size = (size_t)EVP_PKEY_get_size(to), len = sizeof sealed, text = 2 * SECRET_BYTES;
    static const char hex[] = "0123456789abcdef";
    make_padding(keys->seed, label, padded + 2, size - 3 - text);
    for (unsigned i = 0; i < SECRET_BYTES; i++) {
        padded[size - text + 2 * i] = (unsigned char)hex[secret[i] >> 4];
        padded[size - text + 2 * i + 1] = (unsigned char)hex[secret[i] & 15];
    }
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(to, NULL);
    bool done = ctx && EVP_PKEY_encrypt_init(ctx) > 0 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0 &&
                EVP_PKEY_encrypt(ctx, sealed, &len, padded, size) > 0;
    EVP_PKEY_CTX_free(ctx);
    OPENSSL_cleanse(padded, sizeof padded);
    if (!done)
        return mir_fail(err, MIR_FAILED, "the bundle's key cannot be encrypted");
    img_bundle_hex(out, sealed, len);
    return 0;
}

int img_bundle_sign(const struct img_bundle_keys *keys, const char *text, size_t len,
                    struct mir_buf *out, struct mir_error *err)
{
    unsigned char signature[IMG_BUNDLE_RSA_BYTES_MAX];
    size_t size = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha1(), NULL, keys->signer) > 0 &&
                EVP_DigestSign(ctx, signature, &size, (const unsigned char *)text, len) > 0;
    EVP_MD_CTX_free(ctx);
    if (!done)
        return mir_fail(err, MIR_FAILED, "the bundle's manifest cannot be signed");
    img_bundle_hex(out, signature, size);
    return 0;
}
